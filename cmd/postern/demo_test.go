package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/channels"
	"postern/engine"
)

// The inbox shows what came by each channel in its own way, and its buttons are only those of the message.
func TestInboxShowsEveryChannel(t *testing.T) {
	d := demonstrationFor(t)
	for i, name := range demoChannels() {
		content := engine.Content{Language: "en", Text: "Text of " + name}
		switch name {
		case "email":
			content.Subject, content.HTML = "About mail", "<p>mail</p>"
		case "push", "webpush":
			content.Subject, content.Link = "About "+name, "http://localhost:8480/l/a"
		case "mattermost":
			content.Buttons = []engine.Button{{Action: "take", Label: "I take it on"}}
		}
		_, err := d.room.captures[i].Send(t.Context(), engine.Message{
			Delivery: engine.DerivedID(engine.ID{}, name), Channel: name, Content: content,
			Recipient: engine.Recipient{Name: "Zoë <b>", Address: "zoe@acme.example"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	page := d.fetch(t, http.MethodGet, "/inbox", nil)
	for _, want := range []string{
		"Text of email", "Text of sms", "Text of whatsapp", "Text of push", "Text of webpush", "Text of mattermost",
		"Text of webhook", "About mail", "11 characters, 1 SMS", ">I take it on</button>", "Press the notification",
		"Zoë &lt;b&gt; &lt;zoe@acme.example&gt;", "Save as .eml",
	} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if n := strings.Count(page.Body.String(), "Save as .eml"); n != 1 {
		t.Errorf("%d messages can be saved as mails, want 1", n)
	}
	press := "/inbox/" + engine.DerivedID(engine.ID{}, "mattermost").String() + "/press"
	if got := d.fetch(t, http.MethodPost, press, url.Values{"action": {"resolve"}}); got.Code != http.StatusBadRequest {
		t.Errorf("a button that is not there was pressed: %d", got.Code)
	}
	if got := d.fetch(t, http.MethodGet, "/inbox/nothing/eml", nil); got.Code != http.StatusNotFound {
		t.Errorf("a message that is not there is answered with %d", got.Code)
	}
}

func demonstrationFor(t *testing.T) *demonstration {
	t.Helper()
	made := map[string]engine.Channel{}
	for _, name := range demoChannels() {
		capture := &channels.Capture{From: "demo@postern.invalid"}
		if err := capture.Open(engine.Outfit{Clock: demoClock{}}); err != nil {
			t.Fatal(err)
		}
		made[name] = capture
	}
	return &demonstration{house: &house{}, room: newMailroom(made)}
}

// fetch asks the inbox, without the rest of the house.
func (d *demonstration) fetch(t *testing.T, method, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	d.inbox().ServeHTTP(w, r)
	return w
}

type demoClock struct{ engine.SystemClock }

func (demoClock) Now() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }
