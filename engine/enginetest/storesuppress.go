package enginetest

import (
	"testing"
	"time"

	"postern/engine"
)

// suppressing is something heard after which addresses get nothing more.
func suppressing(key string, all ...engine.Suppressed) engine.Hearing {
	return engine.Hearing{Channel: "email", Key: key, At: storeNow, Now: storeNow, Suppress: all}
}

func suppression(reason engine.SuppressionReason, list string, until time.Time) engine.Suppressed {
	return engine.Suppressed{ID: storeZoe, Suppression: engine.Suppression{
		Channel: "email", Masked: "z…@acme.example", List: list, Reason: reason, At: storeNow, Until: until,
	}}
}

// expectSuppressed holds the reason for which an address gets nothing of a list against what it should be; "" for none.
func (s *storeTrial) expectSuppressed(t *testing.T, list string, now time.Time, want engine.SuppressionReason) {
	t.Helper()
	got, holds := s.Suppressed("email", storeZoe, list, now)
	if got != want || holds != (want != "") {
		t.Errorf("of list %q at %v: %q, %v, want %q", list, now, got, holds, want)
	}
}

func storeSuppressed(t *testing.T, s *storeTrial) {
	if s.Suppressing("email") {
		t.Error("of nobody it says that somebody gets nothing more")
	}
	hour := storeNow.Add(time.Hour)
	s.hear(t, suppressing("1", suppression(engine.SuppressedOptOut, "news", time.Time{})), engine.HearOutcome{})
	s.expectSuppressed(t, "news", hour, engine.SuppressedOptOut)
	s.expectSuppressed(t, "other", hour, "")
	s.expectSuppressed(t, "", hour, "")
	s.hear(t, suppressing("2", suppression(engine.SuppressedBounce, "", hour)), engine.HearOutcome{})
	s.expectSuppressed(t, "other", storeNow, engine.SuppressedBounce)
	s.expectSuppressed(t, "other", hour, "")
	if _, holds := s.Suppressed("sms", storeZoe, "", storeNow); holds || s.Suppressing("sms") {
		t.Error("an address of another channel is suppressed")
	}
	if _, holds := s.Suppressed("email", engine.AddressID{1}, "news", storeNow); holds || !s.Suppressing("email") {
		t.Error("another address is suppressed, or none")
	}

	s.hear(t, suppressing("3", suppression(engine.SuppressedComplaint, "", time.Time{})), engine.HearOutcome{})
	s.hear(t, suppressing("4", suppression(engine.SuppressedBounce, "", hour)), engine.HearOutcome{})
	s.expectSuppressed(t, "other", hour.Add(time.Hour), engine.SuppressedComplaint) // a shorter one changes nothing
	deeds := 0
	err := s.Deeds(t.Context(), 0, func(d engine.Deed) error {
		if d.Kind == engine.DeedAddressSuppressed && d.Actor == engine.ByProvider {
			deeds++
		}
		return nil
	})
	if err != nil || deeds != 3 {
		t.Errorf("%d deeds, %v, want 3", deeds, err)
	}
}

func storeLift(t *testing.T, s *storeTrial) {
	lift := func(key string) engine.Hearing {
		h := suppressing(key)
		h.Lift = []engine.Suppressed{suppression("", "", time.Time{})}
		return h
	}
	s.hear(t, suppressing("1", suppression(engine.SuppressedOptOut, "", time.Time{})), engine.HearOutcome{})
	s.hear(t, lift("2"), engine.HearOutcome{})
	s.expectSuppressed(t, "", storeNow, "")
	if s.Suppressing("email") {
		t.Error("nobody is suppressed any more, and it says that somebody is")
	}
	s.hear(t, suppressing("3", suppression(engine.SuppressedOperator, "", time.Time{})), engine.HearOutcome{})
	s.hear(t, lift("4"), engine.HearOutcome{})
	s.expectSuppressed(t, "", storeNow, engine.SuppressedOperator)
}
