package render

import (
	"strings"
)

// markKind is what a mark is.
type markKind int

const (
	markText    markKind = iota
	markTag              // <p class="x">, </p>
	markComment          // <!-- … -->, conditional ones too
	markDoctype          // <!doctype html>
	markRaw              // what stands in style, script, title or textarea
	markAction           // {{ … }} outside of tags
)

// mark is a piece of a template of HTML.
type mark struct {
	kind       markKind
	begin, end int
	name       string // of a tag, or of what the raw text stands in; in small letters
	closes     bool   // </p>
	attrs      []attribute
	action     action
}

// attribute is one of a tag; its value is without the quotes around.
type attribute struct {
	name       string // in small letters
	begin, end int    // of the value
	whole      int    // where the attribute begins
	until      int    // and ends
	bare       bool   // no quotes stand around the value
}

// value is the attribute of a name; nil if the tag has none.
func (m *mark) value(name string) *attribute {
	for i := range m.attrs {
		if m.attrs[i].name == name {
			return &m.attrs[i]
		}
	}
	return nil
}

// rawElements hold no marks.
var rawElements = map[string]bool{"style": true, "script": true, "title": true, "textarea": true}

// reader takes a template of HTML apart.
type reader struct {
	text    string
	at      int
	actions []action // those from here on
	marks   []mark
}

// markup takes a template of HTML apart. It knows as much of HTML as templates of mails need, and never fails: what it
// does not know is text.
func markup(text string) []mark {
	r := &reader{text: text, actions: actions(text)}
	for r.at < len(text) {
		r.next()
	}
	return r.marks
}

// action is the one that begins at a byte; nil if none does. Those before it are over.
func (r *reader) action(at int) *action {
	for len(r.actions) > 0 && r.actions[0].end <= at {
		r.actions = r.actions[1:]
	}
	if len(r.actions) > 0 && r.actions[0].begin == at {
		return &r.actions[0]
	}
	return nil
}

func (r *reader) add(m mark) {
	m.begin, r.at = r.at, m.end
	r.marks = append(r.marks, m)
}

func (r *reader) next() {
	if a := r.action(r.at); a != nil {
		r.add(mark{kind: markAction, end: a.end, action: *a})
		return
	}
	rest := r.text[r.at:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		end := strings.Index(rest, "-->")
		if end < 0 {
			end = len(rest) - len("-->")
		}
		r.add(mark{kind: markComment, end: r.at + end + len("-->")})
	case strings.HasPrefix(rest, "<!"):
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			end = len(rest) - 1
		}
		r.add(mark{kind: markDoctype, end: r.at + end + 1})
	case beginsTag(rest):
		r.tag()
	default:
		r.plain()
	}
}

func beginsTag(text string) bool {
	after := strings.TrimPrefix(text[min(1, len(text)):], "/")
	return strings.HasPrefix(text, "<") && after != "" && isLetter(after[0])
}

// plain reads text up to the next tag or action.
func (r *reader) plain() {
	for i := r.at + 1; ; i++ {
		if i >= len(r.text) || r.action(i) != nil || r.text[i] == '<' {
			r.add(mark{kind: markText, end: min(i, len(r.text))})
			return
		}
	}
}

// tag reads a tag with its attributes, and what stands in an element that holds no marks.
func (r *reader) tag() {
	m := mark{kind: markTag}
	i := r.at + 1
	if r.text[i] == '/' {
		m.closes = true
		i++
	}
	begin := i
	for i < len(r.text) && nameByte(r.text[i]) {
		i++
	}
	m.name = strings.ToLower(r.text[begin:i])
	for i < len(r.text) && r.text[i] != '>' {
		switch a := r.action(i); {
		case a != nil:
			i = a.end
		case isSpace(r.text[i]) || r.text[i] == '/':
			i++
		default:
			var found attribute
			found, i = r.attribute(i)
			m.attrs = append(m.attrs, found)
		}
	}
	m.end = min(i+1, len(r.text))
	r.add(m)
	if m.closes || !rawElements[m.name] {
		return
	}
	if end := r.end(m.name); end > r.at {
		r.add(mark{kind: markRaw, end: end, name: m.name})
	}
}

// end is where an element ends that holds no marks.
func (r *reader) end(name string) int {
	for at := r.at; ; at += 2 {
		found := strings.Index(r.text[at:], "</")
		if found < 0 {
			return len(r.text)
		}
		if at += found; strings.EqualFold(r.text[at+2:min(at+2+len(name), len(r.text))], name) {
			return at
		}
	}
}

func nameByte(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' || c == '-' || c == ':' }

// attribute reads one from a byte on, and tells where it ends.
func (r *reader) attribute(i int) (attribute, int) {
	a := attribute{whole: i}
	for i < len(r.text) && r.text[i] != '>' && r.text[i] != '=' && !isSpace(r.text[i]) && r.action(i) == nil {
		i++
	}
	a.name = strings.ToLower(r.text[a.whole:i])
	if i == a.whole { // a = without a name
		return attribute{whole: i, until: i + 1}, i + 1
	}
	a.begin, a.end, a.until = i, i, i
	if i >= len(r.text) || r.text[i] != '=' {
		return a, i
	}
	i++
	quote := byte(0)
	if i < len(r.text) && (r.text[i] == '"' || r.text[i] == '\'') {
		quote = r.text[i]
		i++
	}
	a.begin, a.bare = i, quote == 0
	for i < len(r.text) {
		if action := r.action(i); action != nil {
			i = action.end
			continue
		}
		if c := r.text[i]; c == quote && quote != 0 || quote == 0 && (c == '>' || isSpace(c)) {
			break
		}
		i++
	}
	a.end, a.until = i, i
	if quote != 0 && i < len(r.text) {
		a.until = i + 1
	}
	return a, a.until
}

// emptyElements have no end.
var emptyElements = map[string]bool{
	"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true,
	"link": true, "meta": true, "source": true, "track": true, "wbr": true,
}
