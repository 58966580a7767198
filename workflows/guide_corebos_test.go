package workflows_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/workflows"
)

const fromCoreBOS = "../docs/guide/from-corebos.md"

// originals are the functions of coreBOS by name.
const originals = `concat coalesce stringposition stringlength stringreplace regexreplace randomstring faker char
	substring uppercase lowercase uppercasefirst uppercasewords num2str translate base64encode base64decode hash
	hashFile jsonEncode jsonDecode implode explode time_diff time_diffdays time_diffyears time_diffweekdays
	holidaydifference networkdays isholidaydate add_days sub_days add_workdays sub_workdays add_months sub_months
	add_time sub_time get_date('today') get_date('now') get_date('tomorrow') get_date('yesterday') get_date('time')
	format_date get_nextdate get_nextdatelaborable randomnumber power log number_format round ceil floor modulo average
	min max AND OR NOT regex isNumeric isString exists existsrelated allrelatedare allrelatedarethesame aggregation
	aggregation_fields_operation aggregate_time statistics frequency getCurrentUserID getCurrentUserName
	getCurrentUserField getGroupID getLatitude getLongitude getLongitudeLatitude getGEODistance
	getGEODistanceFromCompanyAddress getGEODistanceFromUserAddress getGEODistanceFromUser2AccountBilling
	getGEODistanceFromAssignUser2AccountBilling getGEODistanceFromUser2AccountShipping
	getGEODistanceFromAssignUser2AccountShipping getGEODistanceFromUser2ContactBilling
	getGEODistanceFromAssignUser2ContactBilling getGEODistanceFromUser2ContactShipping
	getGEODistanceFromAssignUser2ContactShipping getGEODistanceFromCoordinates getCurrentConfiguredTaxValues
	getCurrencyConversionValue getIDof getFieldsOF getRelatedIDs getRelatedMassCreateArray
	getRelatedMassCreateArrayConverting getRelatedRecordCreateArrayConverting getFromContext getFromContextSearching
	setToContext array flattenarray cleanArrayElements applyMaptoArrayElements applyMaptoArrayElementsAndSubarray
	getSetting setSetting delSetting sendMessage readMessage evaluateRule evaluateExpression executeSQL getRequest
	getCRUDMode Importing globalvariable getCRMIDFromWSID getEntityType getimageurl getISODate EUVATValidation
	AutoNumberDec uniqid`

// operators are those of coreBOS's conditions, as its forms call them.
var operators = []string{
	"is", "is not", "contains", "does not contain", "starts with", "does not start with", "ends with",
	"does not end with", "is empty", "is not empty", "matches", "exists", "has changed", "has changed to", "was",
	"equal to", "does not equal", "less than", "greater than", "less than or equal to", "greater than or equal to",
	"has this as nth child", "between", "before", "after", "is today", "less than days ago", "more than days ago",
	"in less than", "in more than", "days ago", "days later", "monthday", "less than hours before",
	"more than hours before", "less than hours later", "more than hours later",
}

// triggers are the ways in which a workflow of coreBOS starts, and taskNames what it can do.
var (
	triggers = []string{
		"ON_FIRST_SAVE", "ONCE", "ON_EVERY_SAVE", "ON_MODIFY", "ON_DELETE", "ON_SCHEDULE", "MANUAL",
		"RECORD_ACCESS_CONTROL", "ON_RELATE", "ON_UNRELATE",
	}
	taskNames = []string{
		"Email", "SMS, WhatsApp, push, Mattermost", "Push notification (URL)", "GMP", "Run web service", "Update fields",
		"Create entity", "Upsert", "Mass update related", "Delete related", "Assign related", "Launch workflow",
		"Execute expression", "Entity method", "Add notification", "Add tag", "Duplicate record",
		"Relate many to many", "Relate products and services, convert inventory",
		"Generate document, report, PDF, barcode", "Send file", "Select cbMap", "Dummy",
	}
)

// pageExample is an example of a page and what it is to give; "" if that is not said.
type pageExample struct {
	line       int
	text, give string
}

var (
	inlineExample = regexp.MustCompile("`([^`]+)`(?: → `([^`]+)`)?")
	beginsWithKey = regexp.MustCompile(`^[a-z_]+:\s`)
)

