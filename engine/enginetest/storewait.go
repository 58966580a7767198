package enginetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// storeEver is a time at which everything is due, by whatever clock it was touched.
var storeEver = storeNow.AddDate(100, 0, 0)

// wait parks a new run.
func (s *storeTrial) wait(t *testing.T, seq uint64, wait engine.Wait) *engine.Run {
	t.Helper()
	run := s.takeIn(t, seq)
	run.State = engine.RunWaiting
	s.advance(t, run, engine.Advance{Wait: &wait})
	return run
}

// due is who is due at a time, read in pages of two.
func (s *storeTrial) due(t *testing.T, now time.Time) []engine.Woken {
	t.Helper()
	var all []engine.Woken
	for after := (engine.DuePosition{}); ; {
		page, _, err := s.Due(t.Context(), s.fences, now, after, 2)
		if err != nil || len(page) > 2 {
			t.Fatalf("a page of two has %d, %v", len(page), err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		last := page[len(page)-1]
		after = engine.DuePosition{Due: last.Due, Run: last.Run.ID}
	}
}

// dueRuns is the stream positions of who is due.
func (s *storeTrial) dueRuns(t *testing.T, now time.Time) []uint64 {
	t.Helper()
	var seqs []uint64
	for _, w := range s.due(t, now) {
		seqs = append(seqs, w.Run.Seq)
	}
	return seqs
}

// touch touches topics as something that happened to a record.
func (s *storeTrial) touch(t *testing.T, topics ...string) {
	t.Helper()
	s.intake(t, engine.Intake{Touched: topics})
}

// told tells whether a commit before made a wait due.
func (s *storeTrial) told() bool {
	select {
	case <-s.Touched():
		return true
	default:
		return false
	}
}

func storeTimer(t *testing.T, s *storeTrial) {
	fine := storeNow.Add(time.Minute + time.Microsecond) // finer than what is stored: never due too soon
	run := s.wait(t, 1, engine.Wait{Due: fine})
	s.wait(t, 2, engine.Wait{Due: storeNow.Add(time.Hour)})
	woken, next, err := s.Due(t.Context(), s.fences, storeNow.Add(time.Minute), engine.DuePosition{}, 9)
	if err != nil || len(woken) > 0 || next.Before(fine) || next.After(fine.Add(time.Millisecond)) {
		t.Errorf("too soon: %d runs, next %v, %v", len(woken), next, err)
	}
	want := engine.Woken{Run: run, Due: next, Timer: true}
	woken, next, err = s.Due(t.Context(), s.fences, next, engine.DuePosition{}, 9)
	if err != nil || !next.Equal(storeNow.Add(time.Hour)) {
		t.Errorf("next %v, %v", next, err)
	}
	if diff := cmp.Diff([]engine.Woken{want}, woken); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
	others := slices.Delete(slices.Clone(s.fences), run.Partition, run.Partition+1)
	woken, _, err = s.Due(t.Context(), others, storeEver, engine.DuePosition{}, 9)
	if err != nil || len(woken) != 1 || woken[0].Run.Seq != 2 {
		t.Errorf("due in other partitions: %d runs, %v", len(woken), err)
	}
	s.advance(t, done(run), engine.Advance{Rested: true})
	if left := s.dueRuns(t, storeEver); !slices.Equal(left, []uint64{2}) {
		t.Errorf("due after one has ended: %v", left)
	}
}

// Everything that happens wakes who waits for it, in its own commit, and nobody else.
func storeTouches(t *testing.T, s *storeTrial) {
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 1, "Open"), keptTicket("2", 2, "Open")}})
	asking := s.takeIn(t, 90)
	d := s.delivery(asking, storeNow)
	s.advance(t, asking, engine.Advance{Deliveries: []*engine.Delivery{d}})
	ticket := engine.RecordTopic(engine.Ref{Module: "HelpDesk", ID: "1"})
	for i, c := range []struct {
		name  string
		topic string
		touch func()
	}{
		{"an event", "record:Contacts/7", func() { s.touch(t, "record:Contacts/7", "record:Contacts/8") }},
		{"an event of a kept record", ticket, func() {
			s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 50, "Waiting")}})
		}},
		{"a write", ticket, func() {
			if err := s.Write(t.Context(), s.write("1", "Waiting", "Open")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a write of a run", ticket, func() {
			s.advance(t, asking, engine.Advance{Changes: writes(s.write("1", "Open", "Closed"))})
		}},
		{"a delivery that moves on", engine.RunTopic(asking.ID), func() {
			taken := s.take(t, storeNow, 1)[0]
			taken.State = engine.DeliveryAccepted
			s.settle(t, taken)
		}},
	} {
		run := s.wait(t, uint64(i+1), engine.Wait{Topics: []string{"record:Other/1", c.topic}})
		if s.told() || len(s.due(t, storeEver)) > 0 {
			t.Fatalf("before %s: due", c.name)
		}
		c.touch()
		woken := s.due(t, storeEver)
		if len(woken) != 1 || woken[0].Run.ID != run.ID || woken[0].Timer || !s.told() {
			t.Fatalf("after %s: %+v are due", c.name, woken)
		}
		if diff := cmp.Diff([]engine.Touch{{Topic: c.topic, Marks: 1}}, woken[0].Touched); diff != "" {
			t.Errorf("touches by %s (-want +got):\n%s", c.name, diff)
		}
		s.advance(t, done(run), engine.Advance{Rested: true})
	}
	// What changes nothing touches nothing.
	s.wait(t, 80, engine.Wait{Topics: []string{ticket}})
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 3, "Old")}})
	if err := s.Write(t.Context(), s.write("1", "Closed", "Closed")); err != nil {
		t.Fatal(err)
	}
	if s.told() || len(s.due(t, storeEver)) > 0 {
		t.Error("a change that was none made a wait due")
	}
}

