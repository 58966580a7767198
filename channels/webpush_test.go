package channels

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/webpush"
	"postern/internal/webpush/webpushtest"
)

// webPushTo is a channel to a push service on this machine.
func webPushTo(t *testing.T, service *webpushtest.Service, e *ear) *WebPush {
	t.Helper()
	key, err := webpush.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := WebPushKind().New().(*WebPush)
	w.Subject, w.Key, w.CA = "mailto:ops@acme.example", secretFile(t, key.Private()), service.CAFile
	w.Services = []string{"127.0.0.1"}
	if err := w.Open(e.outfit("webpush")); err != nil {
		t.Fatal(err)
	}
	return w
}

func shown(t *testing.T, arrival webpushtest.Arrival) (n notification) {
	t.Helper()
	if err := json.Unmarshal(arrival.Payload, &n); err != nil {
		t.Error(err)
	}
	return n
}

func webPushTrial(t *testing.T) enginetest.ChannelTrial {
	service := webpushtest.Start(t)
	w := webPushTo(t, service, &ear{})
	browser, ended := service.Subscribe(w.sender.Key.Public()), service.Subscribe(w.sender.Key.Public())
	ended.End()
	return enginetest.ChannelTrial{
		Channel: w, Address: browser.Subscription(), Refused: ended.Subscription(),
		Carries: notified, MaxText: 1500,
		Stall: service.Stall, Cut: service.Cut,
		Arrived: func(t *testing.T) (arrived []enginetest.Arrival) {
			for _, a := range browser.Arrived() {
				n := shown(t, a)
				arrived = append(arrived, enginetest.Arrival{
					Delivery: n.Tag, Address: browser.Subscription(), Subject: n.Title, Text: n.Body,
				})
			}
			return arrived
		},
	}
}

func webMessage(browser *webpushtest.Browser, text string) engine.Message {
	return engine.Message{
		Delivery: engine.DerivedID(engine.ID{}, "1"), Recipient: engine.Recipient{Address: browser.Subscription()},
		Content: engine.Content{
			Language: "es", Subject: "Su incidencia", Text: text, Link: "https://go.acme.example/l/abc",
		},
	}
}

func TestWebPushShowsTheLink(t *testing.T) {
	service := webpushtest.Start(t)
	w := webPushTo(t, service, &ear{})
	browser := service.Subscribe(w.sender.Key.Public())
	m := webMessage(browser, "Hemos contestado")
	receipt, err := w.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Provider != "127.0.0.1" || receipt.ID != "0-1" {
		t.Errorf("receipt %+v", receipt)
	}
	arrived := browser.Arrived()[0]
	want := notification{
		Title: "Su incidencia", Body: "Hemos contestado", URL: m.Content.Link, Tag: m.Delivery.String(), Lang: "es",
	}
	if diff := cmp.Diff(want, shown(t, arrived)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(arrived.Topic) != 32 || arrived.Urgency != "normal" || arrived.TTL != 24*time.Hour {
		t.Errorf("arrived with %+v", arrived)
	}
}

func TestWebPushCutsWhatDoesNotFit(t *testing.T) {
	service := webpushtest.Start(t)
	w := webPushTo(t, service, &ear{})
	browser := service.Subscribe(w.sender.Key.Public())
	for _, letter := range []string{"x", "é", `"`, "\x01"} {
		text := strings.Repeat(letter, 10000)
		if _, err := w.Send(t.Context(), webMessage(browser, text)); err != nil {
			t.Fatalf("%.3q: %v", text, err)
		}
		arrived := browser.Arrived()
		last := arrived[len(arrived)-1]
		body := shown(t, last).Body
		if len(last.Payload) < webpush.MaxPayload-8 || len(last.Payload) > webpush.MaxPayload ||
			!strings.HasSuffix(body, "…") || !strings.HasPrefix(text, body[:9]) {
			t.Errorf("%.3q: %d bytes arrived, ending with %q", text, len(last.Payload), body[len(body)-8:])
		}
	}
	m := webMessage(browser, "short")
	m.Content.Link = "https://go.acme.example/" + strings.Repeat("x", 5000)
	if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) {
		t.Errorf("a link that does not fit: %v", err)
	}
}

