package facade

import (
	"encoding/json"
	"strings"
	"time"

	"postern/engine"
)

// How coreBOS writes values.
const (
	datetimeForm = "2006-01-02 15:04:05" // in UTC, without saying so
	separator    = " |##| "              // between the options of a field that takes several
)

// plain is a value as coreBOS answers it: all are text, "1" and "0" stand for true and false, "" for nothing.
func plain(value any, field *engine.Field) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "1"
		}
		return "0"
	case []any:
		var options []string
		for _, option := range v {
			text, _ := engine.PlainText(option)
			options = append(options, text)
		}
		return strings.Join(options, separator)
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(text)
	}
	text, _ := engine.PlainText(value)
	if text == "" || field == nil {
		return text
	}
	switch field.Type {
	case engine.TypeBoolean:
		if text == "true" || text == "yes" || text == "on" {
			return "1"
		}
		if text == "false" || text == "no" || text == "off" {
			return "0"
		}
	case engine.TypeDateTime:
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return at.UTC().Format(datetimeForm)
		}
	}
	return text
}

// taken is a value that a client sends, as a plain value of the field's type: clients send all as text.
func taken(value any, field *engine.Field) any {
	text, isText := value.(string)
	if field == nil || !isText {
		return value
	}
	switch field.Type {
	case engine.TypeNumber, engine.TypeInteger, engine.TypeDecimal, engine.TypeCurrency:
		if text == "" {
			return nil
		}
		return json.Number(strings.TrimSpace(text))
	case engine.TypeBoolean:
		switch strings.ToLower(text) {
		case "1", "true", "on", "yes":
			return true
		case "", "0", "false", "off", "no":
			return false
		}
	case engine.TypeMultiPicklist:
		options := []any{}
		for option := range strings.SplitSeq(text, strings.TrimSpace(separator)) {
			if option = strings.TrimSpace(option); option != "" {
				options = append(options, option)
			}
		}
		return options
	case engine.TypeDateTime:
		if at, err := time.Parse(datetimeForm, text); err == nil {
			return at.Format(time.RFC3339)
		}
	}
	return value
}
