package render

import (
	"fmt"
	"strings"
	texttemplate "text/template"
)

// budgetName is where the budget of a message lies among the data. No template can write a name with a space.
const budgetName = "a budget"

// The functions that count. Their first argument is the budget. What a template itself says is held against the lists
// below, so it can call none of them; rewrite puts them where they belong.
const (
	startName = "count_start"
	roundName = "count_round"
	lookName  = "count_look"
)

// commentName is the function that writes a conditional comment of HTML, which html/template would take out.
const commentName = "count_comment"

// counting is the bounded form of a function that makes text.
func counting(name string) string { return "count_" + name }

// counters are the functions that count.
func counters() map[string]any {
	all := map[string]any{startName: (*budget).start, roundName: (*budget).round, lookName: (*budget).look}
	for m := inText; m <= inHTML; m++ {
		all[m.shown()] = func(b *budget, v any) (any, error) { return b.show(v, m) }
	}
	for name, make := range printers() {
		all[counting(name)] = func(b *budget, args ...any) (string, error) { return b.print(name, make, args) }
	}
	return all
}

// printers are the functions of Go's templates that make text of their arguments.
func printers() map[string]func(args ...any) string {
	return map[string]func(args ...any) string{
		"print": fmt.Sprint, "println": fmt.Sprintln, "printf": sprintf, "html": texttemplate.HTMLEscaper,
		"js": texttemplate.JSEscaper, "urlquery": texttemplate.URLQueryEscaper,
	}
}

// lookers are the functions of Go's templates that go through their arguments.
var lookers = []string{"eq", "ne", "lt", "le", "gt", "ge", "len", "slice"}

// others are the functions of Go's templates that cost nothing of note. What is listed nowhere, such as call or what a
// later version of Go brings, is refused.
var others = []string{"and", "or", "not", "index"}

// escapers are the printers that html/template does not let stand before others, and has no need of.
var escapers = []string{"html", "urlquery"}

// print checks what goes in, so that what comes out fits into memory, and then what did come out.
func (b *budget) print(name string, make func(...any) string, args []any) (string, error) {
	total, largest := 0, 0
	for i, arg := range args {
		n, err := size(arg)
		if err != nil {
			return "", err
		}
		if total += n; i > 0 {
			largest = max(largest, n)
		}
	}
	atMost := total
	if name == "printf" {
		verbs, err := checkFormat(args)
		if err != nil {
			return "", err
		}
		atMost += verbs * (largest + maxWidth) // any verb may write any argument
	}
	if total > MaxOutput || atMost > MaxWork/8 {
		return "", faultf("%s is given too much", name)
	}
	out := make(args...)
	if len(out) > MaxOutput {
		return "", faultf("%s makes a text longer than %d bytes", name, MaxOutput)
	}
	return out, b.spend(total + len(out)*makeWork)
}

func sprintf(args ...any) string {
	format, _ := args[0].(string) // checkFormat has seen to it
	return fmt.Sprintf(format, args[1:]...)
}

// checkFormat counts the verbs of a format, the first argument, and refuses a width beyond maxWidth: that of Go is a
// million for each verb.
func checkFormat(args []any) (verbs int, err error) {
	if len(args) == 0 {
		return 0, faultf("printf needs a format")
	}
	format, ok := args[0].(string)
	if !ok {
		return 0, faultf("the format of printf is a text")
	}
	for _, verb := range strings.Split(format, "%")[1:] {
		number := 0
		for _, c := range verb {
			if c == '*' {
				return 0, faultf("the width of printf is a number, not *")
			}
			if c < '0' || c > '9' {
				if !strings.ContainsRune("+-# .[]", c) {
					break
				}
				number = 0
				continue
			}
			if number = number*10 + int(c-'0'); number > maxWidth {
				return 0, faultf("the width of printf is at most %d", maxWidth)
			}
		}
		verbs++
	}
	return verbs, nil
}