// A wait that was looked at goes on only as far as nothing touched it meanwhile.
func storeRearm(t *testing.T, s *storeTrial) {
	run := s.wait(t, 1, engine.Wait{Due: storeNow.Add(time.Hour), Topics: []string{"link:a", "link:b"}})
	fence := s.fences[run.Partition]
	at := time.Now().Add(time.Second)
	s.touch(t, "link:a", "link:b")
	seen := s.due(t, storeEver)[0].Touched
	s.touch(t, "link:b")
	s.told()
	if err := s.Rearm(t.Context(), fence, run.ID, seen); err != nil {
		t.Fatal(err)
	}
	if !s.told() {
		t.Error("nobody is told of the touch that the first look did not see")
	}
	woken := s.due(t, storeEver)
	if len(woken) != 1 || woken[0].Due.After(at) {
		t.Fatalf("due: %+v; want the run, since its topic was touched", woken)
	}
	if diff := cmp.Diff([]engine.Touch{{Topic: "link:b", Marks: 2}}, woken[0].Touched); diff != "" {
		t.Errorf("touches left (-want +got):\n%s", diff)
	}
	if err := s.Rearm(t.Context(), fence, run.ID, woken[0].Touched); err != nil {
		t.Fatal(err)
	}
	woken = s.due(t, storeEver)
	if len(woken) != 1 || !woken[0].Timer || len(woken[0].Touched) > 0 || s.told() {
		t.Errorf("armed again: %+v; want the time alone", woken)
	}
	s.touch(t, "link:a")
	s.claim(t, "two")
	if err := s.Rearm(t.Context(), fence, run.ID, seen); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("armed again under an old epoch: %v", err)
	}
}

// Touches and arming again race: in the end no touch is lost that came after the last look.
func storeTouchRace(t *testing.T, s *storeTrial) {
	const touches = 50
	run := s.wait(t, 1, engine.Wait{Topics: []string{"link:a"}})
	var all sync.WaitGroup
	all.Go(func() {
		for range touches {
			if _, err := s.Intake(t.Context(), engine.Intake{Touched: []string{"link:a"}}); err != nil {
				t.Error(err)
			}
		}
	})
	seen := 0
	for end := time.Now().Add(10 * time.Second); seen < touches && time.Now().Before(end); {
		for _, w := range s.due(t, storeEver) {
			if w.Touched[0].Marks <= seen {
				t.Fatalf("woken by touch %d after touch %d", w.Touched[0].Marks, seen)
			}
			seen = w.Touched[0].Marks
			if err := s.Rearm(t.Context(), s.fences[run.Partition], run.ID, w.Touched); err != nil {
				t.Fatal(err)
			}
		}
	}
	all.Wait()
	if seen != touches || len(s.due(t, storeEver)) > 0 {
		t.Errorf("the last touch seen was %d, want %d", seen, touches)
	}
}

