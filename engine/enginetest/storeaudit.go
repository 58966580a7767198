package enginetest

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"postern/engine"
)

// stamp is a Signer that anybody could forge.
type stamp string

// Sign hashes the message with the stamp's text.
func (s stamp) Sign(message []byte) []byte {
	sum := sha256.Sum256(append([]byte(s), message...))
	return sum[:]
}

// Verify hashes again.
func (s stamp) Verify(message, signature []byte) bool { return bytes.Equal(s.Sign(message), signature) }

func (s *storeTrial) deeds(t *testing.T) (kinds []string) {
	t.Helper()
	err := s.Deeds(t.Context(), 0, func(d engine.Deed) error {
		kinds = append(kinds, d.Kind)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

func (s *storeTrial) verify(t *testing.T, signer engine.Signer) engine.AuditReport {
	t.Helper()
	report, err := engine.VerifyAudit(t.Context(), s, signer)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func storeAudit(t *testing.T, s *storeTrial) {
	for _, kind := range []string{"run.cancelled", "run.retried"} {
		deed := engine.Deed{At: storeNow, Kind: kind, Actor: "operator:anna", Subject: "run:7", Detail: "wrong address"}
		if err := s.Note(t.Context(), deed); err != nil {
			t.Fatal(err)
		}
		if err := s.SealAudit(t.Context(), stamp("s"), storeNow); err != nil {
			t.Fatal(err)
		}
	}
	kinds := s.deeds(t)
	if len(kinds) != 3 || kinds[0] != engine.DeedStarted || kinds[1] != "run.cancelled" || kinds[2] != "run.retried" {
		t.Errorf("the deeds are %v", kinds)
	}
	report := s.verify(t, stamp("s"))
	if report.Fault != "" || report.Deeds != 3 || report.Seals != 2 || report.Unsealed != 0 || report.Last.Seq != 3 {
		t.Errorf("the check found %+v", report)
	}
	if report := s.verify(t, stamp("another")); report.Fault == "" {
		t.Error("a seal of another key was taken")
	}
}

func storeAuditForgets(t *testing.T, s *storeTrial) {
	keep := engine.DefaultRetention()
	s.forget(t, keep, storeNow.Add(keep.Audit+time.Hour))
	if kinds := s.deeds(t); len(kinds) != 1 {
		t.Errorf("without a seal the deeds are %v", kinds)
	}
	if err := s.SealAudit(t.Context(), stamp("s"), storeNow); err != nil {
		t.Fatal(err)
	}
	s.forget(t, keep, storeNow.Add(keep.Audit-time.Hour))
	if kinds := s.deeds(t); len(kinds) != 1 {
		t.Errorf("too early the deeds are %v", kinds)
	}
	s.forget(t, keep, storeNow.Add(keep.Audit+time.Hour))
	if kinds := s.deeds(t); len(kinds) != 0 {
		t.Errorf("after all that time the deeds are %v", kinds)
	}
	if err := s.Note(t.Context(), engine.Deed{At: storeNow, Kind: "run.cancelled"}); err != nil {
		t.Fatal(err)
	}
	if report := s.verify(t, stamp("s")); report.Fault != "" || report.First.Seq != 2 || report.Unsealed != 1 {
		t.Errorf("the check found %+v", report)
	}
}

// forget removes what is too old until nothing is.
func (s *storeTrial) forget(t *testing.T, keep engine.Retention, now time.Time) (all engine.Forgotten) {
	t.Helper()
	for range 100 {
		gone, err := s.Forget(t.Context(), keep, now)
		if err != nil {
			t.Fatal(err)
		}
		all.Runs, all.Deliveries, all.Links = all.Runs+gone.Runs, all.Deliveries+gone.Deliveries, all.Links+gone.Links
		all.Others += gone.Others
		if !gone.More {
			return all
		}
	}
	t.Fatal("there is always more to remove")
	return all
}

// storeForgets removes what is over and old, and nothing else, and an event that comes again starts nothing.
func storeForgets(t *testing.T, s *storeTrial) {
	keep := engine.DefaultRetention()
	over, under := s.run(1), s.run(2)
	accepted, planned := s.delivery(over, storeNow), s.delivery(under, storeNow)
	for n, id := range []*engine.ID{&over.ID, &under.ID, &accepted.ID, &planned.ID} {
		*id, _ = engine.NewID(storeNow, bytes.NewReader(bytes.Repeat([]byte{byte(n)}, 10)))
	}
	s.intake(t, engine.Intake{Runs: []*engine.Run{over, under}})
	s.advance(t, done(over), engine.Advance{
		Deliveries: []*engine.Delivery{accepted}, Links: []engine.Link{s.link()},
	})
	s.advance(t, under, engine.Advance{Deliveries: []*engine.Delivery{planned}})
	accepted.State = engine.DeliveryAccepted
	s.settle(t, accepted)
	early := s.forget(t, keep, storeNow.Add(min(keep.History, keep.Links)-time.Hour))
	if early != (engine.Forgotten{}) {
		t.Errorf("too early it removed %+v", early)
	}
	late := storeNow.Add(keep.History + keep.Links + 100*24*time.Hour)
	if gone := s.forget(t, keep, late); gone.Runs != 1 || gone.Deliveries != 1 || gone.Links != 1 {
		t.Errorf("it removed %+v", gone)
	}
	if _, err := s.Run(t.Context(), under.ID); err != nil {
		t.Errorf("the run that is not over: %v", err)
	}
	again := s.run(1)
	again.Key = over.Key
	if fresh := s.intake(t, engine.Intake{Runs: []*engine.Run{again}}); fresh[0] {
		t.Error("the event came again and started the workflow once more")
	}
	s.forget(t, keep, storeNow.Add(keep.Keys+time.Hour))
	if fresh := s.intake(t, engine.Intake{Runs: []*engine.Run{again}}); !fresh[0] {
		t.Error("the key is kept for ever")
	}
}

// storeForgetsForRuns keeps what a run that is not over sent, however old: its conditions ask what became of it.
func storeForgetsForRuns(t *testing.T, s *storeTrial) {
	keep := engine.DefaultRetention()
	run := s.run(1)
	run.ID, _ = engine.NewID(storeNow, bytes.NewReader(make([]byte, 10)))
	s.intake(t, engine.Intake{Runs: []*engine.Run{run}})
	link, sent := s.link(), s.delivery(run, storeNow)
	link.Run, sent.ID = run.ID, engine.DerivedID(run.ID, "sent")
	sent.Links = []engine.NamedLink{{Name: "link", Link: link, ID: link.ID}}
	run.State = engine.RunWaiting
	s.advance(t, run, engine.Advance{
		Deliveries: []*engine.Delivery{sent}, Links: []engine.Link{link}, Wait: &engine.Wait{Due: storeEver},
	})
	sent.State = engine.DeliveryAccepted
	s.settle(t, sent)
	late := storeNow.Add(keep.History + keep.Links + 24*time.Hour)
	if gone := s.forget(t, keep, late); gone.Deliveries != 0 || gone.Links != 0 {
		t.Errorf("while the run waits it removed %+v", gone)
	}
	s.advance(t, done(run), engine.Advance{Rested: true})
	if gone := s.forget(t, keep, late); gone.Runs != 1 || gone.Deliveries != 1 || gone.Links != 1 {
		t.Errorf("after the run it removed %+v", gone)
	}
}

// storeAuditForgetsWhole removes many deeds in bites after each of which the rest is in order, even those that a clock
// which had jumped says are young.
func storeAuditForgetsWhole(t *testing.T, s *storeTrial) {
	keep := engine.DefaultRetention()
	late := storeNow.Add(keep.Audit + time.Hour)
	for seal := range 3 {
		for n := range 250 {
			deed := engine.Deed{At: storeNow, Kind: "run.cancelled"}
			if seal == 1 && n == 100 {
				deed.At = late
			}
			if err := s.Note(t.Context(), deed); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.SealAudit(t.Context(), stamp("s"), storeNow); err != nil {
			t.Fatal(err)
		}
	}
	for more, bites := true, 0; more; bites++ {
		gone, err := s.Forget(t.Context(), keep, late)
		if err != nil || bites > 10 {
			t.Fatalf("bite %d: %v", bites, err)
		}
		if report := s.verify(t, stamp("s")); report.Fault != "" && report.Deeds > 0 {
			t.Fatalf("after bite %d: %s", bites, report.Fault)
		}
		more = gone.More
	}
	if left := s.deeds(t); len(left) != 0 {
		t.Errorf("%d deeds are left", len(left))
	}
}

// storeForgetsLetters goes by the time of a dead letter: the id of one that was an event of ours tells none.
func storeForgetsLetters(t *testing.T, s *storeTrial) {
	keep := engine.DefaultRetention()
	s.intake(t, engine.Intake{Refused: []engine.DeadLetter{{
		ID: engine.DerivedID(engine.ID{}, "postern", "7"), Subject: "crm.HelpDesk.updated.1", Reason: "too large",
		At: storeNow,
	}}})
	if gone := s.forget(t, keep, storeNow.Add(time.Hour)); gone.Others != 0 {
		t.Errorf("after an hour it removed %+v", gone)
	}
	if gone := s.forget(t, keep, storeNow.Add(keep.History+time.Hour)); gone.Others != 1 {
		t.Errorf("after its time it removed %+v", gone)
	}
}
