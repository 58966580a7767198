package render

import (
	"html"
	"strings"
)

// The signs by which a text that was derived says what stands between its words. No value holds any of them, since
// controls are taken out of values; tidy puts spaces and line breaks in their place.
const (
	signSpace     = "\x01" // a space, if words stand around it
	signLine      = "\x02" // the next word begins a line
	signParagraph = "\x03" // the next word stands below an empty line
	signBreak     = "\x04" // one line break more
)

// paragraphs are elements with an empty line around them; lines are those that begin on a line of their own.
var (
	paragraphs = elements("p h1 h2 h3 h4 h5 h6 ul ol table blockquote pre dl hr")
	lines      = elements("div tr li dt dd section article header footer main center form caption")
)

func elements(names string) map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		all[name] = true
	}
	return all
}

// derive writes the text part of a message from a template of its HTML: a template too, with the same actions. The
// text and the address of a link stay, cells are parted, entries of lists begin with a dash. What nobody sees is left
// out. The problem says where no text can be derived.
func derive(src *source) (*source, *Problem) {
	d := &deriver{src: src, marks: markup(src.text)}
	for d.i = 0; d.i < len(d.marks); d.i++ {
		d.mark(d.marks[d.i])
		if d.wrong != nil {
			return nil, d.wrong
		}
	}
	made := d.out.source(src)
	if d.open != 0 {
		f, pos := src.origin(d.at)
		wrong := f.problem(pos, "no text can be derived: an if, range or with stands half in what is not shown; "+
			"write the txt part by hand")
		return nil, &wrong
	}
	return made, nil
}

type deriver struct {
	src    *source
	marks  []mark
	i      int
	out    patchwork
	open   int     // ifs, ranges and withs
	at     int     // where the last of them stands
	hidden int     // how many elements are open that nobody sees, and those within
	rows   []*grid // the tables that are open
	links  []*attribute
	wrong  *Problem
}

// grid is where the text stands in a table.
type grid struct {
	layout bool // it holds no data: its cells stand below each other
	cells  int  // of the row so far
	head   bool // the last one was a heading
}

func (d *deriver) say(text string) { d.out.insert(text, d.src, d.marks[d.i].begin) }

func (d *deriver) mark(m mark) {
	if d.hidden > 0 {
		d.within(m)
		return
	}
	switch m.kind {
	case markText:
		d.words(m.begin, m.end)
	case markAction:
		d.act(m.action)
	case markTag:
		d.tag(m)
	}
}

// within looks when what nobody sees is over.
func (d *deriver) within(m mark) {
	if m.kind != markTag || emptyElements[m.name] {
		return
	}
	if m.closes {
		d.hidden--
	} else {
		d.hidden++
	}
}

// words writes text as people read it.
func (d *deriver) words(begin, end int) {
	text := html.UnescapeString(strings.NewReplacer("&nbsp;", " ", "&#160;", " ").Replace(d.src.text[begin:end]))
	words := strings.Fields(text)
	if text != "" && strings.TrimLeft(text, " \t\r\n\u00a0") != text {
		d.say(signSpace)
	}
	d.say(strings.ReplaceAll(strings.Join(words, signSpace), "{{", `{{ "{{" }}`))
	if len(words) > 0 && strings.TrimRight(text, " \t\r\n\u00a0") != text {
		d.say(signSpace)
	}
}

// act writes an action again. Spaces that it trims mean nothing here.
func (d *deriver) act(a action) {
	switch {
	case a.inner == "" || strings.HasPrefix(a.inner, "/*"):
		return
	case a.opens():
		d.open, d.at = d.open+1, a.at
	case a.inner == "end":
		d.open, d.at = d.open-1, a.at
	}
	d.out.insert("{{ ", d.src, a.begin)
	d.out.piece(d.src, a.at, a.at+len(a.inner))
	d.out.insert(" }}", d.src, a.begin)
}

func (d *deriver) tag(m mark) {
	switch {
	case !m.closes && unseen(d.src.text, m):
		if !emptyElements[m.name] {
			d.hidden++
		}
		return
	case m.name == "br":
		d.say(signBreak)
	case m.name == "img":
		d.attribute(m.value("alt"))
	case m.name == "a":
		d.link(m)
	case m.name == "td" || m.name == "th":
		d.cell(m)
	}
	if paragraphs[m.name] {
		d.say(signParagraph)
	} else if lines[m.name] {
		d.say(signLine)
	}
	switch {
	case m.name == "hr":
		d.say("----" + signParagraph)
	case m.name == "li" && !m.closes:
		d.say("- ")
	case m.name == "table" && !m.closes:
		role := m.value("role")
		d.rows = append(d.rows, &grid{layout: role != nil && d.src.text[role.begin:role.end] == "presentation"})
	case m.name == "table" && len(d.rows) > 0:
		d.rows = d.rows[:len(d.rows)-1]
	case m.name == "tr" && !m.closes && len(d.rows) > 0:
		d.rows[len(d.rows)-1].cells = 0
	}
}