func TestWebPushForgetsWhatTheBrowserEnded(t *testing.T) {
	service, e := webpushtest.Start(t), &ear{}
	w := webPushTo(t, service, e)
	browser := service.Subscribe(w.sender.Key.Public())
	m := webMessage(browser, "x")
	m.Recipient.Address, _ = w.Carrier().Proper(browser.Subscription())
	service.Answer(webpushtest.Answer{Status: 429})
	if _, err := w.Send(t.Context(), m); err == nil || len(e.heard) != 0 {
		t.Fatalf("%v, heard %+v", err, e.heard)
	}
	browser.End()
	if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) {
		t.Fatalf("got %v", err)
	}
	if len(e.heard) != 1 || len(e.heard[0].Suppress) != 1 {
		t.Fatalf("heard %+v", e.heard)
	}
	got := e.heard[0].Suppress[0]
	if got.Address != m.Recipient.Address || !got.Until.IsZero() || !strings.HasPrefix(got.Masked, "127.0.0.1:") ||
		strings.Contains(got.Masked, "push") {
		t.Errorf("suppressed %+v", got)
	}
}

// Endpoints come from browsers, so anybody may name one.
func TestWebPushCallsNobodyElse(t *testing.T) {
	service := webpushtest.Start(t)
	w := webPushTo(t, service, &ear{})
	browser := service.Subscribe(w.sender.Key.Public())
	m := webMessage(browser, "x")
	for name, services := range map[string][]string{
		"a host that services does not name": {"push.acme.example"},
		"the makers of browsers alone":       pushServices,
		"all below another":                  {"*.push.acme.example"},
	} {
		w.Services = services
		if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A name below a pattern may lead anywhere, but nobody is called inside the house.
	if err := w.Open((&ear{}).outfit("webpush")); err != nil {
		t.Fatal(err)
	}
	w.Services = []string{"127.0.0.1"}
	if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) || !strings.Contains(err.Error(), "services names it") {
		t.Errorf("inside the house: %v", err)
	}
	m.Recipient.Address = strings.Replace(browser.Subscription(), "https", "http", 1)
	if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) {
		t.Errorf("http: %v", err)
	}
	if n := len(browser.Arrived()); n != 0 {
		t.Errorf("%d messages arrived", n)
	}
}

func TestWebPushChecksItsConfiguration(t *testing.T) {
	key, _ := webpush.NewKey(rand.Reader)
	for want, change := range map[string]func(*WebPush){
		"services: \"*.0.0.1\"":             func(w *WebPush) { w.Services = []string{"*.0.0.1"} },
		"subject: ":                         func(w *WebPush) { w.Subject = "ops@acme.example" },
		"subject: \"mailto:ops\"":           func(w *WebPush) { w.Subject = "mailto:ops" },
		"key: environment variable NO_SUCH": func(w *WebPush) { w.Key = engine.Secret{Env: "NO_SUCH"} },
		"key: is no key":                    func(w *WebPush) { w.Key = secretFile(t, "abc") },
		"field: ":                           func(w *WebPush) { w.Field = "" },
		"services: names":                   func(w *WebPush) { w.Services = nil },
		"services: \"https://a.example\"":   func(w *WebPush) { w.Services = []string{"https://a.example"} },
		"ca: ":                              func(w *WebPush) { w.CA = "/no/such.pem" },
		"urgency: ":                         func(w *WebPush) { w.Urgency = "urgent" },
		"ttl: ":                             func(w *WebPush) { w.TTL = -time.Second },
		"timeout: ":                         func(w *WebPush) { w.Timeout = 0 },
	} {
		w := WebPushKind().New().(*WebPush)
		w.Subject, w.Key = "https://acme.example/contact", secretFile(t, key.Private())
		if err := w.Open(outfit()); err != nil {
			t.Fatal(err)
		}
		change(w)
		if err := w.Open(outfit()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestWebPushExamines(t *testing.T) {
	service := webpushtest.Start(t)
	w := webPushTo(t, service, &ear{})
	w.Services = []string{strings.TrimPrefix(service.URL, "https://"), "*.push.apple.com"}
	found := w.Examine(t.Context(), engine.ExamineTools{})
	if len(found) != 2 || !found[0].Good || !strings.Contains(found[0].Text, w.sender.Key.Public()) || !found[1].Good {
		t.Errorf("found %+v", found)
	}
	service.Transport.CloseIdleConnections()
	w.Services = []string{"127.0.0.1:1"}
	if found := w.Examine(t.Context(), engine.ExamineTools{}); found[1].Good || found[1].Hint == "" {
		t.Errorf("found %+v", found)
	}
}
