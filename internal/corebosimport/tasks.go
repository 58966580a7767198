package corebosimport

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// delay is when a task runs: so long before or after a date of the record.
type delay struct {
	field string
	hours float64 // negative for before
}

// delay reads the trigger of a task. Days are what there always was; hours and minutes came later.
func (t task) delay() delay {
	trigger, ok := t.fields["trigger"].(map[string]any)
	if !ok {
		return delay{}
	}
	d := delay{field: textOf(trigger["field"])}
	for unit, hours := range map[string]float64{"days": 24, "hours": 1, "minutes": 1.0 / 60, "mins": 1.0 / 60} {
		if n, err := strconv.ParseFloat(textOf(trigger[unit]), 64); err == nil {
			d.hours += n * hours
		}
	}
	return d
}

// tasks makes the steps. A step that waits lets those after it wait too, which a task did not: so tasks at
// once come first, then those that wait for a date by how long, and for each further date a workflow of
// its own is started.
func (c *conversion) tasks() {
	var dates []string
	waiting := map[string][]task{}
	for _, t := range c.o.tasks {
		d := t.delay()
		if d.field == "" || !t.isOn() || t.broken != nil {
			c.emit(t)
			continue
		}
		if !slices.Contains(dates, d.field) {
			dates = append(dates, d.field)
		}
		waiting[d.field] = append(waiting[d.field], t)
	}
	for i, date := range dates {
		later := waiting[date]
		slices.SortStableFunc(later, func(a, b task) int { return int(60 * (a.delay().hours - b.delay().hours)) })
		if i < len(dates)-1 {
			c.apart(date, later)
			continue
		}
		for _, t := range later {
			c.emit(t)
		}
	}
}

// apart puts tasks that wait for one date into a workflow of their own, and starts it.
func (c *conversion) apart(date string, later []task) {
	part := &conversion{
		im: c.im, export: c.export, o: c.o, name: c.im.partName(c.name, date), speech: c.speech,
		files: map[string]string{}, helped: c.helped,
	}
	part.root = mapping(pair("name", part.name))
	part.root.note(fmt.Sprintf("The tasks of %s that wait for %s. In coreBOS no task waits for another.", c.name, date))
	part.root.add(entry{"on", mapping(entry{"manual", literal("true")}, pair("module", c.o.module))})
	vars := c.speech.vars
	c.speech.vars = map[string]kind{}
	for _, t := range later {
		part.emit(t)
	}
	c.speech.vars = vars
	part.root.add(entry{"tasks", list(part.steps...)})
	c.parts = append(c.parts, part)
	for _, sentence := range part.changes {
		if !slices.Contains(c.changes, sentence) {
			c.changes = append(c.changes, sentence)
		}
	}
	c.missing = append(c.missing, part.missing...)
	maps.Copy(c.files, part.files)
	c.steps = append(c.steps, step("start", mapping(pair("workflow", part.name))))
}

// partName is the name of the workflow for the tasks of another that wait for a date.
func (im *importer) partName(name, date string) string {
	key := name + " " + date
	if im.parts[key] == "" {
		const longest = 60
		date = "-" + slug(date, "later")
		im.parts[key] = unique(strings.TrimRight(name[:min(len(name), max(longest-len(date), 1))], "-")+
			date[:min(len(date), longest-1)], im.taken)
	}
	return im.parts[key]
}

// step is a step of a kind.
func step(kind string, config *node, beside ...entry) *node {
	return mapping(append([]entry{{kind, config}}, beside...)...)
}

// emit adds the steps of one task, or a comment where there are none.
func (c *conversion) emit(t task) {
	switch {
	case t.broken != nil:
		c.leave(t, fmt.Errorf("its settings cannot be read: %w", t.broken))
		return
	case !t.isOn():
		n := mapping().note("Switched off in coreBOS: " + t.show() + ".")
		n.before = settings(t)
		c.steps = append(c.steps, n)
		return
	}
	c.said()
	steps, err := c.convertTask(t)
	if err != nil {
		c.said()
		c.leave(t, err)
		return
	}
	out := c.speech.conditions(t.text("test"), c.speech.one)
	for _, sentence := range out.missing {
		c.missing = append(c.missing, sentence)
		steps[0].note("Not converted: " + sentence)
	}
	for _, n := range steps {
		n.when(out.said)
	}
	if title := t.title(); title != "" && !steps[len(steps)-1].isNothing() {
		steps[len(steps)-1].add(pair("name", strings.Join(strings.Fields(title), " ")))
	}
	if d := t.delay(); d.field != "" {
		steps = c.delayed(t, d, out.said, steps)
	}
	steps[0].notes = append(steps[0].notes, c.said()...)
	c.steps = append(c.steps, steps...)
}

