package workflows_test

import (
	"maps"
	"slices"
	"testing"

	"postern/engine"
	"postern/workflows"
)

// A version covers the layouts and partials that its messages use, and the chain of languages: kept, it writes the same
// message again, whatever became of the book.
func TestVersionsCoverLayouts(t *testing.T) {
	files := smallBook(t)
	maps.Copy(files, map[string]string{
		"told.yaml": "name: told\non: { event: record.created, module: Tickets }\ntasks:\n" +
			"  - notify: { to: record.contact, via: email, template: told }\n",
		"templates/languages.yaml":         "after: { ca: [es] }",
		"templates/told/email.en.subject":  "Hello",
		"templates/told/email.en.html":     `<p>Hello</p>`,
		"templates/told/email.es.subject":  "Hola",
		"templates/told/email.es.html":     `<p>Hola</p>{{ partial "sign" }}`,
		"layouts/email.html":               "<style>p { margin: 0 }</style>{{ content }}",
		"partials/sign.html":               "<p>Acme</p>",
		"partials/sign.nl.html":            "<p>Acme NV</p>",
		"partials/stock.html":              "nobody uses this",
		"templates/unrelated/email.en.txt": "of no workflow",
	})
	told := func(files map[string]string, options workflows.Options) *engine.Workflow {
		t.Helper()
		book, complaints, _ := workflows.LoadFiles(files, options)
		if complaints.Err() != nil {
			t.Fatal(complaints)
		}
		i := slices.IndexFunc(book.Workflows, func(w *engine.Workflow) bool { return w.Name == "told" })
		return book.Workflows[i]
	}
	before := told(files, options())
	kept := options()
	kept.Kept = true
	again := told(before.Files, kept)
	if again.Version != before.Version {
		t.Errorf("kept as %s, it is %s", before.Version, again.Version)
	}
	env := &engine.Env{Module: before.Module, Record: engine.Fields{}}
	for _, w := range []*engine.Workflow{before, again} {
		got, err := w.Templates["told"].Render("email", "ca", env)
		if want := `<p style="margin: 0">Hola</p><p style="margin: 0">Acme</p>`; err != nil || got.HTML != want {
			t.Errorf("%q, %v", got.HTML, err)
		}
		if got.Text != "Hola\n\nAcme\n" {
			t.Errorf("text %q", got.Text)
		}
	}
	for file, other := range map[string]bool{
		"layouts/email.html": true, "partials/sign.html": true, "templates/languages.yaml": true,
		"partials/stock.html": false, "partials/sign.nl.html": false,
	} {
		changed := maps.Clone(files)
		changed[file] += " "
		if got := told(changed, options()).Version != before.Version; got != other {
			t.Errorf("a change of %s makes another version: %t, want %t", file, got, other)
		}
	}
}
