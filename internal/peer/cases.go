package peer

import (
	"flag"
	"testing"
)

// Cases sets how many cases the test draws with rapid, and how many while the race detector watches, unless the command
// line asks for a number. Tests that run in parallel share the number.
func Cases(t testing.TB, cases, race string) {
	t.Helper()
	if Race {
		cases = race
	}
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() != checks.DefValue {
		return
	}
	if err := checks.Value.Set(cases); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = checks.Value.Set(checks.DefValue) })
}
