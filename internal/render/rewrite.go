package render

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"
)

// names are what a template may speak of.
var names = []string{
	"record", "recipient", "steps", "vars", "item", "link", "links", "now", "brand", "language", "direction",
	"unsubscribe",
}

// standing are the words that stand for themselves, and what they are followed by. expansion takes them out.
var standing = map[string]string{
	"layout": `"name" …`, "partial": `"name" …`, "content": "", "arg": "1",
}

// Use is one place where a template speaks of a value.
type Use struct {
	File   string
	Line   int
	Column int
	Path   []string // record, parent_id, firstname; eachItem for what a range goes through
	dot    int      // how many names of it stand for the dot
}

// eachItem stands in the path of a Use for any item of a list.
const eachItem = "[]"

// pathOf is the path of a pipeline that is nothing but one; nil for another.
func pathOf(pipe *parse.PipeNode) []string {
	if len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return nil
	}
	if chain, ok := pipe.Cmds[0].Args[0].(*parse.ChainNode); ok {
		id, ok := chain.Node.(*parse.IdentifierNode)
		if ok && slices.Contains([]string{"vars", "steps", "item"}, id.Ident) {
			return append([]string{id.Ident}, chain.Field...)
		}
	}
	if id, ok := pipe.Cmds[0].Args[0].(*parse.IdentifierNode); ok && id.Ident == "item" {
		return []string{id.Ident}
	}
	return nil
}

var errNested = errors.New("1:1: a message template cannot define or include others")

// placeholders let the parser accept the names as functions; rewrite then takes them out, and puts the counters in.
func placeholders() map[string]any {
	functions := counters()
	for _, name := range names {
		functions[name] = func() any { return nil }
	}
	for name := range standing {
		functions[name] = func(...any) any { return nil }
	}
	return functions
}

// rewrite makes of a parsed template one that can be executed for any message at once, and with bounds. Each name
// becomes the field of the same name of the data; what is written, compared or walked goes through a function that
// counts it, and each range counts its rounds. All that is added stands within pipelines or in assignments: it prints
// nothing, and so means nothing to the escaper of HTML wherever in a page it stands. It lists the uses of the names.
//
// How a value is written is for the manner to say; in JSON it depends on whether it stands within a string.
func rewrite(src *source, root *parse.ListNode, m manner) ([]Use, error) {
	r := &rewriter{src: src, manner: m}
	nodes := r.list(root)
	if r.quoted {
		r.fail(parse.Pos(len(src.text)), "a string of the JSON has no end")
	}
	root.Nodes = append([]parse.Node{counter(root.Pos, startName, nodes)}, root.Nodes...)
	return r.uses, r.err
}

type rewriter struct {
	src    *source
	manner manner
	quoted bool       // in JSON: whether the present place is within a string
	ranges int        // around the present node
	dots   [][]string // of each range and with around it, what the dot stands for; nil where that is not known
	uses   []Use
	err    error

	seen             *file // where the last place was that was looked up
	line, column, at int
}

// fail keeps the first mistake.
func (r *rewriter) fail(pos parse.Pos, format string, args ...any) {
	if r.err == nil {
		f, line, column := r.place(pos)
		r.err = placed{Problem{File: f.path, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}}
	}
}

// list rewrites the nodes and counts them, without those of ranges within, which are counted by the round.
func (r *rewriter) list(list *parse.ListNode) int {
	if list == nil {
		return 0
	}
	nodes := len(list.Nodes)
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			nodes += r.pipe(n.Pipe)
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, r.show(n.Pos)) // it is written
			}
		case *parse.IfNode:
			nodes += r.pipe(n.Pipe) + r.either(n.Pos, n.List, n.ElseList)
		case *parse.WithNode:
			of := pathOf(n.Pipe)
			nodes += r.pipe(n.Pipe)
			was := r.quoted
			r.dots = append(r.dots, of)
			nodes += r.list(n.List)
			r.dots = r.dots[:len(r.dots)-1]
			nodes += r.other(n.Pos, n.ElseList, was)
		case *parse.RangeNode:
			nodes += r.rounds(n)
		case *parse.TextNode:
			if r.manner == inJSON {
				r.follow(n.Text)
			}
		case *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
		case *parse.TemplateNode:
			r.fail(n.Pos, "a message template cannot define or include others")
		default: // what a later version of Go brings
			r.fail(n.Position(), "this is not available in a template")
		}
	}
	return nodes
}

