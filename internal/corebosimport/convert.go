package corebosimport

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Options say what an export does not.
type Options struct {
	Zone     string            // IANA zone of schedules and days
	Language string            // BCP 47 tag of the messages' texts
	Settings map[string]string // by the names of SettingNames
}

// Book is what an import gives.
type Book struct {
	Files  map[string]string // by path
	Report Report
}

// importer converts the workflows of one export.
type importer struct {
	options Options
	modules Modules
	maps    map[string]businessMap
	names   map[*original]string // of the files
	started map[string]bool      // workflows that a task of another starts, by name
	off     map[string]string    // workflows that are not loaded, by name, and why
	taken   map[string]bool      // names that somebody has
	parts   map[string]string    // names of workflows for tasks that wait, by what they are for
}

// Convert writes the book. Modules may be empty; then types are guessed from what is compared, and no module
// file is written.
func Convert(export *Export, modules Modules, options Options) *Book {
	im := &importer{
		options: options, modules: modules, maps: export.maps, names: map[*original]string{},
		started: map[string]bool{}, off: map[string]string{}, taken: map[string]bool{}, parts: map[string]string{},
	}
	for _, o := range export.workflows {
		im.names[o] = unique(slug(o.title, "workflow-"+o.id), im.taken)
	}
	book := &Book{Files: map[string]string{}}
	var done []*conversion
	for range 10 { // a workflow that is off takes those along that start it; as a rule twice is enough
		started, off := maps.Clone(im.started), maps.Clone(im.off)
		done = nil
		for _, o := range export.workflows {
			done = append(done, im.convert(o, export))
		}
		if maps.Equal(started, im.started) && maps.Equal(off, im.off) {
			break
		}
	}
	for _, c := range done {
		maps.Copy(book.Files, c.written())
		book.Report.Workflows = append(book.Report.Workflows, c.entry())
	}
	book.Report.finish(export, modules)
	return book
}

// conversion is one workflow on its way.
type conversion struct {
	im     *importer
	export *Export
	o      *original
	name   string
	speech *speech
	root   *node
	where  said // the conditions of a schedule

	once, manual bool
	steps        []*node
	files        map[string]string // of its messages
	parts        []*conversion     // workflows of their own for tasks that wait for another time

	helpers []entry // values that the present message needs
	helped  int
	ids     int

	changes []string // what differs from the original
	missing []string // what cannot be said
}

func (im *importer) convert(o *original, export *Export) *conversion {
	c := &conversion{im: im, export: export, o: o, name: im.names[o], files: map[string]string{}}
	c.speech = &speech{
		modules: im.modules, module: o.module, subject: "record", vars: map[string]kind{},
		zone: im.options.Zone, language: im.options.Language,
	}
	c.build()
	if why := c.offReason(); why != "" {
		im.off[c.name] = why
	}
	return c
}

// change notes a difference of the workflow as a whole, and puts it above the file.
func (c *conversion) change(sentence string) {
	if !slices.Contains(c.changes, sentence) {
		c.changes = append(c.changes, sentence)
		c.root.note(sentence)
	}
}

// miss notes what cannot be said.
func (c *conversion) miss(sentence string) {
	if !slices.Contains(c.missing, sentence) {
		c.missing = append(c.missing, sentence)
		c.root.note("Not converted: " + sentence)
	}
}

// said takes over the changes that the expressions have told since the last time.
func (c *conversion) said() []string {
	news := slices.Concat(c.speech.changes, c.speech.remarks)
	changes := c.speech.changes
	c.speech.changes, c.speech.remarks = nil, nil
	for _, sentence := range changes {
		if !slices.Contains(c.changes, sentence) {
			c.changes = append(c.changes, sentence)
		}
	}
	return news
}

// build makes the file from the top down.
func (c *conversion) build() {
	c.root = mapping(pair("name", c.name))
	c.heading()
	if c.o.module == "" {
		c.miss("It says no module.")
		return
	}
	if len(c.im.modules) > 0 && c.im.modules[c.o.module] == nil {
		c.miss("The module " + c.o.module + " is not described; add its description (--modules).")
	}
	test := c.test()
	on := list(c.triggers()...)
	if c.im.started[c.name] && !c.manual {
		on.items = append(on.items, mapping(entry{"manual", literal("true")}, pair("module", c.o.module)).
			note("Another workflow starts this one."))
	}
	if len(on.items) == 1 && len(on.items[0].notes) == 0 {
		c.root.add(entry{"on", on.items[0]})
	} else {
		c.root.add(entry{"on", on})
	}
	if test != nil {
		c.root.add(entry{"if", test})
	}
	if active := c.active(); active != nil {
		c.root.add(entry{"active", active})
	}
	if c.once {
		c.root.add(entry{"first", literal("true")})
	}
	c.tasks()
	c.root.add(entry{"tasks", list(c.steps...)})
}

