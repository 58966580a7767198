package channels

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/twilio/twiliotest"
)

const approved = "HX00112233445566778899aabbccddeeff"

// conversing is a WhatsApp to whom everybody wrote an hour ago.
type conversing struct{ *WhatsApp }

func (c conversing) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	m.Heard = c.line.outfit.Clock.Now().Add(-time.Hour)
	return c.WhatsApp.Send(ctx, m)
}

func whatsAppTrial(t *testing.T) enginetest.ChannelTrial {
	h := newTwilioHouse(t, "whatsapp")
	trial := h.trial(t, conversing{h.whatsApp(t)})
	trial.MaxText = maxFreeText
	trial.Arrived = func(*testing.T) []enginetest.Arrival {
		return h.arrivedBy("whatsapp:", func(m twiliotest.Message) string { return m.Body })
	}
	return trial
}

// opening is a WhatsApp that sends every text as the variable of a template.
type opening struct{ *WhatsApp }

func (o opening) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	m.Content.Approved = &engine.Approved{ID: approved, Variables: map[string]string{"1": m.Content.Text}}
	return o.WhatsApp.Send(ctx, m)
}

func whatsAppTemplateTrial(t *testing.T) enginetest.ChannelTrial {
	h := newTwilioHouse(t, "whatsapp")
	h.server.Approve(approved, 1)
	trial := h.trial(t, opening{h.whatsApp(t)})
	trial.MaxText = maxTemplateVar
	trial.Carries = func(c engine.Content) engine.Content {
		return engine.Content{Text: strings.Join(strings.Fields(c.Text), " ")}
	}
	trial.Arrived = func(*testing.T) []enginetest.Arrival {
		return h.arrivedBy("whatsapp:", func(m twiliotest.Message) string { return variables(t, m)["1"] })
	}
	return trial
}

// variables are those of a template that arrived.
func variables(t *testing.T, m twiliotest.Message) map[string]string {
	t.Helper()
	var read map[string]string
	if err := json.Unmarshal([]byte(m.Variables), &read); err != nil {
		t.Errorf("variables %q: %v", m.Variables, err)
	}
	return read
}

// greeting is a message with a text, a template, or both.
func greeting(text, template string) engine.Message {
	m := texted(mobile, text)
	if template != "" {
		m.Content.Approved = &engine.Approved{ID: template, Variables: map[string]string{"1": "Zoë", "2": "TT-5"}}
	}
	return m
}

func TestWhatsAppSendsFreeTextInAConversationOnly(t *testing.T) {
	t.Parallel()
	const no = "no conversation is open, and the template has no approved text to open one with"
	for name, test := range map[string]struct {
		text, template string
		heard          time.Duration // how long ago; 0 for never
		body, by       string        // what is sent: a text, or by which template
		err            string
	}{
		"in a conversation":             {"Hi", approved, time.Hour, "Hi", "", ""},
		"without a template":            {"Hi", "", time.Hour, "Hi", "", ""},
		"the template alone":            {"", approved, time.Hour, "", approved, ""},
		"nobody wrote":                  {"Hi", approved, 0, "", approved, ""},
		"long ago":                      {"Hi", approved, 25 * time.Hour, "", approved, ""},
		"nearly over":                   {"Hi", approved, 23*time.Hour + 55*time.Minute, "", approved, ""},
		"nobody wrote, and no template": {"Hi", "", 0, "", "", no},
		"too long":                      {strings.Repeat("a", 1601), approved, time.Hour, "", "", "the text is longer"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTwilioHouse(t, "whatsapp")
			h.server.Approve(approved, 2)
			m := greeting(test.text, test.template)
			if test.heard > 0 {
				m.Heard = h.clock.Now().Add(-test.heard)
			}
			_, err := h.whatsApp(t).Send(t.Context(), m)
			if test.err != "" {
				if !engine.IsPermanent(err) || !strings.HasPrefix(err.Error(), test.err) || len(h.server.Messages()) != 0 {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := h.server.Last()
			if got.Body != test.body || got.Template != test.by || got.To != "whatsapp:"+mobile ||
				got.From != "whatsapp:"+twiliotest.Number {
				t.Errorf("sent %+v", got)
			}
			if test.by != "" && variables(t, got)["2"] != "TT-5" {
				t.Errorf("variables %s", got.Variables)
			}
		})
	}
}

// WhatsApp knows best whether a conversation is open.
func TestWhatsAppFallsBackToItsTemplate(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "whatsapp")
	h.server.Strict = true
	h.server.Approve(approved, 2)
	w := h.whatsApp(t)
	m := greeting("Hi", approved)
	m.Heard = h.clock.Now().Add(-time.Hour)
	left := 0
	m.OnLeaving = func() { left++ }
	if _, err := w.Send(t.Context(), m); err != nil || left != 1 {
		t.Fatalf("sent: %v, left %d times", err, left)
	}
	if got := h.server.Last(); got.Template != approved || got.Body != "" || len(h.server.Messages()) != 1 {
		t.Errorf("sent %+v", got)
	}
	m = greeting("Hi", "")
	m.Heard = h.clock.Now().Add(-time.Hour)
	if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) {
		t.Errorf("without a template: %v", err)
	}
	if got := h.server.Inbound(h.outfit.Callbacks+"/messages", "SM1", "whatsapp:"+mobile, "Hola", ""); got != 200 {
		t.Fatalf("answered %d", got)
	}
	if heard := h.one(t); heard.Reply.From != mobile || heard.Reply.To != twiliotest.Number {
		t.Errorf("heard %+v", heard.Reply)
	}
	if _, err := w.Send(t.Context(), m); err != nil || h.server.Last().Body != "Hi" {
		t.Errorf("in the conversation: %v", err)
	}
}

