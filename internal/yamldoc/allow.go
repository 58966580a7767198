package yamldoc

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// allowance is a comment that silences a warning, with its reason:
//
//	template: bare  # lint: allow no-subject: the provider makes one up
//
// It stands at the end of the line that the warning is about, or in a line of its own above it.
type allowance struct {
	line, column int // of the comment
	of           int // line that it is about
	code, reason string
	used         bool
}

var (
	allowComment = regexp.MustCompile(`(?:^|[ \t])(#[ \t]*lint:[ \t]*allow\b.*)$`)
	allowForm    = regexp.MustCompile(`^#[ \t]*lint:[ \t]*allow[ \t]+([a-z][a-z0-9-]*)[ \t]*(?::[ \t]*(.*))?$`)
)

// allowances finds the comments in the text of a file.
func allowances(text []byte) (found []*allowance) {
	if !bytes.Contains(text, []byte("lint:")) {
		return nil
	}
	lines := strings.Split(strings.TrimPrefix(string(text), byteOrderMark), "\n")
	for i, line := range lines {
		at := allowComment.FindStringSubmatchIndex(strings.TrimRight(line, " \t\r"))
		if at == nil {
			continue
		}
		a := &allowance{line: i + 1, column: utf8.RuneCountInString(line[:at[2]]) + 1, of: i + 1}
		if form := allowForm.FindStringSubmatch(strings.TrimRight(line[at[2]:], " \t\r")); form != nil {
			a.code, a.reason = form[1], form[2]
		}
		if strings.TrimSpace(line[:at[2]]) == "" {
			a.of = nextLine(lines, i)
		}
		found = append(found, a)
	}
	return found
}

// nextLine is the first line after one, counted from 0, that is no comment; counted from 1.
func nextLine(lines []string, after int) int {
	for i := after + 1; i < len(lines); i++ {
		if !strings.HasPrefix(strings.TrimSpace(lines[i]), "#") {
			return i + 1
		}
	}
	return after + 2
}

// Silence takes out the warnings for which their file gives a reason, in a comment `# lint: allow code: reason` at
// their line or above it. A comment without a code or a reason, and one for nothing, is a warning itself. The sources
// are the texts of the files by name.
func (ds Diagnostics) Silence(sources map[string][]byte) Diagnostics {
	left := make(Diagnostics, 0, len(ds))
	all := map[string][]*allowance{}
	for name, text := range sources {
		if found := allowances(text); len(found) > 0 {
			all[name] = found
		}
	}
	if len(all) == 0 {
		return ds
	}
	for _, d := range ds {
		if !silenced(d, all[d.File]) {
			left = append(left, d)
		}
	}
	for name, found := range all {
		for _, a := range found {
			if wrong := a.wrong(); wrong != "" {
				left = append(left, Diagnostic{
					File: name, Line: a.line, Column: a.column, Severity: Warning, Code: "allow", Message: wrong,
					Hint: "write # lint: allow <code>: <reason>",
				})
			}
		}
	}
	left.Sort()
	return left
}

func silenced(d Diagnostic, by []*allowance) (yes bool) {
	for _, a := range by {
		if d.Severity == Warning && a.code == d.Code && a.of == d.Line && a.code != "" {
			a.used = true
			yes = yes || a.reason != ""
		}
	}
	return yes
}

// wrong says what is wrong with the comment; "" for nothing.
func (a *allowance) wrong() string {
	switch {
	case a.code == "":
		return "this comment does not say which warning it allows"
	case !a.used:
		return fmt.Sprintf("nothing here is warned of as %s, so there is nothing to allow", a.code)
	case a.reason == "":
		return fmt.Sprintf("this comment does not say why %s is allowed", a.code)
	}
	return ""
}
