package render

import (
	"errors"
	"fmt"
	"text/template/parse"
)

// roundName is what the function that counts rounds is called among the data, and the variable that takes its result.
// No template can write a name with a space.
const roundName = "a round"

// rounds counts the rounds of one message's ranges and refuses the one after the last.
func rounds() func() (string, error) {
	left := MaxIterations
	return func() (string, error) {
		if left--; left < 0 {
			return "", errors.New(tooManyRounds())
		}
		return "", nil
	}
}

func tooManyRounds() string {
	return fmt.Sprintf("the ranges of a message go round %d times at most", MaxIterations)
}

// count makes each round of a range begin with {{ $round := call $.round }}. Being an assignment it prints nothing, and
// so means nothing to the escaper of HTML, wherever in a page the range stands. A constant beyond the limit is a
// mistake at once.
func (r *rewriter) count(n *parse.RangeNode) {
	if over, ok := n.Pipe.Cmds[0].Args[0].(*parse.NumberNode); ok && over.IsInt && over.Int64 > MaxIterations {
		line, column := r.place(over.Pos)
		r.err = fmt.Errorf("%d:%d: %s", line, column, tooManyRounds())
	}
	call := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{
		parse.NewIdentifier("call").SetPos(n.Pos), variable(n.Pos, "$", roundName),
	}}
	round := &parse.ActionNode{NodeType: parse.NodeAction, Pos: n.Pos, Line: n.Line, Pipe: &parse.PipeNode{
		NodeType: parse.NodePipe, Pos: n.Pos, Line: n.Line,
		Decl: []*parse.VariableNode{variable(n.Pos, "$"+roundName)}, Cmds: []*parse.CommandNode{call},
	}}
	n.List.Nodes = append([]parse.Node{round}, n.List.Nodes...)
}

func variable(pos parse.Pos, path ...string) *parse.VariableNode {
	return &parse.VariableNode{NodeType: parse.NodeVariable, Pos: pos, Ident: path}
}
