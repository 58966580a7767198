package rehearsal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"postern/engine"
)

// pattern is the regular expression of a text between slashes: what is different each time.
func pattern(want any) (*regexp.Regexp, bool, error) {
	text, ok := want.(string)
	if !ok || len(text) < 3 || text[0] != '/' || text[len(text)-1] != '/' {
		return nil, false, nil
	}
	expression, err := regexp.Compile("(?s)" + text[1:len(text)-1])
	if err != nil {
		return nil, true, fmt.Errorf("the pattern %s is none: %w", text, err)
	}
	return expression, true, nil
}

// checkPatterns finds patterns that are none.
func checkPatterns(want any) error {
	switch want := want.(type) {
	case []any:
		for _, item := range want {
			if err := checkPatterns(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, value := range want {
			if err := checkPatterns(value); err != nil {
				return err
			}
		}
	}
	_, _, err := pattern(want)
	return err
}

// like tells whether a value is what is wanted: the same, or what a pattern finds. Of an object, only the keys that
// are named are looked at.
func like(want, got any) bool {
	if expression, is, err := pattern(want); is && err == nil {
		text, single := engine.PlainText(got)
		return single && expression.MatchString(text)
	}
	switch want := want.(type) {
	case map[string]any:
		values, ok := got.(map[string]any)
		for name, value := range want {
			if !ok || !like(value, values[name]) {
				return false
			}
		}
		return ok
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range want {
			if !like(want[i], list[i]) {
				return false
			}
		}
		return true
	}
	return engine.Same(want, got)
}

// contains tells whether a text has a piece, whatever the blanks and lines between its words are.
func contains(want, got any) bool {
	if expression, is, err := pattern(want); is && err == nil {
		text, _ := engine.PlainText(got)
		return expression.MatchString(text)
	}
	piece, _ := engine.PlainText(want)
	text, _ := engine.PlainText(got)
	return strings.Contains(flat(text), flat(piece))
}

func lacks(want, got any) bool { return !contains(want, got) }

// holds tells whether a list has an item.
func holds(want, got any) bool {
	list, _ := got.([]any)
	for _, item := range list {
		if like(want, item) {
			return true
		}
	}
	return false
}

// sameText compares texts but for the blanks at their ends.
func sameText(want, got any) bool {
	a, _ := engine.PlainText(want)
	b, _ := engine.PlainText(got)
	return strings.Join(trimmed(a), "\n") == strings.Join(trimmed(b), "\n")
}

func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// trimmed are the lines of a text without the blanks at their ends.
func trimmed(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return lines
}

// textDiff shows two texts line by line: what only the first has begins with -, what only the second has with +.
func textDiff(want, got string) string {
	a, b := trimmed(want), trimmed(got)
	longest := make([][]int, len(a)+1) // common lines of the rests
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	var lines []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			lines, i, j = append(lines, "  "+a[i]), i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			lines, i = append(lines, "- "+a[i]), i+1
		default:
			lines, j = append(lines, "+ "+b[j]), j+1
		}
	}
	return strings.Join(lines, "\n")
}

// asJSON is a value as JSON, for complaints.
func asJSON(v any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(out.String())
}