// unseen tells whether nobody sees an element.
func unseen(text string, m mark) bool {
	if rawElements[m.name] || m.name == "head" || m.value("hidden") != nil {
		return true
	}
	if a := m.value("aria-hidden"); a != nil && text[a.begin:a.end] == "true" {
		return true
	}
	style := m.value("style")
	return style != nil && strings.Contains(strings.ReplaceAll(text[style.begin:style.end], " ", ""), "display:none")
}

// attribute writes the value of one.
func (d *deriver) attribute(a *attribute) {
	if a == nil {
		return
	}
	at := a.begin
	for _, found := range actions(d.src.text[a.begin:a.end]) {
		d.words(at, a.begin+found.begin)
		moved := found
		moved.begin, moved.at = a.begin+found.begin, a.begin+found.at
		d.act(moved)
		at = a.begin + found.end
	}
	d.words(at, a.end)
}

// cell parts a cell from the one before.
func (d *deriver) cell(m mark) {
	if len(d.rows) == 0 {
		return
	}
	row := d.rows[len(d.rows)-1]
	switch {
	case row.layout:
		d.say(signLine)
	case m.closes:
	case row.cells > 0 && row.head:
		d.say(":" + signSpace)
	case row.cells > 0:
		d.say(signSpace + "|" + signSpace)
	}
	if !m.closes {
		row.cells++
		row.head = m.name == "th"
	}
}

// link writes the address behind the text of a link: on a line of its own, if the link is all there is in its
// paragraph.
func (d *deriver) link(m mark) {
	if !m.closes {
		href := m.value("href")
		if href != nil && d.sameAsText(href) {
			href = nil
		}
		d.links = append(d.links, href)
		return
	}
	if len(d.links) == 0 {
		return
	}
	href := d.links[len(d.links)-1]
	if d.links = d.links[:len(d.links)-1]; href == nil || strings.HasPrefix(d.src.text[href.begin:href.end], "#") {
		return
	}
	if d.alone() {
		d.say(":" + signLine)
		d.attribute(href)
		d.say(signParagraph)
		return
	}
	d.say(signSpace + "(")
	d.attribute(href)
	d.say(")")
}

// sameAsText tells whether a link says its own address.
func (d *deriver) sameAsText(href *attribute) bool {
	to := strings.TrimSpace(d.src.text[href.begin:href.end])
	for _, scheme := range []string{"mailto:", "tel:"} {
		to = strings.TrimPrefix(to, scheme)
	}
	begin := d.marks[d.i].end
	for _, m := range d.marks[d.i+1:] {
		if m.kind == markTag && m.name == "a" {
			return strings.TrimSpace(d.src.text[begin:m.begin]) == to
		}
	}
	return false
}

// alone tells whether nothing but the link stands in its paragraph or cell.
func (d *deriver) alone() bool {
	begin := d.i
	for begin > 0 && (d.marks[begin].kind != markTag || d.marks[begin].name != "a" || d.marks[begin].closes) {
		begin--
	}
	return d.edge(begin-1, -1) && d.edge(d.i+1, 1)
}

// edge tells whether a paragraph begins or ends before any word comes.
func (d *deriver) edge(i, step int) bool {
	for ; i >= 0 && i < len(d.marks); i += step {
		switch m := d.marks[i]; m.kind {
		case markText:
			if strings.TrimSpace(html.UnescapeString(d.src.text[m.begin:m.end])) != "" {
				return false
			}
		case markAction:
			if !m.action.silent() {
				return false
			}
		case markTag:
			if paragraphs[m.name] || lines[m.name] || m.name == "td" || m.name == "th" || m.name == "br" ||
				m.name == "body" {
				return true
			}
			if m.name == "a" || m.name == "img" {
				return false
			}
		}
	}
	return true
}

// tidy puts spaces and line breaks in place of the signs.
func tidy(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	breaks, space := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case signSpace[0]:
			space = true
		case signLine[0]:
			breaks = max(breaks, 1)
		case signParagraph[0]:
			breaks = 2
		case signBreak[0]:
			breaks = min(breaks+1, 2)
		default:
			if out.Len() > 0 && breaks > 0 {
				out.WriteString("\n\n"[:breaks])
			} else if out.Len() > 0 && space {
				out.WriteByte(' ')
			}
			breaks, space = 0, false
			out.WriteByte(c)
		}
	}
	if out.Len() > 0 {
		out.WriteByte('\n')
	}
	return out.String()
}
