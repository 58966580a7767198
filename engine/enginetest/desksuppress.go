package enginetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

func deskSuppressions(t *testing.T, s *deskTrial) {
	opted := suppression(engine.SuppressedOptOut, "", time.Time{})
	listed := suppression(engine.SuppressedComplaint, "news", time.Time{})
	bounced := suppression(engine.SuppressedBounce, "", storeNow.Add(time.Hour))
	bounced.ID, bounced.Channel, bounced.Masked, bounced.Detail = engine.AddressID{9}, "sms", "…22", "30003"
	listed.At, bounced.At = storeNow.Add(time.Minute), storeNow.Add(2*time.Minute)
	h := suppressing("1", opted, listed, bounced)
	s.hear(t, h, engine.HearOutcome{})
	opted.By, listed.By, bounced.By = engine.ByProvider, engine.ByProvider, engine.ByProvider
	for name, c := range map[string]struct {
		sel  engine.SuppressionSelection
		want []engine.Suppressed
	}{
		"all":       {engine.SuppressionSelection{}, []engine.Suppressed{bounced, listed, opted}},
		"channel":   {engine.SuppressionSelection{Channel: "sms"}, []engine.Suppressed{bounced}},
		"address":   {engine.SuppressionSelection{ID: storeZoe}, []engine.Suppressed{listed, opted}},
		"list":      {engine.SuppressionSelection{List: "news"}, []engine.Suppressed{listed}},
		"reason":    {engine.SuppressionSelection{Reason: engine.SuppressedOptOut}, []engine.Suppressed{opted}},
		"since":     {engine.SuppressionSelection{Since: listed.At}, []engine.Suppressed{bounced, listed}},
		"some":      {engine.SuppressionSelection{Limit: 1}, []engine.Suppressed{bounced}},
		"of nobody": {engine.SuppressionSelection{Channel: "push"}, nil},
	} {
		got, err := s.SuppressionLines(t.Context(), c.sel)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	ending := bounced.ID.String()
	found, err := s.Ending(t.Context(), engine.ThingAddress, ending[len(ending)-8:])
	if err != nil || len(found) != 1 || found[0] != engine.ID(bounced.ID) {
		t.Errorf("by the end of its id found %v, %v", found, err)
	}
}

// What an operator wants takes the place of what is there, and only an operator takes it back.
func deskSuppress(t *testing.T, s *deskTrial) {
	s.hear(t, suppressing("1", suppression(engine.SuppressedBounce, "", time.Time{})), engine.HearOutcome{})
	wanted := suppression(engine.SuppressedOperator, "", storeNow.Add(time.Hour))
	wanted.By = "ann"
	if err := s.Suppress(t.Context(), wanted, order("asked")); err != nil {
		t.Fatal(err)
	}
	s.expectSuppressed(t, "", storeNow, engine.SuppressedOperator)
	s.expectSuppressed(t, "", storeNow.Add(time.Hour), "")
	removed, err := s.Unsuppress(t.Context(), engine.SuppressionSelection{Channel: "email", ID: storeZoe}, order(""))
	if diff := cmp.Diff([]engine.Suppressed{wanted}, removed); diff != "" || err != nil {
		t.Errorf("removed, %v (-want +got):\n%s", err, diff)
	}
	s.expectSuppressed(t, "", storeNow, "")
	again, err := s.Unsuppress(t.Context(), engine.SuppressionSelection{ID: storeZoe}, order(""))
	if !errors.Is(err, engine.ErrNoThing) {
		t.Errorf("removed again: %v, %v", again, err)
	}
	var deeds []string
	err = s.Deeds(t.Context(), 0, func(d engine.Deed) error {
		if strings.HasPrefix(d.Kind, "address.") {
			deeds = append(deeds, d.Kind+" by "+d.Actor+": "+d.Detail)
		}
		return nil
	})
	want := []string{
		"address.suppressed by provider: email, bounce", "address.suppressed by operator:ann: email, operator",
		"address.unsuppressed by operator:ann: email, operator",
	}
	if diff := cmp.Diff(want, deeds); diff != "" || err != nil {
		t.Errorf("deeds, %v (-want +got):\n%s", err, diff)
	}
}

// What an operator wants for a while does not end what the recipient wants for good.
func deskSuppressOutlasted(t *testing.T, s *deskTrial) {
	s.hear(t, suppressing("1", suppression(engine.SuppressedOptOut, "", time.Time{})), engine.HearOutcome{})
	wanted := suppression(engine.SuppressedOperator, "", storeNow.Add(time.Hour))
	if err := s.Suppress(t.Context(), wanted, order("asked")); !engine.IsPermanent(err) {
		t.Errorf("an hour in the place of for good came to %v", err)
	}
	s.expectSuppressed(t, "", storeNow.Add(time.Hour), engine.SuppressedOptOut)
	wanted.Until = time.Time{}
	if err := s.Suppress(t.Context(), wanted, order("asked")); err != nil {
		t.Error(err)
	}
	s.expectSuppressed(t, "", storeNow.Add(time.Hour), engine.SuppressedOperator)
}

// A suppression that is over is removed, in memory too.
func deskForgetsSuppressions(t *testing.T, s *deskTrial) {
	hour := storeNow.Add(time.Hour)
	s.hear(t, suppressing("1", suppression(engine.SuppressedBounce, "", hour)), engine.HearOutcome{})
	s.forget(t, engine.DefaultRetention(), hour.Add(-time.Minute))
	s.expectSuppressed(t, "", storeNow, engine.SuppressedBounce)
	s.forget(t, engine.DefaultRetention(), hour.Add(time.Minute))
	lines, err := s.SuppressionLines(t.Context(), engine.SuppressionSelection{})
	if err != nil || len(lines) > 0 || s.Suppressing("email") {
		t.Errorf("%d are left, %v, in memory %v", len(lines), err, s.Suppressing("email"))
	}
}