// readPage finds the examples of a page, and what stands in the first column of the tables that have some.
func readPage(page string) (examples []pageExample, names []string) {
	const noTable, noColumn = -2, -1
	column, block := noTable, -1
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		switch cells := cellsOf(line); {
		case block >= 0 && line == "```":
			examples = append(examples, pageExample{line: block + 1, text: strings.Join(lines[block+1:i], "\n") + "\n"})
			block = -1
		case block >= 0:
		case line == "```yaml":
			block = i
		case !strings.HasPrefix(line, "|"):
			column = noTable
		case column == noTable:
			column = slices.Index(cells, "here") // noColumn if it is not there
		case column != noColumn && !strings.HasPrefix(cells[0], "---"):
			names = append(names, strings.Trim(cells[0], "`"))
			for _, found := range inlineExample.FindAllStringSubmatch(cells[column], -1) {
				examples = append(examples, pageExample{i + 1, found[1], found[2]})
			}
		}
	}
	return examples, names
}

// cellsOf splits a row of a table; \| is no edge.
func cellsOf(row string) []string {
	const edge = "\x00"
	row = strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(row, `\|`, edge), "|", "\n"), edge, "|")
	cells := strings.Split(strings.Trim(row, "\n"), "\n")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

func TestThePageFromCoreBOS(t *testing.T) {
	page, err := os.ReadFile(fromCoreBOS)
	if err != nil {
		t.Fatal(err)
	}
	examples, names := readPage(string(page))
	if len(examples) < 150 {
		t.Errorf("only %d examples were found", len(examples))
	}
	for _, name := range slices.Concat(strings.Fields(originals), operators, triggers, taskNames) {
		is := func(row string) bool { return row == name || strings.HasPrefix(row, name+" (") }
		if !slices.ContainsFunc(names, is) {
			t.Errorf("the page does not map %s", name)
		}
	}
	_, book, _ := archive(t, "testdata/from-corebos.txtar")
	for _, e := range examples {
		if err := tryExample(t, book, e); err != nil {
			t.Errorf("%s:%d: %s\n%v", fromCoreBOS, e.line, e.text, err)
		}
	}
}

// tryExample loads an example, and evaluates it where the page says what it gives.
func tryExample(t *testing.T, book map[string]string, e pageExample) error {
	if beginsWithKey.MatchString(e.text) || strings.HasPrefix(e.text, "- ") || strings.HasPrefix(e.text, "{ ") {
		return tryPiece(book, e.text)
	}
	program, err := compileExample(book, e.text)
	if err != nil || e.give == "" {
		return err
	}
	want, err := compileExample(book, e.give)
	if err != nil {
		return err
	}
	got, err := program.Eval(pageEnv(t, book))
	if err != nil {
		return err
	}
	value, err := want.Eval(pageEnv(t, book))
	if err != nil {
		return err
	}
	if diff := cmp.Diff(value, got); diff != "" {
		return fmt.Errorf("gives something else:\n%s", diff)
	}
	return nil
}

// before are the steps that have been taken when an example is evaluated.
const before = `  - vars: { total: 100, lines: '{{ [{label: "gate", value: 7}, {label: "lamp", value: null}] }}' }
`

// tryPiece loads a whole workflow, steps, a step, or other keys of a workflow.
func tryPiece(book map[string]string, text string) error {
	const on, done = "on: { event: record.updated, module: HelpDesk }\n", "  - stop: done\n"
	indented := "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
	key, _, _ := strings.Cut(text, ":")
	switch whole := "name: piece\n"; {
	case strings.HasPrefix(text, "name:"):
		return loadExample(book, text, nil)
	case strings.HasPrefix(text, "on:"):
		return loadExample(book, whole+text+"\ntasks:\n"+done, nil)
	case strings.HasPrefix(text, "- "):
		return loadExample(book, whole+on+"tasks:\n"+before+"  "+strings.TrimSpace(indented)+"\n", nil)
	case slices.Contains(topKeys, key):
		return loadExample(book, whole+on+text+"\ntasks:\n"+done, nil)
	default:
		return loadExample(book, whole+on+"tasks:\n"+before+"  - "+strings.TrimSpace(indented)+"\n", nil)
	}
}