// either rewrites the branches of an if.
func (r *rewriter) either(pos parse.Pos, list, otherwise *parse.ListNode) int {
	was := r.quoted
	nodes := r.list(list)
	return nodes + r.other(pos, otherwise, was)
}

// other rewrites a second branch, which begins where the first one did. In JSON both end within a string, or none.
func (r *rewriter) other(pos parse.Pos, list *parse.ListNode, was bool) int {
	first := r.quoted
	r.quoted = was
	nodes := r.list(list)
	if r.quoted != first {
		r.fail(pos, "a string of the JSON begins or ends in one branch only")
	}
	return nodes
}

// follow notes where strings of JSON begin and end.
func (r *rewriter) follow(text []byte) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			r.quoted = !r.quoted
		case text[i] == '\\' && r.quoted:
			i++
		}
	}
}

// show is the command that writes a value.
func (r *rewriter) show(pos parse.Pos) *parse.CommandNode {
	if r.quoted {
		return counterCall(pos, inString.shown())
	}
	return counterCall(pos, r.manner.shown())
}

// rounds makes each round of a range count itself.
func (r *rewriter) rounds(n *parse.RangeNode) int {
	if over, ok := n.Pipe.Cmds[0].Args[0].(*parse.NumberNode); ok && over.IsInt && over.Int64 > MaxIterations {
		r.fail(over.Pos, "%v", errTooManyRounds)
	}
	of := pathOf(n.Pipe)
	if of != nil {
		of = append(of, eachItem)
	}
	outside := r.pipe(n.Pipe)
	n.Pipe.Cmds = append(n.Pipe.Cmds, look(n.Pos))
	if r.ranges++; r.ranges > MaxRanges {
		r.fail(n.Pos, "at most %d ranges may lie in one another", MaxRanges)
	}
	was := r.quoted
	r.dots = append(r.dots, of)
	round := r.list(n.List)
	r.dots = r.dots[:len(r.dots)-1]
	r.ranges--
	n.List.Nodes = append([]parse.Node{counter(n.Pos, roundName, round)}, n.List.Nodes...)
	if r.quoted != was {
		r.fail(n.Pos, "a string of the JSON begins or ends within a range only")
	}
	return outside + r.other(n.Pos, n.ElseList, was)
}

// pipe rewrites the commands and counts what they consist of.
func (r *rewriter) pipe(pipe *parse.PipeNode) int {
	nodes := 0
	var commands []*parse.CommandNode
	for i, command := range pipe.Cmds {
		nodes += 1 + len(command.Args)
		function := nameOfFunction(command)
		for j, arg := range command.Args {
			rewritten, within := r.argument(arg)
			if j > 0 && slices.Contains(lookers, function) {
				rewritten = looked(rewritten)
			}
			command.Args[j], nodes = rewritten, nodes+within
		}
		switch {
		case r.manner == inHTML && slices.Contains(escapers, function):
			r.fail(command.Pos, "html escapes by itself: leave out %s", function)
		case printers()[function] != nil:
			command.Args = append(counterCall(command.Pos, counting(function)).Args, command.Args[1:]...)
		case i > 0 && slices.Contains(lookers, function):
			commands = append(commands, look(command.Pos))
		}
		commands = append(commands, command)
	}
	pipe.Cmds = commands
	return nodes
}

// nameOfFunction is the function that a command calls, "" for none.
func nameOfFunction(command *parse.CommandNode) string {
	if function, ok := command.Args[0].(*parse.IdentifierNode); ok {
		return function.Ident
	}
	return ""
}