// when lets a step be taken only if a condition holds too.
func (n *node) when(cond said) {
	if cond.text == "" || n.isNothing() {
		return
	}
	for i, e := range n.entries {
		if e.key == "if" {
			n.entries[i].value.text = e.value.text + " && " + cond.at(levelOr)
			n.entries[i].value.fold = true
			return
		}
	}
	n.add(entry{"if", expression(cond)})
}

// delayed puts a wait before the steps. Conditions are looked at before it, and again after it unless the
// task says not to.
func (c *conversion) delayed(t task, d delay, cond said, steps []*node) []*node {
	at, err := c.speech.field(d.field)
	if err != nil {
		c.missing = append(c.missing, "The date of task "+t.show()+" is not converted: "+err.Error()+".")
		missing := mapping().note("Not converted: a wait for " + d.field + ": " + err.Error() + ".")
		return append([]*node{missing}, steps...)
	}
	hours := strconv.FormatFloat(d.hours, 'f', -1, 64) + "h"
	if days := d.hours / 24; days == float64(int(days)) {
		hours = strconv.Itoa(int(days)) + "d"
	}
	moment := at.text
	switch rest, before := strings.CutPrefix(hours, "-"); {
	case before:
		moment += ` - duration("` + rest + `")`
	case d.hours != 0:
		moment += ` + duration("` + rest + `")`
	}
	wait := step("wait", mapping(pair("at", moment)))
	if c.o.trigger != "6" && c.o.trigger != "ON_SCHEDULE" {
		c.speech.change("It waits as its settings say. The last public coreBOS ran a task with a delay at once " +
			"when an event started it.")
	}
	if cond.text == "" {
		return append([]*node{wait}, steps...)
	}
	if t.text("reevaluate") != "0" {
		wait.when(cond)
		return append([]*node{wait}, steps...)
	}
	c.ids++
	name := fmt.Sprintf("due_%d", c.ids)
	for _, n := range append([]*node{wait}, steps...) {
		for i, e := range n.entries {
			if e.key == "if" {
				n.entries[i].value.text = strings.Replace(e.value.text, cond.text, "vars."+name, 1)
			}
		}
	}
	wait.when(said{"vars." + name, kindBool, levelAtom})
	decide := step("vars", mapping(pair(name, "{{ "+cond.text+" }}")))
	return append([]*node{decide, wait}, steps...)
}

// leave keeps a task that is not converted as a comment.
func (c *conversion) leave(t task, why error) {
	sentence := "The task " + t.show() + ": " + why.Error() + "."
	c.missing = append(c.missing, sentence)
	n := mapping().note("Not converted: " + sentence)
	n.before = settings(t)
	c.steps = append(c.steps, n)
}

// show names a task.
func (t task) show() string {
	class := t.class
	if class == "" {
		class = "of an unknown kind"
	}
	if t.title() == "" {
		return class
	}
	return quotedShort(t.title()) + " (" + class + ")"
}

// settings are what a task says, for a comment: all of it, so that nothing is lost.
func settings(t task) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(t.fields)) {
		text := textOf(t.fields[name])
		switch name {
		case "summary", "active", "id", "workflowId", "executionorder", "executeImmediately", "queable", "logmessages":
			continue
		}
		if text == "" || text == "[]" || text == "{}" {
			continue
		}
		for i, line := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\n") {
			if i == 0 {
				line = name + ": " + line
			}
			lines = append(lines, "  "+strings.Map(visible, line))
		}
	}
	return lines
}

// visible takes out what may not stand in a comment.
func visible(r rune) rune {
	switch {
	case r == '\n' || r == '\r' || r == '\t':
		return ' '
	case odd(r) || r == '\ufffd':
		return -1
	}
	return r
}

