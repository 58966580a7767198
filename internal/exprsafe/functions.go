package exprsafe

import (
	"slices"
	"strings"
)

// Function describes a function for the people who write expressions.
type Function struct {
	Name string
	// Example is an expression that is true, or that may be for the change words.
	Example string
}

// Functions lists all functions by name.
func Functions() []Function {
	var list []Function
	for _, f := range functions() {
		list = append(list, Function{f.name, f.example})
	}
	for name, example := range predicates() {
		list = append(list, Function{name, example})
	}
	for _, w := range changeWords() {
		list = append(list, Function{w.name, w.example})
	}
	slices.SortFunc(list, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// function is one of our own: pure, bounded, and defined for null.
type function struct {
	name     string
	params   []Kind
	optional int  // how many of the params may be left out, from the last
	repeats  bool // the last param may be given many times
	result   Kind
	example  string
	call     operation
}

// functions is the whole list. It is built anew for each call in a source: that happens only when a
// workflow is loaded, and spares the package a global that somebody could change.
func functions() []function {
	return slices.Concat(textFunctions(), numberFunctions(), listFunctions(), timeFunctions())
}

// findFunction looks a function up by its exact name.
func findFunction(name string) (function, bool) {
	all := functions()
	i := slices.IndexFunc(all, func(f function) bool { return f.name == name })
	if i < 0 {
		return function{}, false
	}
	return all[i], true
}

// param is the kind of the i-th argument.
func (f *function) param(i int) Kind { return f.params[min(i, len(f.params)-1)] }

// gives is the type of the result: a function from list to list keeps the type of the items.
func (f *function) gives(first Type) Type {
	switch {
	case f.result == List && first.Kind == List:
		return first
	case f.name == "split":
		return ListOf(Type{Kind: Text})
	}
	return Type{Kind: f.result}
}

// operation checks the arguments at evaluation: null stands for the empty text and the empty list, and
// null where a number or a time is expected makes the result null. It counts the work and the length
// of the result.
func (f *function) operation() operation {
	return func(r *run, args []any) (any, error) {
		for i, arg := range args {
			v, isNull, err := f.argument(i, arg)
			if isNull || err != nil {
				return nil, err
			}
			args[i] = v
			if err := r.spend(1 + weight(v)); err != nil {
				return nil, err
			}
		}
		v, err := f.call(r, args)
		if err != nil {
			return nil, err
		}
		switch x := v.(type) {
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

// argument checks the i-th argument. isNull tells that the result of the whole call is null.
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

// weight is the work of looking at a value once.
func weight(v any) int {
	if text, ok := v.(string); ok {
		return len(text)
	}
	return size(v)
}

// str and items read arguments that argument has checked.
func str(v any) string {
	s, _ := v.(string)
	return s
}

func items(v any) []any {
	l, _ := v.([]any)
	return l
}
