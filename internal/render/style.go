package render

import (
	"cmp"
	"slices"
	"strings"
)

// inlineStyles writes the rules of style elements into the elements that they speak of, since some programs for mail
// read nothing else. What can only stand in a style element stays there: rules of @media, of states such as :hover, and
// those that are !important. The rules are simple ones: names, classes and ids, also one within another. What an
// element says itself comes last.
func inlineStyles(src *source) (*source, *Problem) {
	if !strings.Contains(src.text, "<style") {
		return src, nil
	}
	marks := markup(src.text)
	var rules []rule
	var edits []edit
	for i, m := range marks {
		if m.kind != markRaw || m.name != "style" {
			continue
		}
		found, cuts := rulesOf(src.text, m.begin, m.end, len(rules))
		rules = append(rules, found...)
		if left := remains(src.text[m.begin:m.end], m.begin, cuts); left == "" && i > 0 && i+1 < len(marks) {
			cuts = []edit{{begin: marks[i-1].begin, end: marks[i+1].end}} // the element as a whole
		}
		edits = append(edits, cuts...)
	}
	if len(rules) == 0 {
		return src, nil
	}
	s := styler{text: src.text, rules: rules}
	size := len(src.text)
	for _, m := range marks {
		if m.kind != markTag {
			continue
		}
		for _, e := range s.tag(m) {
			edits, size = append(edits, e), size+len(e.text)
		}
		if size > maxStyled || s.compared > maxCompared {
			f, pos := src.origin(rules[0].at)
			wrong := f.problem(pos, "there are too many styles to be written into so many elements")
			return nil, &wrong
		}
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.begin, b.begin) })
	return src.with(edits), nil
}

// Limits of styles.
const (
	maxStyled   = 512 << 10 // bytes of a text with its styles in its elements
	maxCompared = 4 << 20   // elements that rules are held against, together
	maxAround   = 100       // elements around one that rules look at
)

// remains is what is left of a text from a byte on after cuts, without spaces.
func remains(text string, from int, cuts []edit) string {
	var left strings.Builder
	at := 0
	for _, cut := range cuts {
		left.WriteString(text[at : cut.begin-from])
		left.WriteString(cut.text)
		at = cut.end - from
	}
	left.WriteString(text[at:])
	return strings.TrimSpace(left.String())
}

// rule is one that can be inlined: one selector, and what it says.
type rule struct {
	steps  []simple // the last one is of the element itself, the others of those around it
	says   []declaration
	weight [3]int // ids, classes, names
	order  int
	at     int // where in the text it begins
}

// simple is a selector such as td.fields.
type simple struct {
	name, id string
	classes  []string
}

type declaration struct{ property, value string }

// rulesOf takes apart what a style element holds. The cuts take away what can be inlined.
func rulesOf(text string, begin, end, order int) (rules []rule, cuts []edit) {
	for _, a := range actions(text[begin:end]) {
		if a.steers() {
			return nil, nil // what holds depends on the message
		}
	}
	for at := begin; at < end; {
		open, kind := seek(text[:end], at, "{;")
		if kind == 0 {
			break
		}
		head := strings.TrimSpace(withoutComments(text[at:open]))
		if strings.HasPrefix(head, "@") || kind == ';' {
			at = open + 1
			if kind == '{' {
				at = blockEnd(text[:end], open)
			}
			continue
		}
		closing, _ := seek(text[:end], open+1, "}")
		says, plain := declarations(text[open+1 : min(closing, end)])
		until := min(closing+1, end)
		if found, left := selectors(head); plain && len(found) > 0 {
			for _, f := range found {
				f.says, f.at, f.order = says, at, order+len(rules)
				rules = append(rules, f)
			}
			cut := edit{begin: at, end: until}
			if left != "" {
				cut = edit{begin: at, end: open, text: "\n" + left + " "}
			}
			cuts = append(cuts, cut)
		}
		at = until
	}
	return rules, cuts
}

// seek finds the first of some bytes outside of comments, quotes and actions; kind is 0, at the end, for none.
func seek(text string, at int, bytes string) (found int, kind byte) {
	for i := at; i < len(text); i++ {
		c := text[i]
		switch {
		case strings.HasPrefix(text[i:], "{{"):
			i += max(closing(text[i:])-1, 1)
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i+2:], "*/")
			if end < 0 {
				return len(text), 0
			}
			i += end + 3
		case c == '"' || c == '\'':
			i += max(quoted(text[i:])-1, 0)
		case strings.IndexByte(bytes, c) >= 0:
			return i, c
		}
	}
	return len(text), 0
}

// blockEnd is behind the } that closes the { at a byte.
func blockEnd(text string, open int) int {
	depth := 0
	for at := open; ; {
		found, kind := seek(text, at, "{}")
		switch kind {
		case 0:
			return len(text)
		case '{':
			depth++
		default:
			depth--
		}
		if at = found + 1; depth == 0 {
			return at
		}
	}
}

func withoutComments(text string) string {
	for {
		begin := strings.Index(text, "/*")
		end := strings.Index(text, "*/")
		if begin < 0 || end < begin {
			return text
		}
		text = text[:begin] + " " + text[end+2:]
	}
}

// declarations are what a rule says; not plain are those that can stand in a style element only.
func declarations(text string) (all []declaration, plain bool) {
	plain = true
	for at := 0; at < len(text); {
		end, _ := seek(text, at, ";")
		property, value, ok := strings.Cut(withoutComments(text[at:end]), ":")
		if at = end + 1; !ok {
			continue
		}
		value = strings.Join(strings.Fields(value), " ")
		plain = plain && !strings.Contains(value, "!important")
		all = append(all, declaration{strings.ToLower(strings.TrimSpace(property)), value})
	}
	return all, plain
}