// Each run comes once and in its place, wherever the pages end and whichever of its rows are due.
func storeDuePages(t *testing.T, s *storeTrial) {
	var topics []string
	want := map[uint64]time.Time{}
	for seq := range uint64(12) {
		own := fmt.Sprint("link:", seq)
		topics = append(topics, own)
		due := storeNow.Add(time.Duration(seq/4-2) * time.Second) // four at a time
		s.wait(t, seq, engine.Wait{Due: due, Topics: []string{own, "link:all", "link:none"}})
		want[seq] = due
	}
	s.wait(t, 20, engine.Wait{Topics: []string{"link:all"}})
	s.wait(t, 21, engine.Wait{Topics: []string{"link:none"}})
	s.touch(t, append(topics[3:9], "link:all")...)
	woken := s.due(t, storeEver)
	if len(woken) != 13 {
		t.Fatalf("%d runs are due, want 13", len(woken))
	}
	for i, w := range woken {
		if i == 12 {
			if w.Run.Seq != 20 || w.Timer {
				t.Errorf("the last is %+v", w)
			}
			break
		}
		touched := 1
		if w.Run.Seq >= 3 && w.Run.Seq < 9 {
			touched = 2
		}
		if !w.Due.Equal(want[w.Run.Seq]) || !w.Timer || len(w.Touched) != touched {
			t.Errorf("run %d: %+v", w.Run.Seq, w)
		}
		delete(want, w.Run.Seq)
		if i > 0 && w.Due.Before(woken[i-1].Due) {
			t.Errorf("run %d comes late", w.Run.Seq)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func storeAwaited(t *testing.T, s *storeTrial) {
	if got, err := s.Awaited(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("awaited by nobody: %v, %v", got, err)
	}
	for i, module := range []string{"HelpDesk", "A", "A-b", "Contacts", "A0"} {
		record := engine.RecordTopic(engine.Ref{Module: module, ID: fmt.Sprint(i)})
		other := engine.RecordTopic(engine.Ref{Module: module, ID: "x/y"})
		s.wait(t, uint64(i), engine.Wait{Due: storeNow, Topics: []string{record, other, "link:x", "delivery:x"}})
	}
	got, err := s.Awaited(t.Context())
	slices.Sort(got)
	if diff := cmp.Diff([]string{"A", "A-b", "A0", "Contacts", "HelpDesk"}, got); diff != "" || err != nil {
		t.Errorf("awaited modules, %v (-want +got):\n%s", err, diff)
	}
}

// A wait that is not sure of its topics is due until it is armed, and stays so if one was touched before.
func storeUnsure(t *testing.T, s *storeTrial) {
	run := s.wait(t, 1, engine.Wait{Topics: []string{"record:HelpDesk/1", "record:HelpDesk/2"}, Unsure: true})
	unmarked := []engine.Touch{{Topic: "record:HelpDesk/1"}, {Topic: "record:HelpDesk/2"}}
	woken := s.due(t, storeEver)
	if len(woken) != 1 || woken[0].Timer {
		t.Fatalf("%+v are due", woken)
	}
	if diff := cmp.Diff(unmarked, woken[0].Touched); diff != "" {
		t.Errorf("touches (-want +got):\n%s", diff)
	}
	s.touch(t, "record:HelpDesk/2")
	if err := s.Rearm(t.Context(), s.fences[run.Partition], run.ID, unmarked); err != nil {
		t.Fatal(err)
	}
	woken = s.due(t, storeEver)
	if len(woken) != 1 {
		t.Fatalf("armed after a touch, %d are due", len(woken))
	}
	if diff := cmp.Diff([]engine.Touch{{Topic: "record:HelpDesk/2", Marks: 1}}, woken[0].Touched); diff != "" {
		t.Errorf("touches left (-want +got):\n%s", diff)
	}
}
