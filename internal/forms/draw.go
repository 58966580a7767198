package forms

import (
	_ "embed" // holds the template
	"html/template"

	"postern/internal/labels"
)

//go:embed control.html
var drawn string

// Template are the fragments that draw a form: "faults" takes (form texts body), and "control" takes
// (control texts control).
func Template() string { return drawn }

// Drawing is a control, or a form, with the texts its drawing needs: a template within a page takes one value.
type Drawing struct {
	Texts   labels.Texts
	Control Control
	Form    Body
}

// Funcs are what pages call to draw a form.
func Funcs() template.FuncMap {
	return template.FuncMap{
		"control": func(texts labels.Texts, c Control) Drawing { return Drawing{Texts: texts, Control: c} },
		"form":    func(texts labels.Texts, f Body) Drawing { return Drawing{Texts: texts, Form: f} },
	}
}
