package links_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/engine"
	"postern/internal/pages"
	"postern/links"
)

// oneClick is what a mail program posts for its user.
var oneClick = url.Values{"List-Unsubscribe": {"One-Click"}}

var optOutKey = []byte(strings.Repeat("k", 32))

// withOptOuts lets messages end at the door, without anybody who is told.
func withOptOuts(t testing.TB, c *links.DoorConfig) {
	t.Helper()
	optOuts, err := links.NewOptOuts(c.Base, optOutKey)
	if err != nil {
		t.Fatal(err)
	}
	c.OptOuts, c.Hear = optOuts, func(context.Context, engine.Heard) error { return nil }
}

// unsubscribeAt is the address at which Zoe ends the reminders.
func (h *house) unsubscribeAt(language string) string {
	h.t.Helper()
	base, err := pages.ParseBase(h.url)
	if err != nil {
		h.t.Fatal(err)
	}
	optOuts, err := links.NewOptOuts(base, optOutKey)
	if err != nil {
		h.t.Fatal(err)
	}
	out := engine.OptOut{Channel: "email", Address: "zoe@acme.example", List: "reminder", Language: language}
	address, err := optOuts.URL(out)
	if err != nil {
		h.t.Fatal(err)
	}
	if again, _ := optOuts.URL(out); again != address {
		h.t.Errorf("the same opt-out has two addresses:\n%s\n%s", address, again)
	}
	if strings.Contains(address, "zoe") || len(address) > 300 {
		h.t.Errorf("the address is %s", address)
	}
	return address
}

// listener keeps what the door hears.
type listener struct {
	heard []engine.Heard
	fails error
}

func (l *listener) hear(_ context.Context, h engine.Heard) error {
	l.heard = append(l.heard, h)
	return l.fails
}

// listening is a house whose door tells a listener.
func listening(t *testing.T) (*house, *listener) {
	t.Helper()
	l := new(listener)
	return newHouse(t, func(c *links.DoorConfig) { withOptOuts(t, c); c.Hear = l.hear }), l
}

// T17: a mail program ends the messages with one POST, which brings no cookies and follows nothing; looking at the same
// address asks first and changes nothing.
func TestT17OneClickUnsubscribe(t *testing.T) {
	h, l := listening(t)
	address := h.unsubscribeAt("es")
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		page := h.visitor().send(method, address, nil)
		if page.status != http.StatusOK || len(l.heard) != 0 {
			t.Fatalf("%s is %d and was heard: %v", method, page.status, l.heard)
		}
		if method == http.MethodGet {
			page.expect(t, http.StatusOK, "Darse de baja", "!zoe@")
		}
	}
	program := h.visitor()
	program.client.Jar = nil
	program.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	page := program.send(http.MethodPost, address, oneClick)
	if page.status != http.StatusOK || page.head.Get("Set-Cookie") != "" {
		t.Fatalf("a mail program is answered %d, %v", page.status, page.head)
	}
	suppression := engine.Suppression{
		Channel: "email", Address: "zoe@acme.example", Masked: "z…@acme.example", List: "reminder", By: "recipient",
		Reason: engine.SuppressedOptOut, Detail: "unsubscribed by the address in a message", At: h.clock.Now(),
	}
	want := []engine.Heard{{Channel: "email", At: h.clock.Now(), Suppress: []engine.Suppression{suppression}}}
	if diff := cmp.Diff(want, l.heard, cmpopts.IgnoreFields(engine.Heard{}, "Key")); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	if log := h.log.String(); strings.Contains(log, "zoe@") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log says\n%s", log)
	}
}

// press sends the one form that the page has, as a browser does.
func press(v *visitor, page shown) shown {
	v.h.t.Helper()
	form := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(page.text)
	if form == nil || !strings.Contains(page.text, `name="List-Unsubscribe" value="One-Click"`) {
		v.h.t.Fatalf("no form in\n%s", page.text)
	}
	return v.send(http.MethodPost, form[1], oneClick)
}

