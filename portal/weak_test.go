package portal

import (
	"context"
	"errors"
	"strings"
	"testing"

	"postern/engine"
)

func TestWeakPasswords(t *testing.T) {
	for password, want := range map[string]string{
		"short": WeakShort, strings.Repeat("é", 200): WeakLong, "four\x00teen and more": WeakText,
		// What is tried first, in whatever dress.
		"passwordpassword": WeakCommon, "P@ssw0rd12345678": WeakCommon, "Welcome2026!!!!!": WeakCommon,
		"123456789012345": WeakCommon, "qwertyuiopasdfghjkl": WeakCommon, "aaaaaaaaaaaaaaaaaa": WeakCommon,
		"abcabcabcabcabcabc": WeakCommon, "1qaz2wsx3edc4rfv": WeakCommon, "summer-holiday-2026": WeakCommon,
		"CorrectHorseBatteryStaple": WeakCommon, "987654321098765": WeakCommon, "!!!!!admin!!!!!!": WeakCommon,
		// What an attacker knows of them.
		"ana.ort@acme.example1": WeakName, "Acme-Portal-12345": WeakName, "ana.ort-2026-11-26": WeakName,
		// What is good.
		"violet lamp under seven trees": "", "rT7#kq9Lw2!xZp4v": "", "mi gato duerme en la lavadora": "",
		"Fünf Störche über Köln": "", "ακόμη ένα ποτήρι νερό": "",
		"🐢 walks 🐢 the 🐢 dog":               "",
		"acme, but with eleven other words": "",
	} {
		got := ""
		if w := weak(password, MinPassword, "ana.ort@acme.example", "Acme Portal"); w != nil {
			got = w.Code
		}
		if got != want {
			t.Errorf("%q is refused as %q, want %q", password, got, want)
		}
	}
}

func TestShortest(t *testing.T) {
	p := &engine.Portal{}
	if got := Shortest(p); got != 15 {
		t.Errorf("a password alone has %d characters", got)
	}
	p.SignIn.SecondFactor = engine.SecondFactorRequired
	if got := Shortest(p); got != 10 {
		t.Errorf("a password beside a second factor has %d characters", got)
	}
}

func TestPoolTurnsAway(t *testing.T) {
	p := newPool(1)
	leave, err := p.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error)
	for range poolQueue {
		go func() {
			_, err := p.enter(ctx)
			waited <- err
		}()
	}
	for len(p.waiting) < cap(p.waiting) { // until all of them wait
	}
	if _, err := p.enter(t.Context()); err == nil {
		t.Error("one more may wait than there is room for")
	} else if busy, ok := errors.AsType[*BusyError](err); !ok || busy.RetryAfter != poolRetry {
		t.Errorf("turned away by %v", err)
	}
	cancel()
	for range poolQueue {
		if err := <-waited; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up: %v", err)
		}
	}
	leave()
	again, err := p.enter(t.Context())
	if err != nil {
		t.Fatalf("after all have left: %v", err)
	}
	again()
}

func TestBrowserOf(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":       "Firefox, Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/140.0 Safari/537.36 Edg/140.0":    "Edge, Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/6": "Safari, iPhone",
		"Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36":            "Chrome, Android",
		"curl/8.9": "curl/8.9", "": "",
	} {
		if got := BrowserOf(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}
