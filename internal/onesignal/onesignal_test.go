package onesignal_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/internal/onesignal"
	"postern/internal/onesignal/onesignaltest"
)

func client(server *onesignaltest.Server) *onesignal.Client {
	return &onesignal.Client{
		Base: server.URL, App: onesignaltest.App, Key: onesignaltest.Key, Transport: http.DefaultTransport,
		Now: func() time.Time { return time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC) },
	}
}

func notification(n string) onesignal.Notification {
	return onesignal.Notification{
		User: "12x7", Key: onesignal.KeyOf(engine.DerivedID(engine.ID{}, n)), Name: "name " + n, Language: "es-MX",
		Heading: "Hola", Text: "Texto " + n, URL: "https://go.acme.example/l/x", Collapse: "c", TTL: time.Hour,
	}
}

func TestNotify(t *testing.T) {
	server := onesignaltest.Start(t)
	server.User("12x7", true)
	c, left := client(server), 0
	leave := func() { left++ }
	first, complaint, err := c.Notify(t.Context(), notification("1"), leave)
	if err != nil || first == "" || complaint != "" {
		t.Fatalf("%q, %q, %v", first, complaint, err)
	}
	again, _, err := c.Notify(t.Context(), notification("1"), leave)
	if err != nil || again != first {
		t.Errorf("the same again is %q, not %q: %v", again, first, err)
	}
	least := onesignal.Notification{User: "12x7", Key: onesignal.KeyOf(engine.ID{}), Text: "x"}
	if _, _, err := c.Notify(t.Context(), least, leave); err != nil {
		t.Errorf("the least there may be: %v", err)
	}
	taken := server.Taken()
	if len(taken) != 2 || left != 3 {
		t.Fatalf("%d left, %d were sent", left, len(taken))
	}
	want := onesignaltest.Request{
		AppID: onesignaltest.App, TargetChannel: "push", IncludeAliases: map[string][]string{"external_id": {"12x7"}},
		IdempotencyKey: onesignal.KeyOf(engine.DerivedID(engine.ID{}, "1")).String(), Name: "name 1",
		Headings: map[string]string{"en": "Hola", "es": "Hola"}, URL: "https://go.acme.example/l/x", CollapseID: "c",
		Contents: map[string]string{"en": "Texto 1", "es": "Texto 1"}, TTL: 3600,
	}
	if diff := cmp.Diff(want, taken[0].Request); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnswersHaveTheirVerdict(t *testing.T) {
	unsubscribed := func(err error) bool { return engine.IsPermanent(err) && errors.Is(err, onesignal.ErrNotSubscribed) }
	permanent := func(err error) bool { return engine.IsPermanent(err) && !errors.Is(err, onesignal.ErrNotSubscribed) }
	after := func(d time.Duration) func(error) bool {
		return func(err error) bool {
			return engine.RetryDelay(err) == d && !engine.IsUnknown(err) && !engine.IsPermanent(err)
		}
	}
	const problem = `{"errors":["a secret of the provider"]}`
	server := onesignaltest.Start(t)
	server.User("12x7", true)
	server.User("12x8", false)
	for name, c := range map[string]struct {
		answer onesignaltest.Answer
		is     func(error) bool
	}{
		"nobody": {onesignaltest.Answer{
			Status: 200, Body: `{"id":"","errors":["All included players are not subscribed"]}`,
		}, unsubscribed},
		"an unknown alias": {onesignaltest.Answer{
			Status: 200, Body: `{"id":"","errors":{"invalid_aliases":{"external_id":["12x7"]}}}`,
		}, unsubscribed},
		"nothing, without a word": {onesignaltest.Answer{Status: 200, Body: `{"id":""}`}, permanent},
		"bad request":             {onesignaltest.Answer{Status: 400, Body: problem}, permanent},
		"bad key":                 {onesignaltest.Answer{Status: 403, Body: problem}, engine.IsMisconfigured},
		"no key":                  {onesignaltest.Answer{Status: 401, Body: problem}, engine.IsMisconfigured},
		"no app":                  {onesignaltest.Answer{Status: 404, Body: problem}, engine.IsMisconfigured},
		"too many": {onesignaltest.Answer{
			Status: 429, Header: http.Header{"Retry-After": {"12"}}, Body: problem,
		}, after(12 * time.Second)},
		"not available": {onesignaltest.Answer{
			Status: 503, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>busy</html>",
		}, after(0)},
		"too slow": {onesignaltest.Answer{Status: 408, Body: problem}, after(0)},
		"failure":  {onesignaltest.Answer{Status: 500, Body: problem}, engine.IsUnknown},
		"conflict": {onesignaltest.Answer{Status: 409, Body: problem}, permanent},
	} {
		t.Run(name, func(t *testing.T) {
			server.Answer(c.answer)
			_, _, err := client(server).Notify(t.Context(), notification(name), func() {})
			if !c.is(err) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "12x7") {
				t.Errorf("got %v", err)
			}
		})
	}
	n := notification("other")
	n.User = "12x8"
	if _, _, err := client(server).Notify(t.Context(), n, func() {}); !unsubscribed(err) {
		t.Errorf("a user without devices: %v", err)
	}
}

func TestPartOfAnAliasList(t *testing.T) {
	server := onesignaltest.Start(t)
	server.Answer(onesignaltest.Answer{Status: 200, Body: `{"id":"n1","errors":{"invalid_aliases":{}}}`})
	id, complaint, err := client(server).Notify(t.Context(), notification("1"), func() {})
	if id != "n1" || complaint != "invalid_aliases" || err != nil {
		t.Errorf("%q, %q, %v", id, complaint, err)
	}
}

func TestALostAnswerIsAskedForAgain(t *testing.T) {
	server := onesignaltest.Start(t)
	server.User("12x7", true)
	server.Cut(true)
	if _, _, err := client(server).Notify(t.Context(), notification("1"), func() {}); !engine.IsUnknown(err) {
		t.Errorf("got %v", err)
	}
	server.Cut(false)
	id, _, err := client(server).Notify(t.Context(), notification("1"), func() {})
	if taken := server.Taken(); err != nil || len(taken) != 1 || taken[0].ID != id {
		t.Errorf("%q, %v, %d were sent", id, err, len(taken))
	}
}

func TestCheck(t *testing.T) {
	server := onesignaltest.Start(t)
	if err := client(server).Check(t.Context()); err != nil {
		t.Error(err)
	}
	wrong := client(server)
	wrong.Key = "os_v2_app_other"
	if err := wrong.Check(t.Context()); !engine.IsMisconfigured(err) || strings.Contains(err.Error(), wrong.Key) {
		t.Errorf("got %v", err)
	}
}

func TestParseEvent(t *testing.T) {
	at := time.Date(2026, 11, 26, 3, 0, 0, 5e6, time.UTC)
	got, err := onesignal.ParseEvent(onesignaltest.Event("e1", "a1", "message.push.clicked", "m1", "n1", at))
	want := onesignal.Event{ID: "e1", Kind: "message.push.clicked", At: at, App: "a1", Message: "m1", Name: "n1"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, wrong := range []string{"", "[]", "{}", `{"id":"e","kind":"k"}`, `{"id":7}`} {
		if _, err := onesignal.ParseEvent([]byte(wrong)); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

func TestKeyOf(t *testing.T) {
	key := onesignal.KeyOf(engine.DerivedID(engine.ID{}, "1")).String()
	if key[14] != '5' || !strings.ContainsRune("89ab", rune(key[19])) || key == onesignal.KeyOf(engine.ID{}).String() {
		t.Errorf("the key is %s", key)
	}
}
