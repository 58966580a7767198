package render

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"
)

// names are what a template may speak of.
var names = []string{"record", "recipient", "steps", "link", "links", "now"}

// Use is one place where a template speaks of a value.
type Use struct {
	File   string
	Line   int
	Column int
	Path   []string // record, parent_id, firstname
}

var errNested = errors.New("1:1: a message template cannot define or include others")

// placeholders let the parser accept the names as functions; rewrite then takes them out.
func placeholders() map[string]any {
	functions := map[string]any{}
	for _, name := range names {
		functions[name] = func() any { return nil }
	}
	return functions
}

// rewrite replaces each name by the field of the same name of the data, so that a parsed template can
// be executed for any message at once, and lists the uses.
func rewrite(path, source string, root *parse.ListNode) ([]Use, error) {
	r := &rewriter{path: path, source: source}
	r.list(root)
	return r.uses, r.err
}

type rewriter struct {
	path, source string
	uses         []Use
	err          error
}

func (r *rewriter) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			r.pipe(n.Pipe)
		case *parse.IfNode:
			r.branch(&n.BranchNode)
		case *parse.RangeNode:
			r.branch(&n.BranchNode)
			r.count(n)
		case *parse.WithNode:
			r.branch(&n.BranchNode)
		case *parse.TemplateNode:
			r.err = errNested
		}
	}
}

func (r *rewriter) branch(n *parse.BranchNode) {
	r.pipe(n.Pipe)
	r.list(n.List)
	r.list(n.ElseList)
}

func (r *rewriter) pipe(pipe *parse.PipeNode) {
	if pipe == nil {
		return
	}
	for _, command := range pipe.Cmds {
		for i, arg := range command.Args {
			command.Args[i] = r.argument(arg)
		}
	}
}

func (r *rewriter) argument(node parse.Node) parse.Node {
	switch n := node.(type) {
	case *parse.PipeNode:
		r.pipe(n)
	case *parse.IdentifierNode:
		if slices.Contains(names, n.Ident) {
			return r.use(n.Pos, []string{n.Ident})
		}
	case *parse.ChainNode:
		if id, ok := n.Node.(*parse.IdentifierNode); ok && slices.Contains(names, id.Ident) {
			return r.use(id.Pos, append([]string{id.Ident}, n.Field...))
		}
		n.Node = r.argument(n.Node)
	}
	return node
}

func (r *rewriter) use(pos parse.Pos, path []string) parse.Node {
	line, column := r.place(pos)
	r.uses = append(r.uses, Use{File: r.path, Line: line, Column: column, Path: path})
	return variable(pos, append([]string{"$"}, path...)...)
}

// place is where in the source a node stands, both from 1.
func (r *rewriter) place(pos parse.Pos) (line, column int) {
	before := r.source[:min(int(pos), len(r.source))]
	line = strings.Count(before, "\n") + 1
	return line, len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
}

// The parser's messages look like `template: path:3:14: unexpected …`, the column from 0, or lack it.
var parserMessage = regexp.MustCompile(`^(?:(?:html/)?template: ?)?.*?:?(\d+):(?:(\d+):)? (.*)$`)

// problem takes a parser's message apart.
func problem(path, source string, err error) Problem {
	message := strings.TrimPrefix(err.Error(), "template: "+path+":")
	m := parserMessage.FindStringSubmatch(message)
	if m == nil {
		return Problem{File: path, Line: 1, Message: message}
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	p := Problem{File: path, Line: max(line, 1), Column: column, Message: m[3]}
	p.explain(source)
	return p
}

var (
	unknownFunction = regexp.MustCompile(`^function "(.*)" not defined$`)
	unclosedAction  = regexp.MustCompile(`^unclosed action(?: started at .*:(\d+))?$`)
)

// explain puts the parser's commonest messages into our words and finds their place.
func (p *Problem) explain(source string) {
	if m := unknownFunction.FindStringSubmatch(p.Message); m != nil {
		p.Message = fmt.Sprintf("unknown name %q; a template may speak of %s", m[1], strings.Join(names, ", "))
		p.Word, p.Choices = m[1], names
		p.Column = columnOf(source, p.Line, m[1])
		return
	}
	if m := unclosedAction.FindStringSubmatch(p.Message); m != nil {
		if started, err := strconv.Atoi(m[1]); err == nil {
			p.Line = started
		}
		p.Message, p.Column = "{{ is not closed by }}", columnOf(source, p.Line, "{{")
		return
	}
	if p.Message == "unexpected EOF" {
		p.Message = "an if, range or with is not closed by {{ end }}"
		p.Line = strings.Count(strings.TrimRight(source, "\n"), "\n") + 1
	}
}

// columnOf finds a word in the templates of a line, from 1; 0 if it is not there.
func columnOf(source string, line int, word string) int {
	lines := strings.Split(source, "\n")
	if line > len(lines) {
		return 0
	}
	text := lines[line-1]
	from := max(strings.Index(text, "{{"), 0)
	at := strings.Index(text[from:], word)
	if word == "{{" {
		at = strings.LastIndex(text[from:], word)
	}
	if at < 0 {
		return 0
	}
	return utf8.RuneCountInString(text[:from+at]) + 1
}
