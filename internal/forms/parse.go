package forms

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"postern/engine"
	"postern/internal/pages"
)

// posted is what the form sent for a field, in the writing of FormText. Fields with boxes to tick come with an
// empty value in front, so that none pages.Ticked differs from not sent.
func posted(field *engine.Field, sent []string) (string, bool) {
	if len(sent) == 0 {
		return "", false
	}
	switch field.Type {
	case engine.TypeMultiPicklist:
		chosen := slices.DeleteFunc(slices.Clone(sent), func(s string) bool { return s == "" })
		return strings.Join(chosen, "\n"), true
	case engine.TypeBoolean:
		return sent[len(sent)-1], true
	case engine.TypeText:
		return strings.ReplaceAll(sent[0], "\r\n", "\n"), len(sent) == 1
	}
	return strings.TrimSpace(sent[0]), len(sent) == 1
}

// plain turns a form's text into the value a record keeps, checked against the field. A moment without a zone is meant
// by the clocks of the given one.
func plain(field *engine.Field, text string, zone *time.Location) (any, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		return nil, errMalformed
	}
	switch field.Type {
	case engine.TypeMultiPicklist:
		if text == "" {
			return field.Plain(nil)
		}
		var chosen []any
		for item := range strings.SplitSeq(text, "\n") {
			chosen = append(chosen, item)
		}
		return field.Plain(chosen)
	case engine.TypeBoolean:
		return field.Plain(text == pages.Ticked)
	case engine.TypeDateTime:
		if at, ok := momentOf(text, zone); ok {
			text = at.UTC().Format(time.RFC3339)
		}
	case engine.TypeInteger, engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		text = strings.Replace(text, ",", ".", 1) // as most of the world writes decimals
		if strings.Trim(text, "+-.0123456789") != "" {
			return nil, errMalformed
		}
	}
	return field.Plain(text)
}
