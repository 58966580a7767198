package exprsafe

import (
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr/ast"
)

// Function describes a function for the people who write expressions.
type Function struct {
	Name string `json:"name"`
	// Group is the heading under which it is listed, one of Groups.
	Group string `json:"group"`
	// Signature is how it is written and what it gives: "round(number, digits?) number". What may be left
	// out has a ? behind it, what may come many times a ….
	Signature string `json:"signature"`
	// Summary is one line of what it does.
	Summary string `json:"summary"`
	// Example is an expression that is true, or that may be for the change words and where the CRM is read.
	Example string `json:"example"`
}

// Groups are the headings of Functions, in their order.
func Groups() []string {
	return []string{
		"Text", "Patterns", "Encoding", "Numbers", "Dates", "Business days", "Lists", "Formatting", "Chance and keys",
		"Changes", "The CRM",
	}
}

// Functions lists all functions, by group and within it by name.
func Functions() []Function {
	var list []Function
	for _, f := range functions() {
		list = append(list, Function{f.name, f.group, f.signature(), f.summary, f.example})
	}
	for _, p := range predicates() {
		signature := p.name + "(list, " + p.body + ") " + p.result
		list = append(list, Function{p.name, "Lists", signature, p.summary, p.example})
	}
	for _, w := range changeWords() {
		list = append(list, Function{w.name, "Changes", w.signature(), w.summary, w.example})
	}
	for _, q := range queryFunctions() {
		list = append(list, Function{q.name, "The CRM", q.name + "(" + q.args + ") " + q.result, q.summary, q.example})
	}
	order := Groups()
	slices.SortFunc(list, func(a, b Function) int {
		if d := slices.Index(order, a.Group) - slices.Index(order, b.Group); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}

// function is one of our own: bounded, defined for null, and pure beside what Uses tells of it.
type function struct {
	group    string
	name     string
	args     string // the names of the params, as the signature shows them: "text, part?"
	summary  string
	params   []Kind
	among    []Kind // of which kinds the values of Any params may be; nil for all
	optional int    // how many of the params may be left out, from the last
	repeats  bool   // the last param may be given many times
	result   Kind
	gives    func(args []Type) Type // the type of the result, where it depends on the arguments
	clock    int                    // with fewer arguments than this it reads the time
	chance   bool                   // it draws from chance
	example  string
	call     operation

	// check looks at a constant text that is the i-th argument, when the expression is loaded.
	check func(i int, text string) *Error
	// prepare makes the operation of one call from its arguments as they are written; instead of call.
	prepare func(c *compiler, args []ast.Node) (operation, *Error)
}

// functions is the whole list.
func functions() []function {
	return slices.Concat(
		grouped("Text", textFunctions()), grouped("Text", wordFunctions()),
		grouped("Patterns", patternFunctions()),
		grouped("Encoding", encodingFunctions()),
		grouped("Numbers", numberFunctions()), grouped("Numbers", statisticFunctions()),
		grouped("Dates", timeFunctions()), grouped("Dates", calendarFunctions()),
		grouped("Dates", nextFunctions()), grouped("Dates", parseFunctions()), grouped("Dates", zoneFunctions()),
		grouped("Business days", businessFunctions()),
		grouped("Lists", listFunctions()),
		grouped("Formatting", formatFunctions()),
		grouped("Chance and keys", keyFunctions()),
	)
}

func grouped(group string, list []function) []function {
	for i := range list {
		list[i].group = group
	}
	return list
}

// functionsByName is the list for the compiler, which looks up each call of each expression of a book.
// Nobody changes it.
var functionsByName = sync.OnceValue(func() map[string]function {
	all := map[string]function{}
	for _, f := range functions() {
		all[f.name] = f
	}
	return all
})

// signature is how the function is written and what it gives.
func (f *function) signature() string { return f.name + "(" + f.args + ") " + short(f.result) }

// short is a kind in a word, for signatures.
func short(k Kind) string {
	switch k {
	case Any:
		return "value"
	case Bool:
		return "true/false"
	}
	return strings.TrimPrefix(k.String(), "a ")
}

// param is the kind of the i-th argument.
func (f *function) param(i int) Kind { return f.params[min(i, len(f.params)-1)] }

// typeOf is the type of the result for arguments of these types.
func (f *function) typeOf(args []Type) Type {
	if f.gives == nil {
		return Type{Kind: f.result}
	}
	return f.gives(args)
}

// operation checks the arguments at evaluation: null stands for the empty text and the empty list, and
// null where a number or a time is expected makes the result nothing. It counts the work and the
// length of the result.
func (f *function) operation(call operation, gives Kind) operation {
	return func(r *run, args []any) (any, error) {
		for i, arg := range args {
			v, isNull, err := f.argument(i, arg)
			if isNull || err != nil {
				return nothing(gives), err
			}
			args[i] = v
			if err := r.spend(1 + weight(v)); err != nil {
				return nil, err
			}
		}
		v, err := call(r, args)
		if err != nil {
			return nil, err
		}
		switch x := v.(type) {
		case nil:
			v = nothing(gives)
		case string:
			err = r.room(len(x))
		case []any:
			if len(x) > MaxList {
				return nil, faultf("%s gives a list of more than %d items", f.name, MaxList)
			}
			err = r.spend(len(x) * itemBytes * makeWork)
		}
		return v, err
	}
}

// argument checks the i-th argument. isNull tells that the whole call gives nothing.
func (f *function) argument(i int, arg any) (v any, isNull bool, err error) {
	want := f.param(i)
	switch {
	case want == Any:
		return arg, false, nil
	case want == Text && arg == nil:
		return "", false, nil
	case want == List && blank(arg):
		return []any{}, false, nil
	case want != Text && blank(arg):
		return nil, true, nil
	case kindOf(arg) != want:
		return nil, false, faultf("%s expects %s, this gives %s", f.name, want, kindOf(arg))
	}
	return arg, false, nil
}

// nothing is the value of a kind that is missing.
func nothing(k Kind) any {
	switch k {
	case Text:
		return ""
	case Bool:
		return false
	case List:
		return []any{}
	}
	return nil
}

// weight is the work of looking at a value once.
func weight(v any) int {
	if text, ok := v.(string); ok {
		return len(text)
	}
	return size(v)
}
