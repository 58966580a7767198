// Package exprsafe compiles and evaluates the expressions that administrators write into workflows:
// conditions such as
//
//	record.status != "Closed" && record.parent_id.email != ""
//
// and texts with {{ … }}. It is the only user of the library expr (github.com/expr-lang/expr), of which
// it takes the parser and the virtual machine. In between it puts its own compiler, which knows the
// types of a module's fields, says in plain words what is wrong and where, follows references
// (Program.Routes), gives null its meaning, and lets through nothing that could keep a process busy or
// fill its memory. Whoever may write an expression may otherwise not be trusted with the process, so
// whatever is not known to be safe is refused. The limits are the constants of limits.go.
//
// # Null
//
// A field without a value is null. Texts, bools and lists are never null: they read as "", false and
// the empty list. For all others
//
//   - null equals null and the empty text, and nothing else,
//   - <, <=, > and >= with null are false,
//   - in, contains, startsWith, endsWith and matches with null are false,
//   - arithmetic with null is null, but text + null is the text,
//   - a function of null is null, or works on "" and the empty list,
//   - as a condition null is false,
//   - what is taken from null (a field, an item) is null.
//
// # What differs from expr
//
// References are followed with a dot. ?? replaces the empty text too. There are no methods, no let, no
// predicates within predicates, no chained comparisons, and of expr's functions only those of the same
// name in Functions.
package exprsafe