func (c *conversion) heading() {
	from := "From coreBOS"
	if c.o.id != "" {
		from += ", workflow " + c.o.id
	}
	c.root.note(from + ": " + oneLine(c.o.title) + ".")
	description := strings.TrimSpace(strings.Join(slices.DeleteFunc([]string{c.o.title, c.o.purpose},
		func(text string) bool { return text == "" }), ". "))
	if description != "" {
		c.root.add(pair("description", strings.Join(strings.Fields(description), " ")))
	}
	if !c.o.hasTasks {
		c.miss("Its tasks are in none of the files: they are in the table com_vtiger_workflowtasks.")
	}
}

// test says the conditions of the workflow. Those of a schedule choose its records.
func (c *conversion) test() *node {
	scheduled := c.o.trigger == "6" || c.o.trigger == "ON_SCHEDULE"
	one := c.speech.one
	if scheduled {
		if !c.records() {
			return nil
		}
		one = func(line condition) (said, error) {
			switch line.Operation {
			case "has changed", "has changed to", "was":
				c.speech.change("coreBOS does not look at the condition %s on a schedule, and so it is left out.",
					line.show())
				return said{}, errLeftOut
			}
			return c.speech.one(line)
		}
	}
	out := c.speech.conditions(c.o.test, one)
	for _, sentence := range out.missing {
		c.miss(sentence)
	}
	notes := c.said()
	if scheduled {
		c.where = out.said
		c.root.note(notes...)
		return nil
	}
	if out.said.text == "" {
		c.root.note(notes...)
		return nil
	}
	return expression(out.said).note(notes...)
}

// records reads how a scheduled workflow finds its records; false if not by its conditions.
func (c *conversion) records() bool {
	switch c.o.choose {
	case "", "conditions":
		return true
	case "onerecord":
		id := c.o.record
		if m := c.im.modules[c.o.module]; digits.MatchString(id) && m != nil && m.prefix != "" {
			id = m.prefix + "x" + id
		}
		c.where = said{"record.id == " + jsonQuoted(id), kindBool, levelCompare}
		if digits.MatchString(id) {
			c.where.text = "record.id endsWith " + jsonQuoted("x"+id)
		}
	case "cbquestion":
		c.miss("Its records are chosen by a saved query of coreBOS (cbQuestion); say the same with where.")
		c.where = said{"false", kindBool, levelAtom}
	default:
		c.miss("Its records are chosen by a business map of coreBOS (" + c.o.choose + "); say the same with where.")
		c.where = said{"false", kindBool, levelAtom}
	}
	return false
}

// offReason is why no book loads the file; "" if it does.
func (c *conversion) offReason() string {
	switch {
	case len(c.missing) > 0:
		return "a part of it is not converted"
	case !c.o.active:
		return "it was switched off in coreBOS"
	case !slices.ContainsFunc(c.steps, func(n *node) bool { return !n.isNothing() }):
		return "it does nothing"
	}
	return ""
}

// written are the files of the workflow.
func (c *conversion) written() map[string]string {
	files := maps.Clone(c.files)
	name := c.name + ".yaml"
	why := c.offReason()
	if why != "" {
		name += ".off"
		c.root.notes = slices.Insert(c.root.notes, 1,
			"This file is not loaded: "+why+". Finish it, and take .off from its name.")
	}
	files[name] = c.root.write()
	for _, part := range c.parts {
		name := part.name + ".yaml"
		if why != "" {
			name += ".off"
		}
		files[name] = part.root.write()
		maps.Copy(files, part.files)
	}
	return files
}

// slug makes a name for a file of a title.
func slug(title, otherwise string) string {
	const longest = 56
	var out strings.Builder
	for _, r := range strings.ToLower(plainLetters(title)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			out.WriteRune(r)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
		if out.Len() >= longest {
			break
		}
	}
	if name := strings.Trim(out.String(), "-"); name != "" {
		return name
	}
	return strings.Trim(otherwise, "-")
}

// plainLetters takes the marks off the letters of western languages.
func plainLetters(text string) string {
	return strings.NewReplacer(
		"á", "a", "à", "a", "â", "a", "ä", "a", "ã", "a", "å", "a", "æ", "ae", "ç", "c", "é", "e", "è", "e", "ê", "e",
		"ë", "e", "í", "i", "ì", "i", "î", "i", "ï", "i", "ñ", "n", "ó", "o", "ò", "o", "ô", "o", "ö", "o", "õ", "o",
		"ø", "o", "œ", "oe", "ß", "ss", "ú", "u", "ù", "u", "û", "u", "ü", "u", "ý", "y", "ÿ", "y", "Á", "a", "À", "a",
		"Â", "a", "Ä", "a", "Ç", "c", "É", "e", "È", "e", "Ê", "e", "Í", "i", "Î", "i", "Ñ", "n", "Ó", "o", "Ö", "o",
		"Ú", "u", "Ü", "u",
	).Replace(text)
}

// unique is a name that nobody has yet.
func unique(name string, taken map[string]bool) string {
	for i, free := 2, name; ; i++ {
		if !taken[free] {
			taken[free] = true
			return free
		}
		free = fmt.Sprintf("%s-%d", name, i)
	}
}

func oneLine(text string) string {
	if text = strings.Join(strings.Fields(text), " "); text != "" {
		return strings.TrimSuffix(text, ".")
	}
	return "without a name"
}