// argument rewrites what a command consists of and counts the nodes within.
func (r *rewriter) argument(node parse.Node) (parse.Node, int) {
	switch n := node.(type) {
	case *parse.PipeNode:
		return n, r.pipe(n)
	case *parse.IdentifierNode:
		if slices.Contains(names, n.Ident) {
			return r.use(n.Pos, []string{n.Ident}), 0
		}
		if followed, ok := standing[n.Ident]; ok {
			r.fail(n.Pos, "%s stands for itself: {{ %s }}", n.Ident, strings.TrimSpace(n.Ident+" "+followed))
			return node, 0
		}
		if n.Ident == commentName && r.made(n.Pos) {
			return node, 0
		}
		if !slices.Contains(others, n.Ident) && !slices.Contains(lookers, n.Ident) && printers()[n.Ident] == nil {
			r.fail(n.Pos, "%s is not available in a template", n.Ident)
		}
	case *parse.ChainNode:
		if id, ok := n.Node.(*parse.IdentifierNode); ok && slices.Contains(names, id.Ident) {
			return r.use(id.Pos, append([]string{id.Ident}, n.Field...)), 0
		}
		inner, nodes := r.argument(n.Node)
		n.Node = inner
		return n, nodes
	case *parse.VariableNode:
		if n.Ident[0] == "$" {
			r.fail(r.begin(n.Pos, "$"), "$ is not available; write %s", strings.Join(names, ", "))
		}
	case *parse.DotNode:
		if len(r.dots) == 0 {
			r.fail(n.Pos, "there is no . outside of range and with; write %s", strings.Join(names, ", "))
		}
	case *parse.FieldNode:
		begin := r.begin(n.Pos, "."+n.Ident[0])
		if len(r.dots) == 0 {
			r.fail(begin, "write %s without the dot before it", strings.Join(n.Ident, "."))
			return node, 0
		}
		if dot := r.dots[len(r.dots)-1]; dot != nil {
			f, line, column := r.place(begin)
			r.uses = append(r.uses, Use{
				File: f.path, Line: line, Column: column, Path: slices.Concat(dot, n.Ident), dot: len(dot),
			})
		}
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode, *parse.NilNode:
	default:
		r.fail(node.Position(), "this is not available in a template")
	}
	return node, 0
}

// begin is where a text begins that a node begins with: the parser puts a node of several names at its second.
func (r *rewriter) begin(pos parse.Pos, text string) parse.Pos {
	if at := strings.LastIndex(r.src.text[:min(int(pos)+len(text), len(r.src.text))], text); at >= 0 {
		return parse.Pos(at)
	}
	return pos
}

func (r *rewriter) use(pos parse.Pos, path []string) parse.Node {
	f, line, column := r.place(pos)
	r.uses = append(r.uses, Use{File: f.path, Line: line, Column: column, Path: path})
	return variable(pos, append([]string{"$"}, path...)...)
}

// made tells whether what stands at a place is no part of any file.
func (r *rewriter) made(pos parse.Pos) bool { return r.src.still(int(pos)) }

// place is where in its file a node stands, line and column from 1. It counts on from the last place, as nodes mostly
// come in their order.
func (r *rewriter) place(pos parse.Pos) (f *file, line, column int) {
	f, at := r.src.origin(min(int(pos), len(r.src.text)))
	if f != r.seen || at < r.at {
		r.seen, r.line, r.column, r.at = f, 1, 1, 0
	}
	between := f.text[r.at:at]
	if breaks := strings.Count(between, "\n"); breaks > 0 {
		r.line, r.column = r.line+breaks, 1
		between = between[strings.LastIndexByte(between, '\n')+1:]
	}
	r.column += utf8.RuneCountInString(between)
	r.at = at
	return f, r.line, r.column
}

// counter is {{ $counted := name budget nodes }}.
func counter(pos parse.Pos, name string, nodes int) *parse.ActionNode {
	call := counterCall(pos, name)
	call.Args = append(call.Args, &parse.NumberNode{
		NodeType: parse.NodeNumber, Pos: pos, IsInt: true, Int64: int64(nodes), Text: strconv.Itoa(nodes),
	})
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: pos, Pipe: &parse.PipeNode{
		NodeType: parse.NodePipe, Pos: pos,
		Decl: []*parse.VariableNode{variable(pos, "$"+name)}, Cmds: []*parse.CommandNode{call},
	}}
}

// look is the command after which a value has been counted.
func look(pos parse.Pos) *parse.CommandNode { return counterCall(pos, lookName) }

// looked is an argument that has been counted. Constants but texts need not be.
func looked(node parse.Node) parse.Node {
	switch node.(type) {
	case *parse.NumberNode, *parse.BoolNode, *parse.NilNode:
		return node
	}
	pos := node.Position()
	call := look(pos)
	call.Args = append(call.Args, node)
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Cmds: []*parse.CommandNode{call}}
}

// counterCall calls a counter with the budget.
func counterCall(pos parse.Pos, name string) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: []parse.Node{
		parse.NewIdentifier(name).SetPos(pos), variable(pos, "$", budgetName),
	}}
}

func variable(pos parse.Pos, path ...string) *parse.VariableNode {
	return &parse.VariableNode{NodeType: parse.NodeVariable, Pos: pos, Ident: path}
}
