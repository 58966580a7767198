package webpush_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/webpush"
	"postern/internal/webpush/webpushtest"
)

// sender is one that a browser of a service subscribed to.
func sender(t *testing.T, service *webpushtest.Service) *webpush.Sender {
	t.Helper()
	key, err := webpush.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &webpush.Sender{
		Key: key, Subject: "mailto:ops@acme.example", Transport: service.Transport,
		Now: func() time.Time { return time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC) },
	}
}

func subscription(t *testing.T, browser *webpushtest.Browser) webpush.Subscription {
	t.Helper()
	s, err := webpush.ParseSubscription(browser.Subscription())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func push(payload string) webpush.Push {
	return webpush.Push{Payload: []byte(payload), Topic: "a-topic", Urgency: "high", TTL: time.Hour}
}

func TestSend(t *testing.T) {
	service := webpushtest.Start(t)
	from := sender(t, service)
	browser := service.Subscribe(from.Key.Public())
	left := 0
	longest := strings.Repeat("x", webpush.MaxPayload)
	for _, payload := range []string{"hello", "", longest} {
		id, err := from.Send(t.Context(), subscription(t, browser), push(payload), func() { left++ })
		if err != nil || !strings.HasPrefix(id, "0-") {
			t.Fatalf("%q, %v", id, err)
		}
	}
	arrived := browser.Arrived()
	if len(arrived) != 3 || left != 3 || string(arrived[0].Payload) != "hello" || string(arrived[2].Payload) != longest {
		t.Fatalf("%d left, %d arrived: %.50q", left, len(arrived), arrived)
	}
	got := arrived[0]
	if got.Topic != "a-topic" || got.Urgency != "high" || got.TTL != time.Hour || got.Subject != from.Subject {
		t.Errorf("arrived with %+v", got)
	}
	from.Subject = "https://acme.example/contact"
	if _, err := from.Send(t.Context(), subscription(t, browser), push("x"), func() {}); err != nil {
		t.Error(err)
	}
	if _, err := from.Send(t.Context(), subscription(t, browser), push(longest+"x"), t.FailNow); !engine.IsPermanent(err) {
		t.Errorf("a message that is too long: %v", err)
	}
}

func TestRefusalsHaveTheirVerdict(t *testing.T) {
	service := webpushtest.Start(t)
	from := sender(t, service)
	to := subscription(t, service.Subscribe(from.Key.Public()))
	gone := func(err error) bool { return engine.IsPermanent(err) && errors.Is(err, webpush.ErrGone) }
	permanent := func(err error) bool { return engine.IsPermanent(err) && !errors.Is(err, webpush.ErrGone) }
	after := func(d time.Duration) func(error) bool {
		return func(err error) bool {
			return engine.RetryDelay(err) == d && !engine.IsUnknown(err) && !engine.IsPermanent(err)
		}
	}
	for _, c := range []struct {
		status int
		retry  string
		is     func(error) bool
	}{
		{404, "", gone},
		{410, "", gone},
		{400, "", permanent},
		{413, "", permanent},
		{302, "", permanent},
		{401, "", engine.IsMisconfigured},
		{403, "", func(err error) bool { return after(0)(err) && !engine.IsMisconfigured(err) }},
		{429, "", after(0)},
		{429, "17", after(17 * time.Second)},
		{429, "Thu, 26 Nov 2026 03:02:00 GMT", after(2 * time.Minute)},
		{408, "", after(0)},
		{503, "9", after(9 * time.Second)},
		{500, "", engine.IsUnknown},
		{502, "", engine.IsUnknown},
		{504, "", engine.IsUnknown},
	} {
		answer := webpushtest.Answer{Status: c.status, Header: http.Header{"Location": {"https://elsewhere.example/"}}}
		if c.retry != "" {
			answer.Header.Set("Retry-After", c.retry)
		}
		service.Answer(answer)
		_, err := from.Send(t.Context(), to, push("x"), func() {})
		if !c.is(err) {
			t.Errorf("%d, retry after %q: %v", c.status, c.retry, err)
		}
		if strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "html") {
			t.Errorf("%d: the error shows the endpoint or the body: %v", c.status, err)
		}
	}
}

// One subscription that was made for another key says nothing of the others: it must not stop the channel.
func TestAnotherKeyIsOfOneSubscription(t *testing.T) {
	service := webpushtest.Start(t)
	from, other := sender(t, service), sender(t, service)
	_, err := from.Send(t.Context(), subscription(t, service.Subscribe(other.Key.Public())), push("x"), func() {})
	if err == nil || engine.IsMisconfigured(err) || engine.IsPermanent(err) || engine.IsUnknown(err) {
		t.Errorf("got %v", err)
	}
}

func TestKeyIsReadAsItWasWritten(t *testing.T) {
	key, err := webpush.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	again, err := webpush.ParseKey(key.Private() + "\n")
	if err != nil || again.Public() != key.Public() || len(key.Public()) != 87 {
		t.Errorf("%v: %s and %s", err, key.Public(), again.Public())
	}
	for _, wrong := range []string{"", "abc", key.Public(), strings.Repeat("A", 43), "-----BEGIN EC PRIVATE KEY-----"} {
		if _, err := webpush.ParseKey(wrong); err == nil || wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestParseSubscription(t *testing.T) {
	good := webpushtest.Start(t).Subscribe("").Subscription()
	parsed, err := webpush.ParseSubscription(good)
	if err != nil {
		t.Fatal(err)
	}
	again, err := webpush.ParseSubscription(parsed.String())
	if err != nil || again.String() != parsed.String() || strings.Contains(parsed.String(), "expirationTime") ||
		!strings.HasPrefix(parsed.String(), `{"endpoint":"https://127.0.0.1:`) ||
		!strings.Contains(parsed.String(), "v=2&x=a") {
		t.Errorf("%v: %s", err, again)
	}
	padded := strings.NewReplacer("-", "+", "_", "/").Replace(good)
	if other, err := webpush.ParseSubscription(padded); err != nil || other.Host() != "127.0.0.1" {
		t.Errorf("another form of base64: %v", err)
	}
	for name, wrong := range map[string]string{
		"no JSON":       "https://push.example/abc",
		"empty":         "{}",
		"http":          strings.Replace(good, "https:", "http:", 1),
		"a user":        strings.Replace(good, "https://", "https://a:b@", 1),
		"an odd host":   strings.Replace(good, "127.0.0.1", "0x7f.1", 1),
		"no auth":       strings.Replace(good, `"auth"`, `"author"`, 1),
		"no key":        strings.Replace(good, `"p256dh"`, `"p"`, 1),
		"off the curve": strings.Replace(good, `"p256dh":"B`, `"p256dh":"C`, 1),
		"far too long":  good + strings.Repeat(" ", 4000),
	} {
		if _, err := webpush.ParseSubscription(wrong); err == nil || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseSubscription(f *testing.F) {
	f.Add(`{"endpoint":"https://push.example/a","keys":{"p256dh":"BA","auth":"AA"}}`)
	f.Add(`{"endpoint":"https://push.example/a","keys":{"p256dh":"BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW` +
		`T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU","auth":"AAECAwQFBgcICQoLDA0ODw"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := webpush.ParseSubscription(text)
		if err != nil {
			return
		}
		again, err := webpush.ParseSubscription(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%s becomes %s: %v", s, again, err)
		}
	})
}
