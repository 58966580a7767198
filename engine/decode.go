package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Header reads one header of a message by its name in lower case; "" when it is not there.
type Header func(name string) string

// NoHeader is the Header of a message without headers.
func NoHeader(string) string { return "" }

// AttributeHeaders are the headers that carry an event's attributes in binary mode.
func AttributeHeaders() []string {
	return []string{
		"ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time", "ce-causeid", "ce-depth",
		"ce-chain", "ce-traceparent",
	}
}

// DecodeEvent reads a message in structured or binary mode (CloudEvents 1.0; in binary mode the
// attributes are ce-… headers and the body is the data) and checks it against the contract: required
// attributes, limits, and for record events that subject, key and record agree. The error says what
// was found and what was meant.
func DecodeEvent(at Address, header Header, body []byte) (*Event, error) {
	return decode(header, body, func(*Event) Address { return at })
}

// DecodeUnaddressed is DecodeEvent for a message that came by no subject, from a file or over HTTP: it
// is taken as if it had come by the one that its own type and subject lead to.
func DecodeUnaddressed(header Header, body []byte) (*Event, error) {
	return decode(header, body, (*Event).Address)
}

func decode(header Header, body []byte, address func(*Event) Address) (*Event, error) {
	if len(body) > MaxEventBytes {
		return nil, fmt.Errorf("the event has %d bytes; at most %d are taken", len(body), MaxEventBytes)
	}
	if err := checkNesting(body); err != nil {
		return nil, err
	}
	env, err := readEnvelope(header, body)
	if err != nil {
		return nil, err
	}
	event, err := env.event()
	if err != nil {
		return nil, err
	}
	if err := event.checkAttributes(env.SpecVersion); err != nil {
		return nil, err
	}
	if at := address(event); at.Domain == DomainCRM || event.IsRecord() {
		err = event.readChange(at)
	} else {
		err = event.checkData()
	}
	if err != nil {
		return nil, err
	}
	return event, nil
}

func readEnvelope(header Header, body []byte) (envelope, error) {
	if header("ce-specversion") == "" {
		var env envelope
		if err := strictJSON(body, &env); err != nil {
			return envelope{}, fmt.Errorf("the body is no CloudEvent: %w", err)
		}
		return env, nil
	}
	env := envelope{
		SpecVersion: header("ce-specversion"), ID: header("ce-id"), Source: header("ce-source"),
		Type: header("ce-type"), Subject: header("ce-subject"), Time: header("ce-time"), CauseID: header("ce-causeid"),
		Chain: header("ce-chain"), TraceParent: header("ce-traceparent"),
	}
	if len(body) > 0 {
		env.Data = body
	}
	if text := header("ce-depth"); text != "" {
		depth, err := strconv.Atoi(text)
		if err != nil {
			return envelope{}, fmt.Errorf("header ce-depth is %q, which is no whole number", clip(text))
		}
		env.Depth = depth
	}
	return env, nil
}

// attributesOf keeps the headers of a message in binary mode; nil for any other.
func attributesOf(header Header) map[string]string {
	if header("ce-specversion") == "" {
		return nil
	}
	kept := map[string]string{}
	for _, name := range AttributeHeaders() {
		if value := header(name); value != "" {
			kept[name] = value[:min(len(value), 2*MaxAttribute)]
		}
	}
	return kept
}

