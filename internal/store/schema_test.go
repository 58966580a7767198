package store

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "make the database of the present schema anew, and say what is found in each")

// Each database that an earlier schema left is brought up to date and holds what it held: its text says it.
func TestSchemas(t *testing.T) {
	if *update {
		makeSchema(t)
	}
	databases, err := filepath.Glob("testdata/schema-*.db")
	if err != nil || len(databases) < 2 {
		t.Fatalf("found %v, %v", databases, err)
	}
	for _, database := range databases {
		t.Run(filepath.Base(database), func(t *testing.T) {
			text, found := strings.TrimSuffix(database, ".db")+".txt", inventory(t, openCopy(t, database))
			if *update {
				if err := os.WriteFile(text, []byte(found), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), found); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
	newest := fresh(t)
	var schema string
	if err := newest.reads.get(t.Context(), schemaVersion, nil, []any{&schema}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("testdata/schema-" + schema + ".db"); err != nil {
		t.Errorf("the present schema has no database: run this test with -update: %v", err)
	}
}

const schemaVersion = "SELECT max(version_id) FROM goose_db_version"

// openCopy opens a copy of a database under a clock that stands an hour after it was left.
func openCopy(t *testing.T, database string) *Store {
	t.Helper()
	data, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "postern.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return underClock(t, path, enginetest.NewClock(testNow.Add(time.Hour)))
}

func underClock(t *testing.T, path string, clock engine.Clock) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// inventory is what a store that was just opened finds, a line for each.
func inventory(t *testing.T, s *Store) string {
	t.Helper()
	ctx, now := t.Context(), testNow.Add(time.Hour)
	var lines strings.Builder
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(&lines, format+"\n", args...) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	partitions, err := s.Claim(ctx, "two", "EVENTS", now)
	must(err)
	var fences []engine.Fence
	for _, p := range partitions {
		fences = append(fences, engine.Fence{Partition: p.ID, Epoch: p.Epoch})
	}
	say("partition 1: epoch %d, cursor %d", partitions[1].Epoch, partitions[1].Cursor)
	unfinished, err := s.Unfinished(ctx)
	must(err)
	for _, at := range unfinished {
		run, err := s.Run(ctx, at.ID)
		must(err)
		say("%s run of %s on %s: %s, began with %s", run.State, run.Workflow, at.Record, asJSON(t, run.Progress),
			run.Event.ID)
	}
	parked, err := s.Parked(ctx, []string{"ask"})
	must(err)
	for _, at := range parked {
		say("%s run of %s on %s, gate %q", at.State, at.Workflow, at.Record, at.Gate)
	}
	woken, _, err := s.Due(ctx, fences, now, engine.DuePosition{}, 9)
	must(err)
	for _, w := range woken {
		say("due at %s on %s: timer %v, touched %v", w.Due, w.Run.Record, w.Timer, w.Touched)
	}
	effects, _, err := s.TakeEffects(ctx, engine.EffectDemand{Fences: fences, Now: now, Limit: 9})
	must(err)
	for _, e := range effects {
		want := testEffect(testRun(6), e.Record.ID)
		say("effect on %s/%s: doubtful %v", e.Record.Module, e.Record.ID, e.Doubtful)
		if diff := cmp.Diff(want.Ask, e.Ask); diff != "" {
			t.Errorf("what the effect on %s asks (-want +got):\n%s", e.Record.ID, diff)
		}
	}
	sayRelations(t, s, say)
	sayCalls(t, s, say, fences)
	sayMessages(t, s, say, fences)
	sayTime(t, s, say)
	sayHeard(t, s, say)
	return lines.String()
}

// sayHeard is the part of inventory on what channels heard.
func sayHeard(t *testing.T, s *Store, say func(string, ...any)) {
	t.Helper()
	all, err := s.SuppressionLines(t.Context(), engine.SuppressionSelection{})
	for _, one := range all {
		say("suppressed on %s: %s, %s, list %q", one.Channel, one.Masked, one.Reason, one.List)
	}
	at, errHeard := s.LastHeard(t.Context(), "email", engine.AddressID{7})
	if err := errors.Join(err, errHeard); err != nil {
		t.Fatal(err)
	}
	if !at.IsZero() {
		say("heard at %s; %d reports wait", at, len(s.writer.kept))
	}
}

// sayTime is the part of inventory on what starts runs by time.
func sayTime(t *testing.T, s *Store, say func(string, ...any)) {
	t.Helper()
	ctx, now := t.Context(), testNow.Add(time.Hour)
	timings, err := s.TimingLines(ctx, "")
	for _, at := range timings {
		say("timing %s of %s: due %s, walk %s, %d alarms", at.Key, at.Workflow, at.Next, asJSON(t, at.Walk), at.Alarms)
	}
	alarms, _, errAlarms := s.DueAlarms(ctx, now, 9)
	for _, a := range alarms {
		say("alarm of record %s for %s", a.Record, a.Value)
	}
	windows, _, errWindows := s.DueWindows(ctx, now, 9)
	for _, w := range windows {
		say("window %s of %s: %d events since %s", w.Key, w.Workflow, w.Count, w.First)
	}
	if err := errors.Join(err, errAlarms, errWindows); err != nil {
		t.Fatal(err)
	}
}

// sayRelations is the part of inventory on records that are joined.
func sayRelations(t *testing.T, s *Store, say func(string, ...any)) {
	t.Helper()
	const query = "SELECT module, id, other_module, other_id, stands, written <> '' FROM relations"
	err := s.reads.each(t.Context(), query, nil, func(row scan) error {
		var one, other engine.Ref
		var stands, waits bool
		err := row(&one.Module, &one.ID, &other.Module, &other.ID, &stands, &waits)
		say("%s and %s are joined %v, told %v", one, other, stands, !waits)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sayCalls is the part of inventory on calls of web services.
func sayCalls(t *testing.T, s *Store, say func(string, ...any), fences []engine.Fence) {
	t.Helper()
	hosts, err := s.CallHosts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range hosts {
		demand := engine.EffectDemand{Fences: fences, Host: host.Host, Now: testNow.Add(time.Hour), Limit: 9}
		calls, _, err := s.TakeEffects(t.Context(), demand)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range calls {
			say("call of %s, sealed %q: %s", e.Host, e.Sealed, asJSON(t, e.Call))
		}
	}
}

// sayMessages is the part of inventory on what leaves.
func sayMessages(t *testing.T, s *Store, say func(string, ...any), fences []engine.Fence) {
	t.Helper()
	ctx, now := t.Context(), testNow.Add(time.Hour)
	orphans, err := s.Orphans(ctx)
	for _, o := range orphans {
		d := o.Delivery
		say("orphan in slot %d to %s, link used %d times, kept %v", d.Slot, d.Masked, d.Links[0].Link.Uses, o.Kept)
	}
	due, _, errDue := s.Take(ctx, engine.Demand{Fences: fences, Others: true, Slots: []int{1, 2, 3, 4}, Now: now})
	for _, d := range due {
		say("due delivery to %s by %s until %s: retry %s", d.Masked, d.Channel, d.Until, asJSON(t, d.Retry))
	}
	link, errLink := s.Link(ctx, "a", testLink().Digest)
	say("link to %s of %s: used %d of %d, expires %s", link.Landing, link.Record, link.Uses, link.MaxUses, link.Expires)
	records, errRecords := s.Records(ctx, []engine.Ref{testLink().Record})
	for _, r := range records {
		say("record %s at %d: %s, written %s", r.Ref, r.Seq, r.Fields.Text("status"), asJSON(t, r.Written))
	}
	outgoing, errOut := s.Outgoing(ctx, 9)
	for _, out := range outgoing {
		say("outgoing %d: %s of %s", out.Seq, out.Event.Type, out.Event.Subject)
	}
	visit, errVisit := s.LastVisit(ctx, testRun(50).ID)
	say("visit: set %s, before %s, entries %s", asJSON(t, visit.Set), asJSON(t, visit.Before), asJSON(t, visit.Entries))
	if file, err := s.File(ctx, testRun(53).ID); err == nil {
		say("file %s of %s, %d bytes", file.Name, file.Record, file.Size)
	}
	files, errFiles := s.Version(ctx, "v1")
	say("version: %s", asJSON(t, files))
	errDead := s.reads.each(ctx, "SELECT subject, reason FROM dead_letters", nil, func(row scan) error {
		var subject, reason string
		err := row(&subject, &reason)
		say("dead letter %s: %s", subject, reason)
		return err
	})
	if err := errors.Join(err, errDue, errLink, errVisit, errRecords, errOut, errFiles, errDead); err != nil {
		t.Fatal(err)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	written, err := text(v)
	if err != nil {
		t.Fatal(err)
	}
	return written
}
