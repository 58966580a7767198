package exprsafe

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// encodingFunctions write values for other programs, and read what those write.
func encodingFunctions() []function {
	text := []Kind{Text}
	return []function{
		{
			name: "base64Encode", args: "text", params: text, result: Text, summary: "the text in Base64 (RFC 4648)",
			example: `base64Encode("Zoë") == "Wm/Dqw=="`,
			call:    onText(func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }),
		},
		{
			name: "base64Decode", args: "text", params: text, result: Text,
			summary: "the text that was written in Base64, of either alphabet, padded or not",
			example: `base64Decode("Wm/Dqw==") == "Zoë"`, call: base64Decode,
		},
		{
			name: "urlEncode", args: "text", params: text, result: Text, summary: "the text as a part of an address",
			example: `urlEncode("a b&c") == "a%20b%26c"`,
			call: onText(func(text string) string { // a space as %20 is right in a path and in a query
				return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
			}),
		},
		{
			name: "toJSON", args: "value", params: []Kind{Any}, result: Text,
			summary: "the value as JSON, keys in order",
			example: `toJSON({b: [1, "x"], a: null}) == '{"a":null,"b":[1,"x"]}'`, call: toJSON,
		},
		{
			name: "fromJSON", args: "text", params: text, result: Any, summary: "the value that JSON text stands for",
			example: `fromJSON('{"items": [{"id": 7}]}').items[0].id == 7`, call: fromJSON,
		},
	}
}

// base64Decode takes what gives text; other data has no place in an expression.
func base64Decode(_ *run, args []any) (any, error) {
	text := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(str(args[0])), "=")
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, fault("the text is not Base64")
	}
	if !utf8.Valid(data) {
		return nil, fault("what the Base64 stands for is no text")
	}
	return string(data), nil
}

// fromJSON reads plain data; the empty text is null.
func fromJSON(r *run, args []any) (any, error) {
	text := str(args[0])
	if strings.TrimSpace(text) == "" {
		return noValue()
	}
	if err := r.spend(hashStart + len(text)*itemBytes); err != nil { // [0,0,0… takes so much for a byte
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fault("the text is not JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fault("the text is more than one JSON value")
	}
	return r.plain(v, "the JSON")
}

// toJSON writes times by RFC 3339 and durations as 1h30m0s.
func toJSON(r *run, args []any) (any, error) {
	w := &jsonWriter{run: r}
	if err := w.value(args[0], 0); err != nil {
		return nil, err
	}
	return w.String(), nil
}

// jsonWriter writes a value and stops when there is too much of it.
type jsonWriter struct {
	bytes.Buffer
	run *run
}

func (w *jsonWriter) value(v any, depth int) error {
	if depth > MaxDepth {
		return faultf("toJSON takes values at most %d deep", MaxDepth)
	}
	if err := w.run.spend(itemBytes); err != nil {
		return err
	}
	if w.Len() > MaxText {
		return w.run.room(w.Len())
	}
	switch x := v.(type) {
	case nil:
		w.WriteString("null")
	case bool:
		w.WriteString(strconv.FormatBool(x))
	case string:
		return w.text(x)
	case time.Time, time.Duration:
		text, err := format(x)
		if err != nil {
			return err
		}
		return w.text(text)
	case []any:
		return w.list(x, depth)
	case map[string]any:
		return w.mapping(x, depth)
	default:
		return w.number(v)
	}
	return nil
}

func (w *jsonWriter) number(v any) error {
	n, ok := number(v)
	if !ok {
		return fault("a value is not plain data")
	}
	text, err := format(n)
	w.WriteString(text)
	return err
}

func (w *jsonWriter) text(text string) error {
	if err := w.run.room(len(text)); err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	err := e.Encode(text)
	w.Truncate(w.Len() - 1) // without the line break
	return err
}

func (w *jsonWriter) list(list []any, depth int) error {
	w.WriteByte('[')
	for i, item := range list {
		if i > 0 {
			w.WriteByte(',')
		}
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	w.WriteByte(']')
	return nil
}

func (w *jsonWriter) mapping(m map[string]any, depth int) error {
	w.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			w.WriteByte(',')
		}
		if err := w.text(key); err != nil {
			return err
		}
		w.WriteByte(':')
		if err := w.value(m[key], depth+1); err != nil {
			return err
		}
	}
	w.WriteByte('}')
	return nil
}
