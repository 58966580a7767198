package workflows_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/labels"
	"postern/workflows"
)

// entered is what one entry of a form is like, for a comparison.
type entered struct {
	Name, Label string
	Type        engine.FieldType
	Required    bool
	Max         int
	Options     []string
	Scale       *engine.Scale
	Upload      *engine.Upload
	Into        string // module.field of the record that is made
	By          string
	Set         engine.Fields
}

func entries(edits []*engine.Edit) (all []entered) {
	for _, e := range edits {
		field := e.Allowed()
		one := entered{
			Name: field.Name, Label: field.Label.In("en"), Type: field.Type, Required: field.Required, Max: field.Max,
			Options: e.Options, Scale: e.Scale, Upload: e.Upload,
		}
		if e.Creates != nil {
			one.Into, one.By, one.Set = e.Creates.Module.Name+"."+e.Creates.Field, e.Creates.By, e.Creates.Set
		}
		all = append(all, one)
	}
	return all
}

func TestLandingSaysAllThatItMay(t *testing.T) {
	safe := load(t, smallBook(t)).Landings["safe"]
	if diff := cmp.Diff([]entered{
		{Name: "status", Label: "How is it", Type: engine.TypePicklist, Options: []string{"Open"}},
		{Name: "count", Type: engine.TypeInteger, Scale: &engine.Scale{From: 1, To: 5}},
		{
			Name: "comment", Label: "Anything else", Type: engine.TypeText, Max: 200,
			Into: "Comments.text", By: "case", Set: engine.Fields{},
		},
		{
			Name: "photo", Type: engine.TypeFile, Upload: &engine.Upload{Max: 500 << 10, Types: []string{"image/png"}},
			Into: "Documents.file", By: "case", Set: engine.Fields{"title": "From a customer"},
		},
	}, entries(safe.Edit)); diff != "" {
		t.Errorf("edit:\n%s", diff)
	}
	resolve := safe.Action("resolve")
	if diff := cmp.Diff([]entered{
		{Name: "note", Type: engine.TypeText, Required: true, Max: 20},
		{Name: "why", Type: engine.TypeText, Max: 500, Into: "Comments.text", By: "case", Set: engine.Fields{}},
	}, entries(resolve.Ask)); diff != "" {
		t.Errorf("ask:\n%s", diff)
	}
	if resolve.Undo != 15*time.Minute || resolve.Within != 5*time.Minute {
		t.Errorf("undo %v, within %v", resolve.Undo, resolve.Within)
	}
	if !safe.ByExternalID || !safe.Bind || safe.After.Page != "thanks" || safe.Modules["Callers"] == nil {
		t.Errorf("the landing is %+v", safe)
	}
	if diff := cmp.Diff(&engine.HandOver{
		To: "https://shop.acme.example/orders", Secret: "rates", Fields: []string{"no"}, Life: 5 * time.Minute,
	}, safe.HandOver); diff != "" {
		t.Errorf("hand_over:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]engine.Labels{"door.intro": {"en": "Hello", "es": "Hola"}}, safe.Texts); diff != "" {
		t.Errorf("texts:\n%s", diff)
	}
}

func TestActionIsOfferedWhileItsConditionHolds(t *testing.T) {
	book := load(t, smallBook(t))
	resolve := book.Landings["safe"].Action("resolve")
	for status, want := range map[string]bool{"Open": true, "Resolved": false} {
		got, err := engine.True(resolve.If, &engine.Env{
			Ref: engine.Ref{Module: "Cases", ID: "1"}, Module: book.Modules["Cases"],
			Record: engine.Fields{"status": status}, Work: engine.NewWork(engine.QuickWork),
		})
		if err != nil || got != want {
			t.Errorf("%s: offered is %t, %v", status, got, err)
		}
	}
}

func TestFactorsAreCompiledForTheirLanding(t *testing.T) {
	book := load(t, smallBook(t))
	safe := book.Landings["safe"]
	code, pin := safe.Factor, safe.Action("resolve").Factor
	if pin.Kind != engine.FactorSecurityCode || pin.Field.Path != "contact.pin" || pin.To != nil {
		t.Errorf("pin is %+v", pin)
	}
	want := &engine.Factor{
		Name: "by-text", Kind: engine.FactorCode, To: code.To, Via: []string{"sms", "email"}, Digits: 8,
		Changed: engine.ChangedRefuse,
	}
	if diff := cmp.Diff(want, code); diff != "" || code.To.Path != "contact" || !code.To.Records() {
		t.Errorf("to %s, the rest:\n%s", code.To.Path, diff)
	}
	if diff := cmp.Diff([]string{"by-mail", "by-text", "pin"}, book.Factors); diff != "" {
		t.Errorf("factors:\n%s", diff)
	}
}

// A link lives on by the version of the landing that it was made for, whatever the book says by then.
func TestVersionOfALandingIsEnoughToLoadIt(t *testing.T) {
	files := smallBook(t)
	before := load(t, files).Landings["safe"]
	names := slices.Sorted(maps.Keys(before.Files))
	if diff := cmp.Diff([]string{
		"factors/by-text.yaml", "factors/pin.yaml", "landings/safe.yaml", "modules/Callers.yaml", "modules/Cases.yaml",
		"modules/Comments.yaml", "modules/Documents.yaml", "modules/People.yaml",
	}, names); diff != "" {
		t.Errorf("files:\n%s", diff)
	}
	kept := options()
	kept.Kept, kept.Carriers, kept.Texts = true, enginetest.Carriers("letter"), map[string]labels.Holes{}
	book, complaints, _ := workflows.LoadFiles(before.Files, kept)
	if book == nil {
		t.Fatal(complaints)
	}
	if again := book.Landings["safe"]; again.Version != before.Version || again.Factor.Name != "by-text" {
		t.Errorf("loaded again it is %+v", again)
	}
	files["factors/pin.yaml"] = strings.Replace(files["factors/pin.yaml"], "contact.pin", "contact.name", 1)
	if after := load(t, files).Landings["safe"]; after.Version == before.Version {
		t.Error("another factor, the same version")
	}
}

func TestLabelsOfABook(t *testing.T) {
	files := smallBook(t)
	files["labels/es.json"] = "\ufeff{\n\t\"after.thanks.title\": \"Gracias\",\n" +
		"\t\"after.thanks.text\": \"Eso fue \\u0074odo \\ud83d\\ude42 \\/.\"\n}\n"
	got := load(t, files).Labels
	if want := "Eso fue todo 🙂 /."; got["es"]["after.thanks.text"] != want || got["en"]["after.thanks.title"] != "Thank you" {
		t.Errorf("labels are %q", got)
	}
}

func TestRecordsThatAreMadeElsewhereNeedAKey(t *testing.T) {
	elsewhere := options()
	elsewhere.KeepAll = false
	_, complaints, _ := workflows.LoadFiles(smallBook(t), elsewhere)
	var said []string
	for _, c := range complaints {
		if strings.Contains(c.Message, "made in another CRM") {
			said = append(said, c.File+": "+c.Message[:40])
		}
	}
	if len(said) != 3 {
		t.Errorf("complaints are %q", said)
	}
}
