package forms

import (
	"postern/engine"
	"postern/internal/labels"
)

// complaint says in the visitor's language what an entry wants.
func complaint(e *entry, texts labels.Texts) string {
	field := e.field
	switch {
	case e.sent != nil:
		return texts.Say("error.file")
	case e.typed == "":
		return texts.Say("error.required")
	case field.Max > 0 && len([]rune(e.typed)) > field.Max:
		return texts.Say("error.long", "Max", field.Max)
	case e.edit.Scale != nil:
		return texts.Say("error.scale")
	}
	switch field.Type {
	case engine.TypePicklist, engine.TypeMultiPicklist:
		return texts.Say("error.option")
	case engine.TypeInteger:
		return texts.Say("error.whole")
	case engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		return texts.Say("error.number")
	case engine.TypeDate, engine.TypeDateTime:
		return texts.Say("error.date")
	case engine.TypeEmail:
		return texts.Say("error.email")
	}
	return texts.Say("error.text")
}
