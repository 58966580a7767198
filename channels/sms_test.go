package channels

import (
	"strings"
	"testing"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/twilio/twiliotest"
)

func smsTrial(t *testing.T) enginetest.ChannelTrial {
	h := newTwilioHouse(t, "sms")
	trial := h.trial(t, h.sms(t, func(s *SMS) { s.MaxSegments = 10 }))
	trial.MaxText = 600 // there is one character that GSM-7 does not know
	trial.Arrived = func(*testing.T) []enginetest.Arrival {
		return h.arrivedBy("", func(m twiliotest.Message) string { return m.Body })
	}
	return trial
}

func TestSMSCountsItsSegments(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	s := h.sms(t, func(s *SMS) { s.MaxSegments = 2 })
	receipt, err := s.Send(t.Context(), texted(mobile, strings.Repeat("a", 161)))
	if err != nil || receipt.Detail != "queued, 2 segments" || receipt.Provider != "twilio" {
		t.Errorf("receipt %+v, %v", receipt, err)
	}
	for text, want := range map[string]string{
		strings.Repeat("a", 307): "the text takes 3 segments, and max_segments is 2",
		strings.Repeat("á", 135): "the text takes 3 segments, and max_segments is 2; 'á' makes a segment hold 67 " +
			"characters in place of 153",
		"\n\x00": "the message has no text",
	} {
		_, err := s.Send(t.Context(), texted(mobile, text))
		if !engine.IsPermanent(err) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if n := len(h.server.Messages()); n != 1 {
		t.Errorf("%d messages left", n)
	}
}

func TestSMSUsesItsServiceAndItsKey(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	s := h.sms(t, func(s *SMS) {
		s.User, s.Token, s.AuthToken = twiliotest.Key, secretFile(t, twiliotest.Secret), h.token
		s.From, s.Service = "", twiliotest.Service
	})
	receipt, err := s.Send(t.Context(), texted(mobile, "Hello"))
	if err != nil {
		t.Fatal(err)
	}
	if got := h.server.Last(); got.Service != twiliotest.Service || got.From != "" || got.Validity != 4*3600 {
		t.Errorf("sent %+v", got)
	}
	if got := h.server.Report(receipt.ID, "delivered", 0); got != 204 {
		t.Errorf("the auth token's signature was answered %d", got)
	}
}

func TestSMSReachesByTelephone(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	carrier := h.sms(t, func(s *SMS) { s.Countries = []string{"NL", "ES"} }).Carrier()
	if carrier.Kind != "sms" || carrier.Type != engine.TypePhone || carrier.Buttons || carrier.Converses {
		t.Errorf("carrier %+v", carrier)
	}
	if got, err := carrier.Proper("06 1234 5678"); got != "+31612345678" || err != nil {
		t.Errorf("a Dutch number is %q, %v", got, err)
	}
}

// TestT45SMSGoesNowhereDear: a record may hold any number; one that costs much, or is of a country that nobody
// allowed, gets nothing, whoever asks.
func TestT45SMSGoesNowhereDear(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	s := h.sms(t, func(s *SMS) { s.Countries = []string{"ES", "NL", "GB"} })
	for name, number := range map[string]string{
		"premium rate, Spanish": "+34803123456", "premium rate, Dutch": "+319001234",
		"premium rate, British":     "+449098790123",
		"premium rate of the world": "+979123456789", "personal, British": "+447012345678", "satellite": "+881612345678",
		"another country": "+212650123456", "no number": "+34", "a short code": "25252", "a fixed line": "+34934123456",
		"a second number behind": "+34600123456,+34803123456", "WhatsApp": "whatsapp:+34600123456",
	} {
		if _, err := s.Carrier().Proper(number); err == nil || strings.Contains(err.Error(), number) {
			t.Errorf("%s is proper, or shown: %v", name, err)
		}
		if _, err := s.Send(t.Context(), texted(number, "Hello")); !engine.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(h.server.Messages()); n != 0 {
		t.Errorf("%d messages left", n)
	}
}

// TestT46SMSValuesSayNoMore: what a record holds cannot turn the text around, nor hide in it.
func TestT46SMSValuesSayNoMore(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	s := h.sms(t, func(*SMS) {})
	m := texted(mobile, "Hello \u202egro.live\u202c, {{ .Code }} \x1b[31m\x00\u2066x\u2069\r\nBody=y&To=%2B34803123456")
	m.Recipient.Name = "x\r\nTo: +34803123456"
	if _, err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := h.server.Last()
	if want := "Hello gro.live, {{ .Code }} [31mx\nBody=y&To=%2B34803123456"; got.Body != want || got.To != mobile {
		t.Errorf("arrived at %s: %q", got.To, got.Body)
	}
}
