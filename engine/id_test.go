package engine_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

var idTime = time.Date(2026, 11, 22, 9, 0, 0, 123_456_789, time.UTC)

func TestNewID(t *testing.T) {
	id, err := engine.NewID(idTime, bytes.NewReader(bytes.Repeat([]byte{0xff}, 10)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := id.String(), "01a2027b-d6fb-7fff-bfff-ffffffffffff"; got != want {
		t.Errorf("id is %s, not %s", got, want)
	}
	if !id.Time().Equal(idTime.Truncate(time.Millisecond)) {
		t.Errorf("time is %s", id.Time())
	}
	later, err := engine.NewID(idTime.Add(time.Millisecond), rand.Reader)
	if err != nil || later.String() <= id.String() {
		t.Errorf("%s, made later, does not sort after %s: %v", later, id, err)
	}
	for name, make := range map[string]func() (engine.ID, error){
		"NewID":    func() (engine.ID, error) { return engine.NewID(idTime, strings.NewReader("short")) },
		"RandomID": func() (engine.ID, error) { return engine.RandomID(strings.NewReader("short")) },
	} {
		if id, err := make(); err == nil || !id.IsZero() {
			t.Errorf("%s without randomness: %s, %v", name, id, err)
		}
	}
}

func TestRandomIDTellsNothing(t *testing.T) {
	bits := []byte("0123456789abcdef")
	id, err := engine.RandomID(bytes.NewReader(bits))
	if err != nil || string(id[:]) != string(bits) {
		t.Errorf("%x, %v: all 128 bits are random", id, err)
	}
}

func TestDerivedID(t *testing.T) {
	base, err := engine.NewID(idTime, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := engine.DerivedID(base, "3", "zoe@acme.example")
	if id != engine.DerivedID(base, "3", "zoe@acme.example") {
		t.Error("the same thing has two ids")
	}
	if id[6]>>4 != 8 || id[8]>>6 != 2 || !id.Time().Equal(base.Time()) {
		t.Errorf("%s is no version 8 UUID under the time of %s", id, base)
	}
	others := []engine.ID{engine.DerivedID(base, "3z", "oe@acme.example"), engine.DerivedID(base, "3"), engine.DerivedID(id, "3", "zoe@acme.example")}
	for _, other := range others {
		if other == id {
			t.Error("two things have one id")
		}
	}
}

func TestParseID(t *testing.T) {
	want := engine.DerivedID(engine.ID{}, "x")
	if got, err := engine.ParseID(want.String()); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	text, err := json.Marshal(map[string]engine.ID{"id": want})
	var back map[string]engine.ID
	if err != nil || json.Unmarshal(text, &back) != nil || back["id"] != want {
		t.Errorf("%s came back as %v, %v", text, back, err)
	}
	bad := []string{"", "0", want.String() + "0", strings.ReplaceAll(want.String(), "-", "_"), strings.Repeat("g", 8) + want.String()[8:]}
	for _, text := range bad {
		if id, err := engine.ParseID(text); err == nil || !strings.HasSuffix(err.Error(), "is no UUID") {
			t.Errorf("%q: %s, %v", text, id, err)
		}
	}
}
