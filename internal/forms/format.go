package forms

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
)

// inputMoment is how the control for a moment writes it (HTML Living Standard section 2.3.5).
const inputMoment = "2006-01-02T15:04"

// Shown is a field as people read it.
type Shown struct {
	Label string `json:"label"`
	Text  string `json:"text"`          // "" for an empty value
	URL   string `json:"url,omitempty"` // of a field that is a web address; "" for all others
}

// FieldOf is the module's description of a field; a text for one that has none.
func FieldOf(module *engine.Module, name string) *engine.Field {
	if field := module.Fields[name]; field != nil {
		return field
	}
	return &engine.Field{Name: name, Type: engine.TypeText}
}

// FieldLabel is the field's name for people; its own name where the module gives none.
func FieldLabel(field *engine.Field, lang string) string {
	if label := field.Label.In(lang); label != "" {
		return label
	}
	return field.Name
}

// Show writes a field for reading, in the visitor's language. The text is plain: the page escapes it.
func Show(field *engine.Field, value any, texts labels.Texts) Shown {
	s := Shown{Label: FieldLabel(field, texts.Language), Text: DisplayText(field, value, texts)}
	if field.Type == engine.TypeURL && isWeb(s.Text) {
		s.URL = s.Text
	}
	return s
}

// DisplayText writes a value for reading. A value that does not fit its field's type is shown as it is: hiding it
// would not make the record right.
func DisplayText(field *engine.Field, value any, texts labels.Texts) string {
	if value == nil || value == "" {
		return ""
	}
	canonical, err := lenient(field).Plain(value)
	if err != nil {
		return AsText(value)
	}
	text := AsText(canonical)
	switch field.Type {
	case engine.TypePicklist:
		return field.ChoiceLabel(strings.TrimSpace(text), texts.Language)
	case engine.TypeMultiPicklist:
		return chosenText(field, canonical, texts.Language)
	case engine.TypeBoolean:
		if canonical == true {
			return texts.Say("value.yes")
		}
		return texts.Say("value.no")
	case engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		return texts.Amount(AsText(value))
	case engine.TypeDate:
		if at, err := time.Parse(time.DateOnly, text); err == nil {
			return texts.Day(at)
		}
	case engine.TypeDateTime:
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return texts.Moment(at)
		}
	}
	return strings.TrimSpace(text)
}

// chosenText are the options of a field that takes several, as people call them.
func chosenText(field *engine.Field, value any, language string) string {
	list, _ := value.([]any)
	names := make([]string, len(list))
	for i, item := range list {
		names[i] = field.ChoiceLabel(AsText(item), language)
	}
	return strings.Join(names, ", ")
}

// FormText writes a field as the form's control does, a moment by the clocks of a zone, so that what comes back
// unchanged is the same text.
func FormText(field *engine.Field, value any, zone *time.Location) string {
	if value == nil || value == "" {
		return ""
	}
	canonical, err := lenient(field).Plain(value)
	if err != nil {
		canonical = value
	}
	switch field.Type {
	case engine.TypeBoolean:
		if canonical == true {
			return pages.Ticked
		}
		return ""
	case engine.TypeDateTime:
		if at, err := time.Parse(time.RFC3339, AsText(canonical)); err == nil {
			return at.In(zone).Format(inputMoment)
		}
	case engine.TypeMultiPicklist:
		return joined(canonical, "\n")
	case engine.TypeDate:
		return AsText(canonical)
	case engine.TypeText:
		return strings.ReplaceAll(AsText(value), "\r\n", "\n")
	}
	return strings.TrimSpace(AsText(value))
}

// lenient is the field without its limits: what a record holds is shown even where nobody could enter it.
func lenient(field *engine.Field) *engine.Field {
	return &engine.Field{Name: field.Name, Type: field.Type}
}

// AsText writes a plain value as text.
func AsText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case []any:
		return joined(v, ", ")
	}
	return fmt.Sprint(value)
}

// joined writes a list with a separator between its items; what is no list as its one item.
func joined(value any, separator string) string {
	list, ok := value.([]any)
	if !ok {
		return AsText(value)
	}
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = AsText(item)
	}
	return strings.Join(items, separator)
}

// isWeb tells whether a text is a web address that may become a link: whoever writes a record could write
// other schemes.
func isWeb(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
