package channels

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/onesignal/onesignaltest"
)

const streamSecret = "a-long-secret-of-the-event-stream-0001"

// ear keeps what a channel hears.
type ear struct {
	mu    sync.Mutex
	heard []engine.Heard
	fails error
}

func (e *ear) hear(_ context.Context, h engine.Heard) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fails != nil {
		return e.fails
	}
	e.heard = append(e.heard, h)
	return nil
}

func (e *ear) outfit(channel string) engine.Outfit {
	return engine.Outfit{
		Clock: engine.SystemClock{}, Logger: slog.New(slog.DiscardHandler), Channel: channel, Hear: e.hear,
		Callbacks: "https://go.acme.example/callbacks/" + channel,
	}
}

func secretFile(t *testing.T, text string) engine.Secret {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return engine.Secret{File: path}
}

// pushTo is a channel to a stand-in for OneSignal.
func pushTo(t *testing.T, server *onesignaltest.Server, e *ear) *Push {
	t.Helper()
	p := PushKind().New().(*Push)
	p.App, p.URL = onesignaltest.App, server.URL
	p.Key, p.Events = secretFile(t, onesignaltest.Key), secretFile(t, streamSecret)
	if err := p.Open(e.outfit("push")); err != nil {
		t.Fatal(err)
	}
	return p
}

// notified is what notifications carry of a message.
func notified(content engine.Content) engine.Content {
	content.HTML, content.Text = "", strings.TrimRight(content.Text, " \n")
	return content
}

func pushTrial(t *testing.T) enginetest.ChannelTrial {
	server := onesignaltest.Start(t)
	server.User("12x7", true)
	return enginetest.ChannelTrial{
		Channel: pushTo(t, server, &ear{}), Address: "12x7", Refused: "12x404",
		Carries: notified, MaxText: 1300,
		Stall: server.Stall, Cut: func() { server.Cut(true) },
		Arrived: func(*testing.T) (arrived []enginetest.Arrival) {
			for _, n := range server.Taken() {
				arrived = append(arrived, enginetest.Arrival{
					Delivery: n.IdempotencyKey, Address: n.IncludeAliases["external_id"][0],
					Subject: n.Headings["en"], Text: n.Contents["en"],
				})
			}
			return arrived
		},
	}
}

func TestPushSendsTheLink(t *testing.T) {
	server := onesignaltest.Start(t)
	server.User("12x7", true)
	p := pushTo(t, server, &ear{})
	m := engine.Message{
		Delivery: engine.DerivedID(engine.ID{}, "1"), Recipient: engine.Recipient{Address: "12x7"},
		Content: engine.Content{
			Language: "nl", Subject: "Uw ticket", Link: "https://go.acme.example/l/abc", Text: strings.Repeat("é", 3000),
		},
	}
	receipt, err := p.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	got := server.Taken()[0]
	if receipt.ID != got.ID || receipt.Provider != "OneSignal" || got.URL != m.Content.Link || got.TTL != 3*24*3600 {
		t.Errorf("receipt %+v of %+v", receipt, got)
	}
	text := got.Contents["nl"]
	if len(text) > maxPushText || len(text) < maxPushText-2 || !strings.HasSuffix(text, "é…") ||
		text != got.Contents["en"] {
		t.Errorf("the text has %d bytes and ends with %q", len(text), text[len(text)-10:])
	}
	m.Content.Text = " \n"
	if _, err := p.Send(t.Context(), m); !engine.IsPermanent(err) {
		t.Errorf("a message without a text: %v", err)
	}
}

func TestPushLetsBeWhoIsNotSubscribed(t *testing.T) {
	server, e := onesignaltest.Start(t), &ear{}
	p := pushTo(t, server, e)
	m := engine.Message{Recipient: engine.Recipient{Address: "12x9"}, Content: engine.Content{Text: "Hello"}}
	if _, err := p.Send(t.Context(), m); !engine.IsPermanent(err) || !strings.Contains(err.Error(), "not subscribed") {
		t.Fatalf("got %v", err)
	}
	if len(e.heard) != 1 || len(e.heard[0].Suppress) != 1 {
		t.Fatalf("heard %+v", e.heard)
	}
	got := e.heard[0].Suppress[0]
	if got.Address != "12x9" || got.Channel != "push" || got.Until.Sub(got.At) != 24*time.Hour || got.List != "" {
		t.Errorf("suppressed %+v", got)
	}
}

