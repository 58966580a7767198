package exprsafe

import (
	"io"
	"regexp"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// patternFunctions take a constant pattern in RE2 syntax, as matches does.
func patternFunctions() []function {
	two := []Kind{Text, Text}
	return []function{
		{
			name: "replacePattern", args: "text, pattern, new", params: []Kind{Text, Text, Text}, result: Text,
			summary: "with each match of the pattern (a regular expression) replaced; $1 is its first group",
			example: `replacePattern("a1b22", "[0-9]+", "#") == "a#b#"`,
			prepare: prepared(finder.replace),
		},
		{
			name: "extract", args: "text, pattern", params: two, result: Text,
			summary: "the first match of the pattern (a regular expression), or the first group in it",
			example: `extract("Re: [TT12] No power", "TT[0-9]+") == "TT12"`,
			prepare: prepared(finder.first),
		},
		{
			name: "extractAll", args: "text, pattern", params: two, result: List, gives: texts,
			summary: "all matches of the pattern (a regular expression), or the first group in each",
			example: `len(extractAll("TT1, TT2", "TT[0-9]+")) == 2`,
			prepare: prepared(finder.all),
		},
	}
}

// prepared compiles the pattern that is the second argument.
func prepared(call func(p finder, r *run, args []any) (any, error)) func(*compiler, []ast.Node) (operation, *Error) {
	return func(c *compiler, args []ast.Node) (operation, *Error) {
		written, ok := constant(args, 1)
		if !ok {
			return nil, c.fail(args[1], "a pattern is written as a quoted text")
		}
		p, fail := c.pattern(written)
		if fail != nil {
			return nil, fail
		}
		again, err := regexp.Compile(`\A(?s:.)(?s:.*?)(` + written.Value + `)`)
		if err != nil {
			return nil, c.fail(written, "this pattern cannot be read: %s", patternFault(err))
		}
		return func(r *run, args []any) (any, error) {
			return call(finder{pattern{p.Regexp, p.steps + againSteps}, again}, r, args)
		}, nil
	}
}

// againSteps are the steps of the machine of finder.again beside those of the pattern.
const againSteps = 6

// finder finds the matches of a pattern one after the other. A pattern may look far beyond a match, and
// do so for each; regexp cannot be stopped in that, so it reads the text from us, who count.
type finder struct {
	pattern
	again *regexp.Regexp // the pattern as the first group, anywhere behind the first character
}

// find is the next match at or behind a place, as regexp.FindStringSubmatchIndex gives it.
func (f finder) find(r *run, text string, from int) ([]int, error) {
	if err := r.spend(callWork * (f.NumSubexp() + 2)); err != nil {
		return nil, err
	}
	_, width := utf8.DecodeLastRuneInString(text[:from])
	in := &reader{run: r, text: text[from-width:], price: f.steps * patternWork}
	var place []int
	if from == 0 {
		place = f.FindReaderSubmatchIndex(in)
	} else if place = f.again.FindReaderSubmatchIndex(in); place != nil {
		place = place[2:]
	}
	for i := range place {
		if place[i] >= 0 {
			place[i] += from - width
		}
	}
	return place, in.failed
}

// each visits all matches. One without length right behind another is none.
func (f finder) each(r *run, text string, visit func(place []int) error) error {
	end := -1
	for from := 0; from <= len(text); {
		place, err := f.find(r, text, from)
		if err != nil || place == nil {
			return err
		}
		if place[0] != end || place[1] != from {
			if err := visit(place); err != nil {
				return err
			}
		}
		end = place[1]
		if from = end; place[0] == place[1] {
			_, width := utf8.DecodeRuneInString(text[from:])
			from += max(width, 1)
		}
	}
	return nil
}

// reader hands out a text character by character, each at its price.
type reader struct {
	run    *run
	text   string
	price  int
	failed error
}

// ReadRune ends the text where the work is used up; whatever is found then does not count.
func (r *reader) ReadRune() (rune, int, error) {
	char, width := utf8.DecodeRuneInString(r.text)
	if width == 0 || r.failed != nil {
		return 0, 0, io.EOF
	}
	if r.failed = r.run.spend(width * r.price); r.failed != nil {
		return 0, 0, r.failed
	}
	r.text = r.text[width:]
	return char, width, nil
}

// group is what a match, or a group of it, covers.
func group(text string, place []int, n int) string {
	if 2*n >= len(place) || place[2*n] < 0 {
		return ""
	}
	return text[place[2*n]:place[2*n+1]]
}

// wanted is the group that extract gives: the first one, or else the match.
func (f finder) wanted() int { return min(1, f.NumSubexp()) }

// first is the first match, "" if there is none.
func (f finder) first(r *run, args []any) (any, error) {
	text := str(args[0])
	place, err := f.find(r, text, 0)
	return group(text, place, f.wanted()), err
}

// all are all matches as texts.
func (f finder) all(r *run, args []any) (any, error) {
	text, found := str(args[0]), []any{}
	err := f.each(r, text, func(place []int) error {
		if found = append(found, group(text, place, f.wanted())); len(found) > MaxList {
			return faultf("extractAll gives a list of more than %d items", MaxList)
		}
		return nil
	})
	return found, err
}

// replace writes the new text in the place of each match.
func (f finder) replace(r *run, args []any) (any, error) {
	text, by := str(args[0]), str(args[2])
	out, done := []byte{}, 0
	err := f.each(r, text, func(place []int) (err error) {
		out = append(out, text[done:place[0]]...)
		done = place[1]
		out, err = expand(r, out, by, text, place)
		return err
	})
	return string(append(out, text[done:]...)), err
}

// expand appends a new text, in which $0 to $9 stand for groups of the match and $$ for the sign itself.
func expand(r *run, out []byte, by, text string, place []int) ([]byte, error) {
	for i := 0; i < len(by); i++ {
		next := by[min(i+1, len(by)-1)]
		switch {
		case by[i] != '$' || i+1 == len(by):
			out = append(out, by[i])
		case next == '$':
			out, i = append(out, '$'), i+1
		case '0' <= next && next <= '9':
			out, i = append(out, group(text, place, int(next-'0'))...), i+1
		default:
			out = append(out, '$')
		}
		if len(out) > MaxText {
			return nil, r.room(len(out))
		}
	}
	return out, r.spend(len(by))
}
