package pages

import (
	"html/template"
	"maps"
	"strings"

	"postern/internal/forms"
	"postern/internal/labels"
)

// drawnFilter and drawnTable are what templates within a page take, with the texts that they need.
type (
	drawnFilter struct {
		Texts  labels.Texts
		Filter filter
	}
	drawnTable struct {
		Texts   labels.Texts
		Caption string
		Table   table
	}
)

// funcs are what the templates call.
func funcs() template.FuncMap {
	all := template.FuncMap{
		"filter": func(texts labels.Texts, f filter) drawnFilter { return drawnFilter{texts, f} },
		"table": func(texts labels.Texts, caption string, t table) drawnTable {
			return drawnTable{texts, caption, t}
		},
	}
	maps.Copy(all, forms.Funcs())
	return all
}

// Name is the name of one of a filter's parts in the address.
func (f filter) Name(part string) string { return part + "." + strings.TrimPrefix(f.ID, "filter-") }