func TestWhatsAppTellsOfReading(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "whatsapp")
	h.server.Approve(approved, 2)
	receipt, err := h.whatsApp(t).Send(t.Context(), greeting("", approved))
	if err != nil || receipt.Detail != "queued, by its template" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	h.server.Report(receipt.ID, "read", 0)
	if heard := h.one(t); heard.Report.State != engine.DeliveryRead || heard.Channel != "whatsapp" {
		t.Errorf("heard %+v", heard.Report)
	}
	h.server.Report(receipt.ID, "failed", 63016)
	if heard := h.one(t); heard.Report.State != engine.DeliveryUndelivered || heard.Report.Code != "63016" {
		t.Errorf("heard %+v", heard.Report)
	}
}

func TestWhatsAppChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "whatsapp")
	for want, change := range map[string]func(*WhatsApp){
		"from: ": func(w *WhatsApp) { w.From = "Acme" }, "countries: ": func(w *WhatsApp) { w.Countries = []string{"x"} },
		"region: ": func(w *WhatsApp) { w.Region = "x" }, "validity: ": func(w *WhatsApp) { w.Validity = time.Second },
		"account: ": func(w *WhatsApp) { w.Account = "" },
	} {
		w := WhatsAppKind().New().(*WhatsApp)
		w.Account, w.Token, w.From = twiliotest.Account, h.token, twiliotest.Number
		change(w)
		if err := w.Open(h.outfit); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	carrier := h.whatsApp(t).Carrier()
	if carrier.Kind != "whatsapp" || carrier.Type != engine.TypePhone || !carrier.Converses {
		t.Errorf("carrier %+v", carrier)
	}
	if got, err := carrier.Proper("+34 934 12 34 56"); got != "+34934123456" || err != nil {
		t.Errorf("a fixed line is %q, %v", got, err)
	}
}

// TestT45WhatsAppGoesNowhereDear: as with SMS.
func TestT45WhatsAppGoesNowhereDear(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "whatsapp")
	h.server.Approve(approved, 2)
	w := h.whatsApp(t)
	w.Countries = []string{"ES"}
	for _, number := range []string{"+34803123456", "+979123456789", "+212650123456", "whatsapp:" + mobile, "+34"} {
		m := greeting("Hi", approved)
		m.Recipient.Address = number
		if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) || strings.Contains(err.Error(), number) {
			t.Errorf("%s: %v", number, err)
		}
	}
	if n := len(h.server.Messages()); n != 0 {
		t.Errorf("%d messages left", n)
	}
}

// TestT46WhatsAppValuesSayNoMore: a variable is one line of plain text; a value cannot end it or reach another.
func TestT46WhatsAppValuesSayNoMore(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "whatsapp")
	h.server.Approve(approved, 2)
	w := h.whatsApp(t)
	m := greeting("", approved)
	m.Content.Approved.Variables["1"] = "Zoë\",\"2\":\"evil\r\n\t   {{2}} \u202eelif\x00"
	if _, err := w.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := variables(t, h.server.Last())
	if got["1"] != `Zoë","2":"evil {{2}} elif` || got["2"] != "TT-5" || len(got) != 2 {
		t.Errorf("variables %q", got)
	}
	m.Content.Approved.Variables["1"] = " \n\x00"
	if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) {
		t.Errorf("an empty variable: %v", err)
	}
	m.Content.Approved.Variables["1"] = strings.Repeat("x", 1100)
	if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) {
		t.Errorf("a long variable: %v", err)
	}
}
