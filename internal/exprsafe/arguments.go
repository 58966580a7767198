package exprsafe

import (
	"math"
	"slices"
	"time"

	"github.com/expr-lang/expr/ast"
)

// str, items, when and amount read arguments that function.argument has checked.
func str(v any) string {
	s, _ := v.(string)
	return s
}

func items(v any) []any {
	l, _ := v.([]any)
	return l
}

func when(v any) time.Time {
	t, _ := v.(time.Time)
	return t
}

func amount(v any) float64 {
	x, _ := float(v)
	return x
}

// arg is the i-th argument, nil if it was left out.
func arg(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return nil
}

// count reads a whole number between two bounds. The name says what of which function it is.
func count(v any, least, most int, name string) (int, error) {
	n, ok := whole(v)
	if !ok || n < least || n > most {
		return 0, faultf("%s is a whole number from %d to %d", name, least, most)
	}
	return n, nil
}

// constant is the i-th argument if it is written as a quoted text.
func constant(args []ast.Node, i int) (*ast.StringNode, bool) {
	if i >= len(args) {
		return nil, false
	}
	text, ok := args[i].(*ast.StringNode)
	return text, ok
}

// choice checks a constant word.
func choice(what, word string, words []string) *Error {
	if slices.Contains(words, word) {
		return nil
	}
	return &Error{Message: "unknown " + what + " \"" + word + "\"", Hint: suggest(word, slices.Clone(words))}
}

// complaint makes an error of a constant text of one that the evaluation would give.
func complaint(err error) *Error {
	if err == nil {
		return nil
	}
	return &Error{Message: err.Error()}
}

// sameKind is the type of one of the arguments, or of an item where the first is a list.
func sameKind(args []Type) Type {
	t := args[0]
	if t.Kind == List {
		t = t.item()
	}
	for _, other := range args[1:] {
		t = join(t, other)
	}
	switch t.Kind {
	case Number, Time, Duration:
		return Type{Kind: t.Kind}
	}
	return Type{}
}

// sameList keeps the type of a list's items.
func sameList(args []Type) Type {
	if args[0].Kind == List {
		return args[0]
	}
	return Type{Kind: List}
}

// oneItem is the type of an item of a list.
func oneItem(args []Type) Type { return args[0].item() }

// texts is the type of a list of texts.
func texts([]Type) Type { return ListOf(Type{Kind: Text}) }

// finite refuses a result that is no number.
func finite(x float64) (any, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, fault("the result is no number, or too large")
	}
	return shortest(x, true), nil
}