func TestPushChecksItsConfiguration(t *testing.T) {
	for want, change := range map[string]func(*Push){
		"app: ":                        func(p *Push) { p.App = "my app" },
		"key: names neither":           func(p *Push) { p.Key = engine.Secret{} },
		"key: environment variable":    func(p *Push) { p.Key = engine.Secret{Env: "POSTERN_NO_SUCH"} },
		"events: has 5 characters":     func(p *Push) { p.Events = secretFile(t, "short") },
		"ttl: ":                        func(p *Push) { p.TTL = 29 * 24 * time.Hour },
		"timeout: ":                    func(p *Push) { p.Timeout = 0 },
		"url: is no https address":     func(p *Push) { p.URL = "http://api.onesignal.com" },
		"url: is no https address, or": func(p *Push) { p.URL = "https://api.onesignal.com/" },
	} {
		p := PushKind().New().(*Push)
		p.App, p.Key = onesignaltest.App, secretFile(t, onesignaltest.Key)
		change(p)
		if err := p.Open(outfit()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestPushReachesByIDOrAlias(t *testing.T) {
	p := PushKind().New().(*Push)
	if got := p.Carrier(); !got.ID || got.Field != "" || got.Kind != "push" {
		t.Errorf("by default it reaches by %+v", got.Reach)
	}
	p.Alias = "cf_externalid"
	carrier := p.Carrier()
	if carrier.ID || carrier.Field != "cf_externalid" {
		t.Errorf("with an alias it reaches by %+v", carrier.Reach)
	}
	if got, err := carrier.Proper(" zoe-7 "); got != "zoe-7" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, wrong := range []string{"a\nb", strings.Repeat("x", 129)} {
		if _, err := carrier.Proper(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

func TestPushHearsItsEventStream(t *testing.T) {
	server, e := onesignaltest.Start(t), &ear{}
	server.User("12x7", true)
	p := pushTo(t, server, e)
	delivery := engine.DerivedID(engine.ID{}, "1")
	m := engine.Message{
		Delivery: delivery, Recipient: engine.Recipient{Address: "12x7"}, Content: engine.Content{Text: "Hello"},
	}
	if _, err := p.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	sent := server.Taken()[0]
	door := httptest.NewServer(p.Callbacks())
	defer door.Close()
	at := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	clicked := server.Event(sent, "message.push.clicked", at)
	tell := func(secret string, event []byte) int {
		return onesignaltest.Tell(t, door.URL, secret, event)
	}
	for _, kind := range []string{"sent", "received", "failed", "unsubscribed"} {
		if status := tell("Bearer "+streamSecret, server.Event(sent, "message.push."+kind, at)); status != 204 {
			t.Errorf("%s was answered %d", kind, status)
		}
	}
	for range 2 { // the same again has the same key, by which it is taken in once
		if status := tell("Bearer "+streamSecret, clicked); status != 204 {
			t.Errorf("a press was answered %d", status)
		}
	}
	var told []engine.Report
	for _, h := range e.heard {
		if !h.At.Equal(at) || h.Channel != "push" || h.Report.ProviderID != sent.ID || h.Report.Delivery != delivery {
			t.Errorf("heard %+v of %+v", h, h.Report)
		}
		told = append(told, engine.Report{State: h.Report.State, Code: h.Report.Code})
	}
	want := []engine.Report{
		{State: engine.DeliverySent},
		{State: engine.DeliveryDelivered},
		{State: engine.DeliveryUndelivered, Code: "failed"},
		{State: engine.DeliveryUndelivered, Code: "unsubscribed"},
		{State: engine.DeliveryRead},
		{State: engine.DeliveryRead},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if last := e.heard[4:]; last[0].Key != last[1].Key || last[0].Key == e.heard[0].Key {
		t.Errorf("keys %q, %q, %q", e.heard[0].Key, last[0].Key, last[1].Key)
	}
	e.fails = errors.New("the store is busy")
	if status := tell("Bearer "+streamSecret, clicked); status != 503 {
		t.Errorf("an event that could not be kept was answered %d", status)
	}
	e.fails = engine.Permanent(errors.New("it is no report"))
	if status := tell("Bearer "+streamSecret, clicked); status != 400 {
		t.Errorf("an event that is never kept was answered %d", status)
	}
}

func TestPushHearsNothingForged(t *testing.T) {
	server, e := onesignaltest.Start(t), &ear{}
	p := pushTo(t, server, e)
	door := httptest.NewServer(p.Callbacks())
	defer door.Close()
	event := func(app, kind, message string) []byte {
		return onesignaltest.Event("e1", app, kind, message, "", time.Unix(0, 0))
	}
	good := event(onesignaltest.App, "message.push.clicked", "m1")
	for _, c := range []struct {
		secret string
		body   []byte
		want   int
	}{
		{"", good, 401},
		{"Bearer ", good, 401},
		{streamSecret, good, 401},
		{"Bearer " + streamSecret + "x", good, 401},
		{"Bearer " + streamSecret, event("11111111-2222-3333-4444-555555555555", "message.push.clicked", "m1"), 403},
		{"Bearer " + streamSecret, []byte("{}"), 400},
		{"Bearer " + streamSecret, slices.Repeat([]byte(" "), 70000), 400},
		{"Bearer " + streamSecret, event(onesignaltest.App, "message.email.opened", "m1"), 204},
		{"Bearer " + streamSecret, event(onesignaltest.App, "message.push.clicked", ""), 204},
	} {
		if got := onesignaltest.Tell(t, door.URL, c.secret, c.body); got != c.want {
			t.Errorf("%q with %.60q was answered %d, want %d", c.secret, c.body, got, c.want)
		}
	}
	if len(e.heard) != 0 {
		t.Errorf("heard %+v", e.heard)
	}
	p.events = ""
	if got := onesignaltest.Tell(t, door.URL, "Bearer ", good); got != 404 {
		t.Errorf("a channel without events answered %d", got)
	}
}

func TestPushExamines(t *testing.T) {
	server := onesignaltest.Start(t)
	p := pushTo(t, server, &ear{})
	for _, finding := range p.Examine(t.Context(), engine.ExamineTools{}) {
		if !finding.Good || finding.Hint != "" {
			t.Errorf("found %+v", finding)
		}
	}
	p.client.Key, p.events = "another", ""
	found := p.Examine(t.Context(), engine.ExamineTools{})
	if found[0].Good || found[0].Hint == "" || !found[1].Good || !strings.Contains(found[1].Text, "no event stream") {
		t.Errorf("found %+v", found)
	}
	if taken := server.Taken(); len(taken) != 0 {
		t.Error("an examination sent something")
	}
}
