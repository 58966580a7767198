package rehearsal

import (
	"fmt"
	"slices"
	"time"

	"postern/engine"
	"postern/internal/yamldoc"
)

// Limits of a test file.
const (
	maxCases = 500
	maxBeats = 200
)

// File is a checked test file.
type File struct {
	Name  string // of the file
	Cases []*Case
}

// Case is one case of a test file.
type Case struct {
	Name      string
	Line      int
	Workflows []string // that are active; empty for that of the file, "all" alone for all
	now       time.Time
	records   []*engine.Event
	story     []beat
	file      string
}

// Place is where the case stands: "x.test.yaml:12".
func (c *Case) Place() string { return fmt.Sprintf("%s:%d", c.file, c.Line) }

// Now is the time at which the case begins.
func (c *Case) Now() time.Time { return c.now }

// testFile is a test file. The comments of its fields are what editors show: see internal/generate.
type testFile struct {
	// Records are those that are there before each case: Contacts/12x1: { firstname: Zoë }.
	Records []yamldoc.Entry `yaml:"records" schema:"fields"`
	// Now is when the cases begin; a time without an offset further down is in its zone.
	Now *yamldoc.Node `yaml:"now" schema:"text"`
	// Workflows are those that are active: that of the file if not said, a list of names, or all.
	Workflows *yamldoc.Node `yaml:"workflows" schema:"'all'|[]text"`
	// Cases are the stories, each played for itself.
	Cases []*yamldoc.Node `yaml:"cases,required" schema:"caseFile"`
}

type caseFile struct {
	// Name says what the case shows, in a sentence.
	Name *yamldoc.Node `yaml:"name,required" schema:"text"`
	// Records are there before this case, over those above all cases.
	Records []yamldoc.Entry `yaml:"records" schema:"fields"`
	// Now is when the case begins.
	Now *yamldoc.Node `yaml:"now" schema:"text"`
	// Workflows are those that are active: a list of names, or all.
	Workflows *yamldoc.Node `yaml:"workflows" schema:"'all'|[]text"`
	// Story is what happens, one thing after the other.
	Story []*yamldoc.Node `yaml:"story,required" schema:"beatFile"`
	// Expect is what should have come of it at the end, all of it, or nothing.
	Expect *yamldoc.Node `yaml:"expect" schema:"'nothing'|[]expectFile"`
}

// defaultNow is when cases begin that do not say so: a Monday.
var defaultNow = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Parse reads and checks a test file against the book that its workflow is of. The file is nil if there is an error
// among the complaints.
func Parse(name string, text []byte, book *engine.Book) (*File, yamldoc.Diagnostics) {
	doc, diags := yamldoc.Parse(name, text)
	if doc == nil || diags.Err() != nil {
		return nil, diags
	}
	p := &parser{book: book, names: map[string]bool{}}
	var f testFile
	p.complain(yamldoc.Decode(doc.Root(), &f)...)
	file := &File{Name: name}
	if len(f.Cases) > maxCases {
		p.complain(f.Cases[maxCases].Errorf("more than %d cases in one file", maxCases))
		f.Cases = f.Cases[:maxCases]
	}
	if doc.Root().Get("cases") != nil && len(f.Cases) == 0 {
		p.complain(doc.Root().Get("cases").Errorf("there is no case"))
	}
	for _, node := range f.Cases {
		file.Cases = append(file.Cases, p.readCase(f, node))
	}
	p.diags.Sort()
	p.diags = slices.Compact(p.diags) // what stands above all cases is read for each
	if p.diags.Err() != nil {
		return nil, p.diags
	}
	return file, p.diags
}

// parser carries what one Parse has found so far.
type parser struct {
	book  *engine.Book
	diags yamldoc.Diagnostics
	names map[string]bool // of cases
	zone  *time.Location  // that times without one are in
}

func (p *parser) complain(d ...yamldoc.Diagnostic) { p.diags = append(p.diags, d...) }

func (p *parser) readCase(f testFile, node *yamldoc.Node) *Case {
	var c caseFile
	p.complain(yamldoc.Decode(node, &c)...)
	made := &Case{Line: node.Line(), file: node.File(), now: defaultNow}
	p.zone = time.UTC
	if c.Name != nil {
		made.Name = c.Name.Text()
		if p.names[made.Name] {
			p.complain(c.Name.Errorf("there is a case of this name already"))
		}
		p.names[made.Name] = true
	}
	for _, now := range []*yamldoc.Node{f.Now, c.Now} {
		if now != nil {
			made.now = p.moment(now, made.now)
			p.zone = made.now.Location()
		}
	}
	for _, chosen := range []*yamldoc.Node{f.Workflows, c.Workflows} {
		if chosen != nil {
			made.Workflows = p.workflows(chosen)
		}
	}
	made.records = p.records(f.Records, c.Records, made.now)
	made.story = p.story(c, node)
	return made
}

// workflows reads which workflows are active: a list of names, or all.
func (p *parser) workflows(node *yamldoc.Node) []string {
	if node.Text() == "all" {
		return []string{"all"}
	}
	var wanted []*yamldoc.Node
	if diags := yamldoc.Decode(node, &wanted); diags.Err() != nil {
		p.complain(node.Errorf("expected all or a list of workflows"))
		return nil
	}
	var known, names []string
	for _, w := range p.book.Workflows {
		known = append(known, w.Name)
	}
	for _, name := range wanted {
		if !slices.Contains(known, name.Text()) {
			p.complain(name.Unknown("workflow", known))
		}
		names = append(names, name.Text())
	}
	return names
}

// story reads what happens; what is expected at its end is its last beat.
func (p *parser) story(c caseFile, node *yamldoc.Node) []beat {
	var story []beat
	if len(c.Story) > maxBeats {
		p.complain(c.Story[maxBeats].Errorf("a story of more than %d entries", maxBeats))
		c.Story = c.Story[:maxBeats]
	}
	expects := c.Expect != nil
	for _, entry := range c.Story {
		if b := p.beat(entry); b.do != nil {
			story = append(story, b)
		}
		expects = expects || entry.Get("expect") != nil
	}
	if c.Expect != nil {
		story = append(story, p.expectation(c.Expect))
	}
	if !expects {
		p.complain(node.Errorf("the case expects nothing, so it cannot fail; say what should happen under expect, " +
			"or expect: nothing"))
	}
	return story
}

// moment reads a time.
func (p *parser) moment(node *yamldoc.Node, otherwise time.Time) time.Time {
	if at, ok := parseMoment(node.Text(), p.zone); ok {
		return at
	}
	p.complain(node.Errorf("%q is no time", node.Text()).WithHint("write it like 2026-03-02T09:00:00+01:00"))
	return otherwise
}

// parseMoment reads a time: RFC 3339, or without an offset in a zone.
func parseMoment(text string, zone *time.Location) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