func (e *Event) checkAttributes(spec string) error {
	if spec != "1.0" {
		return fmt.Errorf("specversion is %q; this contract is CloudEvents \"1.0\"", spec)
	}
	attributes := []struct {
		name, value string
		required    bool
	}{
		{"id", e.ID, true},
		{"source", e.Source, true},
		{"type", e.Type, true},
		{"subject", e.Subject, e.IsRecord()},
		{"causeid", e.CauseID, false},
		{"chain", e.Chain, false},
		{"traceparent", e.TraceParent, false},
		{"deadletter", e.Letter, false},
	}
	for _, a := range attributes {
		switch {
		case a.value == "" && a.required:
			return fmt.Errorf("attribute %q is missing", a.name)
		case len(a.value) > MaxAttribute:
			return fmt.Errorf("attribute %q has %d bytes; at most %d are taken", a.name, len(a.value), MaxAttribute)
		case !utf8.ValidString(a.value) || strings.ContainsFunc(a.value, isControl):
			return fmt.Errorf("attribute %q holds a control character or broken UTF-8", a.name)
		}
	}
	if e.Depth < 0 {
		return fmt.Errorf("attribute \"depth\" is %d; it counts from 0", e.Depth)
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// readChange reads the data of a record event and holds it against the subject it came by.
func (e *Event) readChange(at Address) error {
	ref, err := ParseRef(e.Subject)
	if err != nil {
		return fmt.Errorf("attribute \"subject\": %w", err)
	}
	noun, verb, _ := strings.Cut(e.Type, ".")
	switch {
	case noun != "record" || !recordVerb(verb):
		const types = "record.created, updated, deleted, restored, related, unrelated"
		return fmt.Errorf("type %q is not one of %s", e.Type, types)
	case !PlainToken(ref.Module):
		return fmt.Errorf("module %q may hold only letters, digits, - and _", ref.Module)
	case at.Verb != verb:
		return fmt.Errorf("the subject says %q, the type says %q", at.Verb, verb)
	case at.Noun != ref.Module:
		return fmt.Errorf("the subject says module %q, the event says %q", at.Noun, ref.Module)
	case at.Key != "" && at.Key != ref.ID:
		return fmt.Errorf("the subject's key is %q, the record's id is %q", at.Key, ref.ID)
	}
	if len(e.Data) == 0 {
		return errors.New("a record event needs \"data\"")
	}
	var change Change
	if err := strictJSON(e.Data, &change); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if change.Record == nil && e.Type != RecordDeleted {
		return errors.New("data.record is missing")
	}
	if id := change.Record.Text("id"); id != "" && id != ref.ID {
		return fmt.Errorf("data.record.id is %q, the subject says %q", id, ref.ID)
	}
	if change.Record == nil {
		change.Record = Fields{}
	}
	if err := change.checkRelated(verb); err != nil {
		return err
	}
	change.inferChanged()
	e.Change, e.Data = &change, nil
	return nil
}

// checkRelated sees that a relation names the record at the other end. Of any other change that says nothing.
func (c *Change) checkRelated(verb string) error {
	if verb != "related" && verb != "unrelated" {
		c.Related = ""
		return nil
	}
	if c.Related == "" {
		return errors.New("data.related is missing: it names the record at the other end, as Module/id")
	}
	ref, err := ParseRef(c.Related)
	switch {
	case len(c.Related) > MaxAttribute:
		return fmt.Errorf("data.related has %d bytes; at most %d are taken", len(c.Related), MaxAttribute)
	case err != nil:
		return fmt.Errorf("data.related: %w", err)
	case !PlainToken(ref.Module):
		return fmt.Errorf("data.related: module %q may hold only letters, digits, - and _", ref.Module)
	case strings.ContainsFunc(c.Related, isControl):
		return errors.New("data.related holds a control character")
	}
	return nil
}

// checkData sees that the data of an event of ours is JSON, if there is any.
func (e *Event) checkData() error {
	if len(e.Data) == 0 {
		return nil
	}
	var data json.RawMessage
	if err := strictJSON(e.Data, &data); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

func recordVerb(verb string) bool {
	switch verb {
	case "created", "updated", "deleted", "restored", "related", "unrelated":
		return true
	}
	return false
}

// inferChanged names the changed fields where only their old values came.
func (c *Change) inferChanged() {
	if len(c.Changed) > 0 || c.Old == nil {
		return
	}
	for name, old := range c.Old {
		if !Same(old, c.Record[name]) {
			c.Changed = append(c.Changed, name)
		}
	}
	slices.Sort(c.Changed)
}

// strictJSON decodes one JSON value, keeping numbers as written, and tells a type error by its path.
func strictJSON(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err := d.Decode(into)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			return errors.New("text follows the JSON value")
		}
		return nil
	}
	var typed *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &typed):
		return wrongType(typed)
	case errors.As(err, &syntax):
		return fmt.Errorf("broken JSON at byte %d: %w", syntax.Offset, err)
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("broken JSON: it ends too early")
	}
	return fmt.Errorf("broken JSON: %w", err)
}

func wrongType(err *json.UnmarshalTypeError) error {
	what := "it"
	if err.Field != "" {
		what = strconv.Quote(err.Field)
	}
	return fmt.Errorf("%s should be %s, found %s", what, plainType(err), plainValue(err.Value))
}

func plainType(err *json.UnmarshalTypeError) string {
	switch err.Type.Kind() {
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Slice:
		return "a list"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	}
	return "text"
}

// plainValue puts the decoder's word for a JSON value into ours: "array", "number 1.5".
func plainValue(value string) string {
	kind, number, _ := strings.Cut(value, " ")
	switch {
	case number != "":
		return number
	case kind == "object":
		return "an object"
	case kind == "array":
		return "a list"
	case kind == "string":
		return "text"
	case kind == "bool":
		return "true or false"
	}
	return "a " + kind
}

// checkNesting refuses deep nesting before the JSON decoder recurses into it.
func checkNesting(body []byte) error {
	depth, inText := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > MaxEventDepth {
				return fmt.Errorf("the event nests deeper than %d levels", MaxEventDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