// selectors are those of a list that can be inlined; left are the others.
func selectors(list string) (rules []rule, left string) {
	var others []string
	for one := range strings.SplitSeq(list, ",") {
		r, ok := rule{}, strings.TrimSpace(one) != ""
		for word := range strings.FieldsSeq(one) {
			var step simple
			var known bool
			if step, known = simpleOf(word); !known {
				ok = false
				break
			}
			r.steps = append(r.steps, step)
			r.weight[1] += len(step.classes)
			if step.id != "" {
				r.weight[0]++
			}
			if step.name != "" {
				r.weight[2]++
			}
		}
		if ok {
			rules = append(rules, r)
		} else {
			others = append(others, strings.TrimSpace(one))
		}
	}
	return rules, strings.Join(others, ", ")
}

// simpleOf reads td.fields; not known is what has more in it.
func simpleOf(word string) (s simple, known bool) {
	for rest := word; rest != ""; {
		sign := rest[0]
		if sign == '.' || sign == '#' {
			rest = rest[1:]
		}
		end := 0
		for end < len(rest) && (nameByte(rest[end]) && rest[end] != ':' || rest[end] == '_') {
			end++
		}
		if end == 0 {
			return s, false
		}
		switch name := rest[:end]; sign {
		case '.':
			s.classes = append(s.classes, name)
		case '#':
			s.id = name
		default:
			s.name = strings.ToLower(name)
		}
		rest = rest[end:]
	}
	return s, true
}

// styler goes through the tags of a text.
type styler struct {
	text   string
	rules  []rule
	around []element // that are open

	compared int // elements that rules were held against
}

type element struct {
	name, id string
	classes  []string
}

// tag tells what has to be written into a tag.
func (s *styler) tag(m mark) []edit {
	if m.closes {
		for i := len(s.around) - 1; i >= 0; i-- {
			if s.around[i].name == m.name {
				s.around = s.around[:i]
				break
			}
		}
		return nil
	}
	e := element{name: m.name}
	if a := m.value("class"); a != nil {
		e.classes = strings.Fields(withoutActions(s.text[a.begin:a.end]))
	}
	if a := m.value("id"); a != nil {
		e.id = s.text[a.begin:a.end]
	}
	var fit []rule
	for _, r := range s.rules {
		if s.fits(r, e) {
			fit = append(fit, r)
		}
	}
	if !emptyElements[m.name] && len(s.around) < maxAround {
		s.around = append(s.around, e)
	}
	if len(fit) == 0 {
		return nil
	}
	slices.SortStableFunc(fit, func(a, b rule) int {
		return cmp.Or(slices.Compare(a.weight[:], b.weight[:]), cmp.Compare(a.order, b.order))
	})
	return []edit{s.written(m, fit)}
}

// written puts what rules say into a tag, before what it says itself.
func (s *styler) written(m mark, rules []rule) edit {
	var all []declaration
	for _, r := range rules {
		for _, d := range r.says {
			all = slices.DeleteFunc(all, func(before declaration) bool { return before.property == d.property })
			all = append(all, d)
		}
	}
	own := m.value("style")
	if own != nil {
		says, _ := declarations(s.text[own.begin:own.end])
		for _, d := range says {
			all = slices.DeleteFunc(all, func(before declaration) bool { return before.property == d.property })
		}
	}
	var said []string
	for _, d := range all {
		said = append(said, d.property+": "+unquoted(d.value))
	}
	style := strings.Join(said, "; ")
	if own != nil && s.text[own.begin-1] == '\'' && !strings.Contains(style, "{{") {
		style = strings.ReplaceAll(style, "'", `"`)
	}
	switch {
	case own == nil:
		at := m.begin + 1 + len(m.name)
		return edit{begin: at, end: at, text: ` style="` + style + `"`, from: rules[0].at}
	case own.bare || style == "":
		return edit{begin: own.begin, end: own.begin}
	case strings.TrimSpace(s.text[own.begin:own.end]) != "":
		style += "; "
	}
	return edit{begin: own.begin, end: own.begin, text: style, from: rules[0].at}
}

// withoutActions is a text with spaces in place of its actions.
func withoutActions(text string) string {
	var out strings.Builder
	at := 0
	for _, a := range actions(text) {
		out.WriteString(text[at:a.begin])
		out.WriteByte(' ')
		at = a.end
	}
	out.WriteString(text[at:])
	return out.String()
}

// fits tells whether a rule speaks of an element, with those around it.
func (s *styler) fits(r rule, e element) bool {
	last := len(r.steps) - 1
	s.compared++
	if !r.steps[last].fits(e) {
		return false
	}
	for i := len(s.around) - 1; i >= 0 && last > 0; i-- {
		s.compared++
		if r.steps[last-1].fits(s.around[i]) {
			last--
		}
	}
	return last == 0
}

func (s simple) fits(e element) bool {
	if s.name != "" && s.name != e.name || s.id != "" && s.id != e.id {
		return false
	}
	for _, class := range s.classes {
		if !slices.Contains(e.classes, class) {
			return false
		}
	}
	return true
}

// unquoted is a value as it may stand in quotes. One with actions is left, whose quotes are their own.
func unquoted(value string) string {
	if strings.Contains(value, "{{") {
		return value
	}
	return strings.ReplaceAll(value, `"`, "'")
}
