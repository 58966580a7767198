package tasks_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/memory"
	"postern/internal/store"
	"postern/tasks"
	"postern/workflows"
)

// burst is how many records are made in one second.
const burst = 10_000

// An external id opens landings by itself, so that of a record must tell nothing about that of another: not though a
// whole import gets theirs in one second.
func TestT08IdentifiersOfABurst(t *testing.T) {
	t.Parallel()
	values := fillBurst(t)
	whole := regexp.MustCompile(`^[a-z2-7]{26}$`) // 130 bits
	seen := make(map[string]bool, burst)
	var counts [26][256]int
	rising := 0
	for i, value := range values {
		if !whole.MatchString(value) || seen[value] {
			t.Fatalf("identifier %d is %q; seen before: %t", i, value, seen[value])
		}
		seen[value] = true
		for place := range value {
			counts[place][value[place]]++
		}
		if i > 0 && value > values[i-1] {
			rising++
		}
	}
	// Each of the 32 letters stands at each place about 312 times, give or take 17: what would tell time, or count, stands
	// still at the first places. Eight times 17 is never reached by chance.
	for place, letters := range counts {
		for _, letter := range "abcdefghijklmnopqrstuvwxyz234567" {
			if n := letters[letter]; n < burst/32-140 || n > burst/32+140 {
				t.Errorf("%c stands %d times at place %d, want about %d", letter, n, place, burst/32)
			}
		}
	}
	// Half of them are above the one before, give or take 29.
	if rising < burst/2-250 || rising > burst/2+250 {
		t.Errorf("%d of %d are above the one before: their order tells which is older", rising, burst)
	}
}

// fillBurst makes records within a second and returns the identifiers that runs filled in, in the order of the records.
func fillBurst(t *testing.T) []string {
	t.Helper()
	files := maps.Clone(smallBook)
	files["w.yaml"] = `
name: filling
on: { event: record.created, module: Tickets }
tasks: [ { fill: { field: ext } } ]
`
	book, complaints, _ := workflows.LoadFiles(files, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email"), KeepAll: true,
	})
	if complaints.Err() != nil {
		t.Fatal(complaints)
	}
	clock := engine.NewStillClock(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	logger := slog.New(slog.DiscardHandler)
	mould, err := store.NewMould(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := mould.Open(t.Context(), clock, logger)
	if err = errors.Join(err, mould.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	bus := memory.NewBus(clock.Now)
	rehearsal, err := engine.Rehearse(t.Context(), engine.Ports{
		Bus: bus, CRM: crm.NewMirror(kept), Store: kept, Book: book, Clock: clock, Random: rand.Reader, Logger: logger,
	}, engine.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	const waves = 10
	refs := make([]engine.Ref, burst)
	for wave := range waves {
		for i := wave * burst / waves; i < (wave+1)*burst/waves; i++ {
			refs[i] = ticket(fmt.Sprint(i))
			event := &engine.Event{
				ID: fmt.Sprint(i), Source: "crm", Type: engine.RecordCreated, Subject: refs[i].String(),
				Change: &engine.Change{Record: engine.Fields{"no": fmt.Sprint("T", i)}},
			}
			if err := bus.Publish(t.Context(), event); err != nil {
				t.Fatal(err)
			}
		}
		if err := rehearsal.Advance(t.Context(), time.Second/waves); err != nil {
			t.Fatal(err)
		}
	}
	return filled(t, kept, refs)
}

// filled are the identifiers that records have.
func filled(t *testing.T, kept *store.Store, refs []engine.Ref) []string {
	t.Helper()
	const bite = 500
	values := make(map[string]string, len(refs)) // by id
	for at := 0; at < len(refs); at += bite {
		records, err := kept.Records(t.Context(), refs[at:at+bite])
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			values[record.Ref.ID] = record.Fields.Text("ext")
		}
	}
	all := make([]string, len(refs))
	for i, ref := range refs {
		all[i] = values[ref.ID]
	}
	return all
}