// convertTask makes the steps of a task by its class.
func (c *conversion) convertTask(t task) ([]*node, error) {
	convert := map[string]func(task) ([]*node, error){
		"VTEmailTask":          c.email,
		"VTSMSTask":            c.sms,
		"WhatsappWorkflowTask": c.whatsapp,
		"CBSendOneSignalNotificationWorkFlowTask": c.oneSignal,
		"VTSendMessage2MMTask":                    c.mattermost,
		"CBPushNotificationTask":                  c.push,
		"RunWebserviceWorkflowTask":               c.webservice,
		"VTUpdateFieldsTask":                      c.update,
		"VTCreateEntityTask":                      c.create,
		"CBUpsertTask":                            c.upsert,
		"CBMassiveUpdateRelatedTask":              c.updateRelated,
		"CBDeleteRelatedTask":                     c.deleteRelated,
		"CBAssignRelatedTask":                     c.assignRelated,
		"CBLaunchWorkFlowTask":                    c.launch,
		"wfExecExpression":                        c.expressions,
		"VTDummyTask":                             c.dummy,
		"CBGMPTask":                               c.retired,
	}[t.class]
	if convert != nil {
		return convert(t)
	}
	if why := notConverted()[t.class]; why != "" {
		return nil, errors.New(why)
	}
	return nil, errors.New("there is no counterpart for a task of this kind")
}

// notConverted tells why tasks of a class have no counterpart.
func notConverted() map[string]string {
	const (
		document = "documents and files are made and kept in the CRM"
		activity = "activities of the old calendar are made in the CRM; create makes a record of cbCalendar"
	)
	return map[string]string{
		"GenerateDocument":              document,
		"generateReportWfTask":          document,
		"wfSendFile":                    document,
		"CBWatermark":                   document,
		"CBSignPDFDocument":             document,
		"GenerateImageCodeWorkflowTask": document,
		"VTEntityMethodTask":            "it runs a PHP function of your own; a call can take its place",
		"CBSelectcbMap":                 "it answers who may see a record, which the CRM decides",
		"CBTagTask":                     "tags are kept by the CRM and are no fields of a record",
		"DuplicateRecords":              "a copy with all that belongs to it is made in the CRM",
		"convertInventoryModule":        "an order with its lines is converted in the CRM",
		"CBRelateSales":                 "lines of products and services are related in the CRM",
		"setManyToManyRelationwf":       "it names records by their ids; relate goes by a route of references",
		"CBAddNotification":             "pop-ups are shown by the CRM; notify sends a message instead",
		"VTCreateTodoTask":              activity,
		"VTCreateEventTask":             activity,
	}
}

func (c *conversion) dummy(task) ([]*node, error) {
	return []*node{mapping().note("A task that does nothing stood here.")}, nil
}

func (c *conversion) retired(t task) ([]*node, error) {
	c.speech.change("The task %s is left out: the address at Google that it called has been switched off.", t.show())
	return []*node{mapping()}, nil
}

// expressions sets values of the context.
func (c *conversion) expressions(t task) ([]*node, error) {
	var lines []struct{ Var, Exp, Typ string }
	if err := decodeSetting(t.text("wfexeexps"), &lines); err != nil {
		return nil, err
	}
	var steps []*node
	now := mapping()
	for _, line := range lines {
		value, of := scalar(escapeBraces(line.Exp)), kindText
		if line.Typ != "rawtext" {
			x, err := c.speech.expression(line.Exp)
			if err != nil {
				return nil, err
			}
			value, of = c.value(x), x.kind
		}
		if !fieldName.MatchString(line.Var) {
			c.speech.change("The result of %s was kept nowhere, so it is left out.", quotedShort(line.Exp))
			continue
		}
		if strings.Contains(value.text, "vars.") && len(now.entries) > 0 {
			steps, now = append(steps, step("vars", now)), mapping() // it may need the values before it
		}
		now.add(entry{line.Var, value})
		c.speech.vars[line.Var] = of
	}
	if len(now.entries) > 0 {
		steps = append(steps, step("vars", now))
	}
	if len(steps) == 0 {
		steps = []*node{mapping().note("Expressions without a name stood here.")}
	}
	return steps, nil
}

// value writes an expression as a value: constants as they are, all else within braces.
func (c *conversion) value(x said) *node {
	text, isText := x.quotes()
	switch {
	case isText:
		return scalar(escapeBraces(text))
	case x.level == levelAtom && (numberForm.MatchString(x.text) || x.text == "true" || x.text == "false"):
		return literal(x.text)
	}
	return scalar("{{ " + x.text + " }}")
}
