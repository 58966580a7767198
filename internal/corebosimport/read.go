package corebosimport

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits of what is read.
const (
	MaxFile      = 64 << 20 // bytes of one file
	MaxWorkflows = 10_000
)

// File is one file of an export.
type File struct {
	Name string
	Text []byte
}

// Export is what was found in the files.
type Export struct {
	workflows []*original
	tasks     []taskRow
	maps      map[string]businessMap // by id and by name
	skipped   []string               // what was in the files and is none of these
}

// taskRow is a row of the table of tasks, until it is with its workflow.
type taskRow struct {
	workflow, source string
	task             task
}

// Read takes in the files. They may hold, in JSON (one value or several after another) or CSV:
//   - exports of workflows, in the CSV that coreBOS exports base64 in the column workflow_id;
//   - rows of com_vtiger_workflows and com_vtiger_workflowtasks, as a database or a web service lists them;
//   - business maps: rows of vtiger_cbmap or of the module cbMap.
//
// What is what is told by the names of the columns. An error names the file.
func Read(files []File) (*Export, error) {
	e := &Export{maps: map[string]businessMap{}}
	for _, file := range files {
		if len(file.Text) > MaxFile {
			return nil, fmt.Errorf("%s is larger than %d MB", file.Name, MaxFile>>20)
		}
		text := bytes.TrimSpace(bytes.TrimPrefix(file.Text, []byte("\ufeff")))
		read := e.csv
		if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
			read = e.json
		}
		if err := read(file.Name, text); err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name, err)
		}
		if len(e.workflows) > MaxWorkflows {
			return nil, fmt.Errorf("%s: there are more than %d workflows", file.Name, MaxWorkflows)
		}
	}
	e.join()
	if len(e.workflows) == 0 {
		return nil, errors.New("there is no workflow in it: expected an export of coreBOS, " +
			"or rows with the columns workflow_id and module_name")
	}
	return e, nil
}

// json reads values until the end of the file.
func (e *Export) json(name string, text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for i := 1; ; i++ {
		var v any
		switch err := decoder.Decode(&v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return noJSON(err, decoder)
		}
		e.walk(v, fmt.Sprintf("%s, value %d", name, i))
	}
}

// noJSON says where a value is no JSON.
func noJSON(err error, decoder *json.Decoder) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON is cut off at the end")
	}
	at := decoder.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = syntax.Offset
	}
	return fmt.Errorf("byte %d: this is no JSON: %w", at, err)
}

// walk finds what it knows in a value: envelopes and tables hold lists of it.
func (e *Export) walk(v any, source string) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			e.walk(item, fmt.Sprintf("%s, entry %d", source, i+1))
		}
	case map[string]any:
		if e.take(v, source) {
			return
		}
		within := false
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch v[key].(type) {
			case []any, map[string]any:
				within = true
				e.walk(v[key], source+", "+key)
			}
		}
		if !within && len(v) > 0 && v["type"] != "header" && v["type"] != "database" {
			e.skipped = append(e.skipped, source)
		}
	}
}

// take keeps a row if it is one of those that are looked for.
func (e *Export) take(r row, source string) bool {
	switch {
	case r.has("moduleName") && r.has("executionCondition", "tasks"),
		r.has("module_name") && r.has("execution_condition"):
		e.workflows = append(e.workflows, toWorkflow(r, source))
	case r.has("task") && r.has("workflow_id", "workflowId"):
		order, _ := strconv.Atoi(r.text("executionorder"))
		t := toTask(r["task"], order)
		t.id = r.text("task_id")
		e.tasks = append(e.tasks, taskRow{workflow: r.text("workflow_id", "workflowId"), source: source, task: t})
	case r.has("maptype") && r.has("content"):
		e.addMap(r)
	default:
		return false
	}
	return true
}

// csv reads a table. What stands between the columns is found in the first line.
func (e *Export) csv(name string, text []byte) error {
	head, _, _ := strings.Cut(string(text), "\n")
	reader := csv.NewReader(bytes.NewReader(text))
	reader.FieldsPerRecord, reader.LazyQuotes = -1, true
	for _, comma := range ";\t" {
		if strings.Count(head, string(comma)) > strings.Count(head, ",") {
			reader.Comma = comma
		}
	}
	columns, err := reader.Read()
	if err != nil {
		return fmt.Errorf("read the names of the columns: %w", err)
	}
	for line := 2; ; line++ {
		fields, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a row: %w", err)
		}
		r := row{}
		for i, field := range fields {
			if i < len(columns) && field != "NULL" && field != `\N` {
				r[strings.Trim(strings.TrimSpace(columns[i]), `"`)] = field
			}
		}
		e.line(r, fmt.Sprintf("%s, row %d", name, line-1))
	}
}

// line takes a row of CSV. That of coreBOS's own export has the workflow itself in the column of its id.
func (e *Export) line(r row, source string) {
	whole, err := base64.StdEncoding.DecodeString(r.text("workflow_id"))
	var exported row
	decoder := json.NewDecoder(bytes.NewReader(whole))
	decoder.UseNumber()
	if err == nil && bytes.HasPrefix(whole, []byte("{")) && decoder.Decode(&exported) == nil {
		delete(r, "workflow_id")
		maps.Copy(r, exported)
	}
	if !e.take(r, source) {
		e.skipped = append(e.skipped, source)
	}
}

// join brings the rows of tasks to their workflows, in their order.
func (e *Export) join() {
	byID := map[string]*original{}
	for _, o := range e.workflows {
		if o.id != "" {
			byID[o.id] = o
		}
	}
	for _, t := range e.tasks {
		o := byID[t.workflow]
		if o == nil {
			e.skipped = append(e.skipped, fmt.Sprintf("%s: a task of workflow %s, which is in none of the files",
				t.source, t.workflow))
			continue
		}
		o.tasks, o.hasTasks = append(o.tasks, t.task), true
	}
	for _, o := range e.workflows {
		slices.SortStableFunc(o.tasks, func(a, b task) int { return cmp.Compare(a.order, b.order) })
	}
}
