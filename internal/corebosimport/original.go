package corebosimport

import (
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"strings"
)

// original is a workflow as the export or a row of its table has it.
type original struct {
	source  string // where it was read: the file, and its place within
	id      string
	module  string
	title   string
	purpose string
	trigger string // a number from 1 to 10, or its name
	test    string // the conditions, as JSON
	active  bool
	from    string // dates of activation
	until   string
	related string // module of a relate or unrelate trigger

	schedule scheduleColumns
	choose   string // how a schedule finds its records: conditions, cbquestion, recordset or onerecord
	record   string // the one record

	tasks    []task
	hasTasks bool // whether the file could have had tasks: a row of the workflow table alone cannot
}

// scheduleColumns are the columns of a workflow that say when a scheduled one runs.
type scheduleColumns struct {
	kind, time, times, monthDays, weekDays, dates, minutes string
}

// task is one task of a workflow.
type task struct {
	class  string
	fields map[string]any
	order  int
	id     string
	broken error // why it cannot be read; the rest is empty then
}

// row is an object of JSON or a line of CSV: values by the name of their column.
type row map[string]any

// text is the first of the columns that has a value, as text.
func (r row) text(names ...string) string {
	for _, name := range names {
		if text := textOf(r[name]); text != "" {
			return text
		}
	}
	return ""
}

func (r row) has(names ...string) bool {
	for _, name := range names {
		if _, there := r[name]; there {
			return true
		}
	}
	return false
}

// textOf is a single value as text; lists and objects are their JSON, since the original stores both ways.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "1"
		}
		return ""
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	body, err := json.Marshal(plain(v))
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(body)
}

// plain is a value without our own types.
func plain(v any) any {
	switch v := v.(type) {
	case *Object:
		return plain(v.Fields)
	case map[string]any:
		fields := make(map[string]any, len(v))
		for name, value := range v {
			fields[name] = plain(value)
		}
		return fields
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = plain(item)
		}
		return items
	}
	return v
}

// truth reads the forms that the original writes for true.
func truth(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "true", "on", "yes", "active":
		return true
	}
	return false
}

// text is a setting of a task.
func (t task) text(names ...string) string { return row(t.fields).text(names...) }

// title is what its admin called it.
func (t task) title() string { return strings.TrimSpace(html.UnescapeString(t.text("summary"))) }

// isOn tells whether the task is switched on; one that does not say is.
func (t task) isOn() bool {
	v, said := t.fields["active"]
	return !said || truth(textOf(v))
}

// toWorkflow reads a workflow from an export or a row. The export names its values in its own way.
func toWorkflow(r row, source string) *original {
	o := &original{
		source:  source,
		id:      r.text("workflow_id", "id"),
		module:  r.text("moduleName", "module_name", "module"),
		title:   strings.TrimSpace(html.UnescapeString(r.text("description", "summary", "title"))),
		purpose: strings.TrimSpace(html.UnescapeString(r.text("purpose"))),
		trigger: r.text("executionCondition", "execution_condition"),
		test:    r.text("test"),
		active:  true,
		from:    r.text("wfstarton"),
		until:   r.text("wfendon"),
		related: r.text("relatemodule"),
		schedule: scheduleColumns{
			kind: r.text("schtypeid"), time: r.text("schtime"), times: r.text("multipleschtime"),
			monthDays: r.text("schdayofmonth"), weekDays: r.text("schdayofweek"), dates: r.text("schannualdates"),
			minutes: r.text("schminuteinterval"),
		},
		choose: r.text("options"),
		record: r.text("onerecord"),
	}
	if _, after, isWebServiceID := strings.Cut(o.id, "x"); isWebServiceID {
		o.id = after
	}
	if r.has("active") {
		o.active = truth(r.text("active"))
	}
	tasks, there := r["tasks"].([]any)
	o.hasTasks = there
	for i, t := range tasks {
		o.tasks = append(o.tasks, toTask(t, i+1))
	}
	return o
}

// toTask reads a task: the text of serialize, or an object for those who have made JSON of it.
func toTask(v any, order int) task {
	t := task{order: order}
	switch v := v.(type) {
	case string:
		object, err := readBlob(v)
		if err != nil {
			t.broken = err
			return t
		}
		t.class, t.fields = object.Class, object.Fields
	case map[string]any:
		t.fields = v
		t.class = row(v).text("class", "__class", "tasktype", "taskType")
	default:
		t.broken = fmt.Errorf("a task is a text, this is %T", v)
	}
	return t
}

// readBlob reads a serialized task. Where the file has gone through HTML, that is undone first.
func readBlob(blob string) (*Object, error) {
	blob = strings.TrimSpace(blob)
	if strings.HasPrefix(blob, "O:") && strings.Contains(blob[:min(len(blob), 80)], "&quot;") {
		blob = html.UnescapeString(blob)
	}
	v, err := Unserialize(blob)
	if err != nil {
		return nil, err
	}
	object, ok := v.(*Object)
	if !ok {
		return nil, &BlobError{0, "a task is an object"}
	}
	return object, nil
}