func TestUnsubscribeByPageAndBack(t *testing.T) {
	h, l := listening(t)
	v := h.visitor()
	address := h.unsubscribeAt("en")
	done := press(v, v.get(address))
	undone := press(v, done)
	again := press(v, undone)
	for name, page := range map[string]shown{
		"You are unsubscribed": done, "You still get these messages": undone, "no more messages": again,
	} {
		if page.status != http.StatusOK || !strings.Contains(strings.ToLower(page.text), strings.ToLower(name)) {
			t.Errorf("%d, without %q:\n%s", page.status, name, page.text)
		}
	}
	if len(l.heard) != 3 || l.heard[0].Key == l.heard[2].Key || len(l.heard[1].Suppress) != 0 {
		t.Fatalf("heard %+v", l.heard)
	}
	lifted := []engine.Suppression{{
		Channel: "email", Address: "zoe@acme.example", List: "reminder", Reason: engine.SuppressedOptOut,
	}}
	if diff := cmp.Diff(lifted, l.heard[1].Lift); diff != "" {
		t.Errorf("lifted (-want +got):\n%s", diff)
	}
}

func TestUnsubscribeRefuses(t *testing.T) {
	h, l := listening(t)
	address := h.unsubscribeAt("en")
	token := address[strings.LastIndexByte(address, '/')+1:]
	other := "A"
	if strings.HasSuffix(token, "A") {
		other = "B"
	}
	for name, test := range map[string]struct {
		address string
		form    url.Values
		origin  string
		status  int
	}{
		"an empty form":        {address, url.Values{}, "", http.StatusBadRequest},
		"another word":         {address, url.Values{"List-Unsubscribe": {"Two-Click"}}, "", http.StatusBadRequest},
		"a form of other site": {address, oneClick, "https://elsewhere.example", http.StatusForbidden},
		"a changed token":      {address[:len(address)-1] + other, oneClick, "", http.StatusNotFound},
		"half a token":         {address[:len(address)-len(token)/2], oneClick, "", http.StatusNotFound},
		"no token of ours":     {"/u/nothing", oneClick, "", http.StatusNotFound},
		"undo of none":         {"/u/nothing/undo", oneClick, "", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			v := h.visitor()
			if test.origin != "" {
				v.head.Set("Origin", test.origin)
			}
			if page := v.send(http.MethodPost, test.address, test.form); page.status != test.status {
				t.Errorf("answered %d, want %d", page.status, test.status)
			}
		})
	}
	if len(l.heard) != 0 {
		t.Errorf("heard %+v", l.heard)
	}
	l.fails = errors.New("the database is away")
	if page := h.visitor().send(http.MethodPost, address, oneClick); page.status != http.StatusServiceUnavailable {
		t.Errorf("what was not heard is answered %d", page.status)
	}
	silent := newHouse(t)
	if page := silent.visitor().get(silent.unsubscribeAt("en")); page.status != http.StatusNotFound {
		t.Errorf("a door without a listener answers %d", page.status)
	}
}

// RFC 8058 lets a mail program post a form in parts as well, and a front end asks for data.
func TestUnsubscribeInOtherForms(t *testing.T) {
	h, l := listening(t)
	address := h.unsubscribeAt("en")
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	_ = parts.WriteField("List-Unsubscribe", "One-Click")
	_ = parts.Close()
	v := h.visitor()
	status, page, _ := v.asks(http.MethodPost, address, body.String(), "Content-Type", parts.FormDataContentType())
	if status != http.StatusOK || page["state"] != "done" || !strings.HasSuffix(page["url"].(string), "/undo") {
		t.Errorf("in parts it is %d %v", status, page)
	}
	status, page, _ = v.asks(http.MethodPost, address, `{"List-Unsubscribe":"One-Click"}`)
	if status != http.StatusOK || page["page"] != "unsubscribe" || page["masked"] != "z…@acme.example" {
		t.Errorf("as an object it is %d %v", status, page)
	}
	cut := strings.Replace(body.String(), "--\r\n", "", 1)
	status, _, _ = v.asks(http.MethodPost, address, cut, "Content-Type", parts.FormDataContentType())
	if status != 400 {
		t.Errorf("a form that breaks off is %d", status)
	}
	if len(l.heard) != 2 {
		t.Errorf("heard %+v", l.heard)
	}
}
