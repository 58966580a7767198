package exprsafe

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// noon is the time of all evaluations in these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a help desk whose tickets refer to contacts, which refer to accounts, which refer back.
func world() *Scope {
	var contact, account func() Type
	contact = func() Type {
		return ObjectOf("Contacts", map[string]Type{
			"email": {Kind: Text}, "score": {Kind: Number}, "vip": {Kind: Bool}, "account_id": ReferenceTo(account),
		})
	}
	account = func() Type {
		return ObjectOf("Accounts", map[string]Type{
			"accountname": {Kind: Text}, "primary_contact": ReferenceTo(contact),
		})
	}
	ticket := ObjectOf("HelpDesk", map[string]Type{
		"status": {Kind: Text}, "title": {Kind: Text}, "amount": {Kind: Number}, "paid": {Kind: Number},
		"urgent": {Kind: Bool}, "due": {Kind: Time}, "tags": ListOf(Type{Kind: Text}), "any": {},
		"parent_id": ReferenceTo(contact),
	})
	line := ObjectOf("line", map[string]Type{"price": {Kind: Number}, "name": {Kind: Text}})
	return &Scope{Names: map[string]Type{
		"record": ticket,
		"old":    ticket,
		"event":  ObjectOf("the event", map[string]Type{"record": ticket, "time": {Kind: Time}, "type": {Kind: Text}}),
		"steps":  {Kind: Map},
		"vars":   {Kind: Map},
		"lines":  ListOf(line),
	}}
}

// counting is a source of what is not random at all, so that evaluations can be compared.
type counting struct{}

func (counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)
	}
	return len(p), nil
}

// secret is the key of RFC 4231, test case 2, under the name of rates.
func secret(name string) ([]byte, bool) { return []byte("Jefe"), name == "rates" }

// data is an environment for world in which fields not given are missing.
func data(record map[string]any) map[string]any {
	return map[string]any{
		"record": record,
		"steps":  map[string]any{"told": map[string]any{"acted": true}},
		"vars":   map[string]any{"n": json.Number("3"), "list": []any{1, "a", nil}, "text": "abc", "empty": ""},
		"lines": []any{
			map[string]any{"price": 10, "name": "nut"},
			map[string]any{"price": 2.5, "name": "bolt"},
			map[string]any{"name": "washer"},
		},
		EnvNow: noon, EnvRandom: counting{}, EnvSecret: Secrets(secret),
	}
}

func full() map[string]any {
	return data(map[string]any{
		"status": "Open", "title": "Printer café", "amount": 1200.5, "paid": 200, "urgent": true,
		"due": noon.Add(48 * time.Hour), "tags": []any{"a", "b"}, "parent_id": "12x3", "any": "x",
	})
}

// evaluate compiles and evaluates an expression that must compile.
func evaluate(t *testing.T, src string, env map[string]any) (any, error) {
	t.Helper()
	p, fail := Compile(src, world(), Any)
	if fail != nil {
		t.Fatalf("Compile(%s): %v at %d", src, fail, fail.Offset)
	}
	return p.Eval(env)
}

// wantError checks a message by a part of it, and where the error is by the text that begins there.
func wantError(t *testing.T, src string, got *Error, message, at string) {
	t.Helper()
	if got == nil {
		t.Fatalf("%s: no error, want %q", src, message)
	}
	if !strings.Contains(got.Error(), message) {
		t.Errorf("%s: error %q, want %q", src, got.Error(), message)
	}
	if got.Offset < 0 || got.Offset > len(src) {
		t.Fatalf("%s: offset %d is outside", src, got.Offset)
	}
	if !strings.HasPrefix(src[got.Offset:], at) {
		t.Errorf("%s: error %q is at %q, want at %q", src, got.Error(), src[got.Offset:], at)
	}
}
