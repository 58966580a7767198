package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	texttemplate "text/template"
	"text/template/parse"

	"postern/internal/sms"
)

// MaxSegments is how many segments an SMS has at most where its channel does not say.
const MaxSegments = 3

// Try holds the texts for some channels against what these carry: JSON is written with examples and read again, and
// what a text for SMS says in any case is counted in segments. A problem with a Doubt may be right all the same.
func (t *Template) Try(channels []string) (problems []Problem) {
	for _, channel := range channels {
		for _, language := range slices.Sorted(maps.Keys(t.of(channel))) {
			chosen := t.of(channel)[language]
			if chosen.broken || chosen.body == nil {
				continue
			}
			switch {
			case chosen.body.json:
				problems = append(problems, t.tryJSON(chosen)...)
			case t.shelf.kindOf(channel) == "sms":
				problems = append(problems, t.trySegments(channel, chosen)...)
			}
		}
	}
	return problems
}

func (t *Template) tryJSON(chosen *text) []Problem {
	var out string
	if err := t.write(chosen.body, &out, t.data(t.Sample(chosen.language, nil), chosen.language)); err != nil {
		return nil // it depends on the message
	}
	err := json.Unmarshal([]byte(out), new(any))
	if err == nil {
		return nil
	}
	wrong := chosen.body.src.from[0].file.problem(0, "with examples for its values this is not valid JSON: %v: %s", err,
		excerpt(out, err))
	wrong.Column = 0
	return []Problem{wrong}
}

// excerpt is what stands around the place where a text ceases to be JSON.
func excerpt(text string, err error) string {
	at := len(text)
	if wrong, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // it comes from Unmarshal as it is
		at = int(min(wrong.Offset, int64(len(text))))
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(text[max(at-30, 0):min(at+10, len(text))], "")), " ")
}

func (t *Template) trySegments(channel string, chosen *text) []Problem {
	most := t.shelf.Segments[channel]
	if most == 0 {
		most = MaxSegments
	}
	compiled, ok := chosen.body.executor.(*texttemplate.Template)
	if !ok {
		return nil
	}
	count := sms.Measure(fixed(compiled.Root))
	if count.Segments <= most {
		return nil
	}
	why := ""
	if count.Unicode {
		why = fmt.Sprintf(", since %q is none of the characters that SMS was made for", count.Odd)
	}
	p := chosen.body.src.from[0].file.problem(0, "without its values this is an SMS of %d segments already%s; "+
		"%s sends %d at most", count.Segments, why, channel, most)
	p.Column, p.Doubt = 0, "segments"
	return []Problem{p}
}

// fixed is what a text says in any case, or in the longest: links are as long as ours, values are empty, and ranges go
// round once.
func fixed(list *parse.ListNode) string {
	if list == nil {
		return ""
	}
	var out strings.Builder
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			out.Write(n.Text)
		case *parse.ActionNode:
			if isLink(n.Pipe) {
				out.WriteString(sampleLink)
			}
		case *parse.IfNode:
			out.WriteString(longer(n.List, n.ElseList))
		case *parse.WithNode:
			out.WriteString(longer(n.List, n.ElseList))
		case *parse.RangeNode:
			out.WriteString(longer(n.List, n.ElseList))
		}
	}
	return out.String()
}

func longer(a, b *parse.ListNode) string {
	one, other := fixed(a), fixed(b)
	if len(one) < len(other) {
		return other
	}
	return one
}

// isLink tells whether a rewritten pipeline writes the address of a link.
func isLink(pipe *parse.PipeNode) bool {
	if len(pipe.Decl) > 0 {
		return false
	}
	of, ok := pipe.Cmds[0].Args[0].(*parse.VariableNode)
	return ok && len(of.Ident) > 1 && (of.Ident[1] == "link" || of.Ident[1] == "links")
}