// topKeys are the keys of a workflow that are no steps.
var topKeys = []string{
	"if", "active", "first", "only_on_change", "debounce", "concurrency", "inputs", "tasks", "description", "class",
}

// compileExample compiles an expression where a value stands.
func compileExample(book map[string]string, src string) (program engine.Program, err error) {
	quoted := strings.ReplaceAll("{{ "+src+" }}", "'", "''")
	text := "name: piece\non: { event: record.updated, module: HelpDesk }\ntasks:\n" + before +
		"  - keep: { value: '" + quoted + "' }\n"
	return program, loadExample(book, text, &program)
}

func loadExample(book map[string]string, workflow string, into *engine.Program) error {
	files := maps.Clone(book)
	files["piece.yaml"] = workflow
	with := options()
	with.Tasks = append(with.Tasks, engine.TaskKind{
		Name: "keep", New: func() engine.Task { return &keeping{into: into} },
	})
	if _, complaints, _ := workflows.LoadFiles(files, with); complaints.Err() != nil {
		return complaints.Err()
	}
	return nil
}

// pageEnv is the ticket that the page describes.
func pageEnv(t *testing.T, book map[string]string) *engine.Env {
	t.Helper()
	files := maps.Clone(book)
	files["piece.yaml"] = "name: piece\non: { event: record.updated, module: HelpDesk }\ntasks:\n  - stop: done\n"
	loaded, complaints, _ := workflows.LoadFiles(files, options())
	if loaded == nil {
		t.Fatal(complaints)
	}
	ref := func(module, id string) engine.Ref { return engine.Ref{Module: module, ID: id} }
	record := engine.Fields{
		"ticket_no": "TT12", "ticket_title": "No power", "ticketstatus": "Closed", "hours": 3.5,
		"ticketpriorities": "Urgent", "tags": []any{"vip", "night"}, "due_date": "2026-03-05",
		"createdtime": "2026-02-27 09:30:00", "parent_id": "12x1", "assigned_user_id": "19x5",
	}
	change := &engine.Change{
		Record: record, Changed: []string{"hours", "tags", "ticketstatus"}, Actor: "19x5",
		Old: engine.Fields{"ticketstatus": "Open", "hours": 2, "tags": []any{"night", "new"}},
	}
	return &engine.Env{
		Event: &engine.Event{Type: engine.RecordUpdated, Change: change}, Ref: ref("HelpDesk", "17x12"), Record: record,
		Module: loaded.Modules["HelpDesk"], Now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC),
		Routes: map[string]engine.Record{
			"parent_id": {Ref: ref("Contacts", "12x1"), Fields: engine.Fields{
				"firstname": "Zoë", "lastname": "O'Brien", "email": "zoe@acme.example", "birthday": "1990-03-02",
				"account_id": "11x1",
			}},
			"parent_id.account_id": {Ref: ref("Accounts", "11x1"), Fields: engine.Fields{"accountname": "Acme"}},
			"assigned_user_id": {Ref: ref("Users", "19x5"), Fields: engine.Fields{
				"last_name": "Lee", "email1": "ann@acme.example",
			}},
		},
		Vars: engine.Values{"total": 100, "lines": []any{
			map[string]any{"label": "gate", "value": 7}, map[string]any{"label": "lamp", "value": nil},
		}},
		Random: bytes.NewReader(make([]byte, 100)),
		Secret: func(name string) ([]byte, bool) { return []byte("key"), name == "rates" },
	}
}

// The guide shows some functions in a block of expressions that are all true.
func TestTheGuidesFunctionsAreTrue(t *testing.T) {
	page, err := os.ReadFile("../docs/guide/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "Each of these is true:\n\n```\n")
	block, _, found := strings.Cut(block, "```")
	_, book, _ := archive(t, "testdata/from-corebos.txtar")
	for line := range strings.Lines(block) {
		program, err := compileExample(book, strings.TrimSpace(line))
		if err != nil {
			t.Errorf("%s%v", line, err)
			continue
		}
		if v, err := program.Eval(pageEnv(t, book)); v != true || err != nil {
			t.Errorf("%s is %v, %v", strings.TrimSpace(line), v, err)
		}
	}
	if !found || block == "" {
		t.Error("the guide shows no functions")
	}
}
