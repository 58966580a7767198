package yamldoc

import (
	"strings"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	tests := map[string]time.Duration{
		"0s": 0, "30s": 30 * time.Second, "250ms": 250 * time.Millisecond, "15m": 15 * time.Minute,
		"1h30m": 90 * time.Minute, "3d": 72 * time.Hour, "14d": 14 * 24 * time.Hour, "1d12h": 36 * time.Hour,
		"1d2h3m4s5ms": 26*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Millisecond,
	}
	for text, want := range tests {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("parse %s: got %v, %v", text, got, err)
		}
		if got := FormatDuration(want); got != text {
			t.Errorf("format %v: got %s, want %s", want, got, text)
		}
	}
	for duration, want := range map[time.Duration]string{
		-90 * time.Minute: "-1h30m", time.Microsecond: "0s", 1999 * time.Microsecond: "1ms",
		-1 << 63: "-106751d23h47m16s854ms",
	} {
		if got := FormatDuration(duration); got != want {
			t.Errorf("format %d: got %s, want %s", duration, got, want)
		}
	}
	if got, err := ParseDuration("72h"); err != nil || FormatDuration(got) != "3d" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestNotDurations(t *testing.T) {
	for _, text := range []string{
		"", "h", "30", "-30s", "+30s", "1.5h", "1h ", "1 h", "30m1h", "1h1h", "1w", "1hm", "30S", "٣s",
		"106752d", "9999999999999999999s", "106751d106751h",
	} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
	_, err := ParseDuration("72")
	if want := `"72" is not a duration; add a unit, as in 72s, 72m, 72h or 72d`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"1d12h", "30", "1h30m", "250ms", "0s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := ParseDuration(text)
		if err != nil {
			return
		}
		if again, err := ParseDuration(FormatDuration(value)); err != nil || again != value {
			t.Errorf("%q is %v, then %v, %v", text, value, again, err)
		}
	})
}

func TestSuggest(t *testing.T) {
	choices := []string{"name", "template", "for_each", "on_error", "if", "id", "ticketstatus", "Été"}
	tests := map[string]string{
		"templte": "template", "tempalte": "template", "TEMPLATE": "template", "nmae": "name", "names": "name",
		"foreach": "for_each", "ticket_staus": "ticketstatus", "éte": "Été",
		"ip": "", "shout": "", "mane": "", "name": "", "": "", "template_of_something_else": "",
	}
	for word, want := range tests {
		got, ok := Suggest(word, choices)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", word, got, ok, want)
		}
	}
	if got, _ := Suggest("bat", []string{"cat", "rat"}); got != "cat" {
		t.Errorf("the first of equals wins, got %q", got)
	}
}

func TestUnknownListsTheChoices(t *testing.T) {
	n := parsed(t, "kind: "+strings.Repeat("x", 60)).Get("kind")
	d := n.Unknown("kind of task", []string{"fill", "notify"})
	want := `test.yaml:1:7: error: unknown kind of task "` + strings.Repeat("x", 40) + `…" (one of: fill, notify)`
	if d.String() != want {
		t.Errorf("got %s\nwant %s", d, want)
	}
	if d := n.Unknown("kind", nil); d.Hint != "" {
		t.Errorf("nothing to choose from, got %q", d.Hint)
	}
	if d := n.Unknown("kind", strings.Fields(strings.Repeat("word ", 30))); !strings.HasSuffix(d.Hint, "word, …") {
		t.Errorf("a long list is cut, got %q", d.Hint)
	}
}
