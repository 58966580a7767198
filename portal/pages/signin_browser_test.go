package pages

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"postern/internal/peer"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// spy keeps the forms that pass by.
type spy struct {
	http.Handler
	mu    sync.Mutex
	forms []url.Values
}

func (s *spy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		s.mu.Lock()
		s.forms = append(s.forms, form)
		s.mu.Unlock()
	}
	s.Handler.ServeHTTP(w, r)
}

// seen are the forms since the last call.
func (s *spy) seen() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.forms
	s.forms = nil
	return seen
}

// aTab opens a tab of a browser that knows nothing, in which scripts run or not.
func aTab(t *testing.T, scripts bool) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	// The first call opens the browser; a deadline on it would close it again.
	err := chromedp.Do(tab, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		off := emulation.SetScriptExecutionDisabledParams{Value: !scripts}
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, off)
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// steps takes steps and waits until the page says what should follow.
func steps(t *testing.T, ctx context.Context, text string, all ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, all...); err != nil {
		t.Fatalf("on the way to %q: %v", text, err)
	}
	for {
		got, err := chromedp.Run(ctx, chromedp.Text("body"))
		if strings.Contains(got, text) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("the page says %q, want %q: %v", got, text, err)
		}
	}
}

func signInSteps(name, password string) []chromedp.Action[chromedp.Void] {
	return []chromedp.Action[chromedp.Void]{
		chromedp.SetValue("#name", name), chromedp.SetValue("#password", password), chromedp.Click("#sign-in button"),
	}
}

// T61: a real browser signs in with and without script. With it, the password never leaves the browser.
func TestT61BrowserSignsIn(t *testing.T) {
	const odd = "ﬁve ＷＩＤＥ birds\u00a0sing Ä\u0308" // typed in another way than it is hashed
	for name, scripts := range map[string]bool{"with script": true, "without script": false} {
		t.Run(name, func(t *testing.T) {
			s := newDoor(t)
			s.SetPassword(house.Customers, house.Ana)
			watch := &spy{Handler: s.pages}
			server := httptest.NewServer(watch)
			t.Cleanup(server.Close)
			ctx := aTab(t, scripts)

			steps(t, ctx, "Password", chromedp.Navigate(server.URL+start))
			steps(t, ctx, "is not right", signInSteps("ana@acme.example", "eleven green umbrellas fly")...)
			steps(t, ctx, "Welcome", signInSteps(" ANA@acme.example ", house.Password)...)
			proofs := 0
			for _, form := range watch.seen() {
				if form.Has("proof") {
					proofs++
				}
				if text := form.Encode(); scripts && (form.Has("password") || strings.Contains(text, "kettles")) {
					t.Errorf("the password was sent: %s", text)
				}
			}
			if want := map[bool]int{true: 2, false: 0}[scripts]; proofs != want {
				t.Errorf("%d sign-ins by proof, want %d", proofs, want)
			}
			comesFromElsewhere(t, ctx, server.URL+start)

			because := portal.Because{Actor: "test", Detail: "test"}
			err := s.Gate.SetPassword(t.Context(), house.Customers, house.Ana, odd, because)
			if err != nil {
				t.Fatal(err)
			}
			steps(t, ctx, "Password", chromedp.Navigate(server.URL+start))
			steps(t, ctx, "Welcome", signInSteps("ana@acme.example", odd)...)
		})
	}
}

// comesFromElsewhere follows a link to the portal on a page of another site, as one in a mail is: who is signed in
// arrives signed in.
func comesFromElsewhere(t *testing.T, ctx context.Context, address string) {
	t.Helper()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<h1>A mail</h1><a id="link" href="%s">your portal</a>`, address)
	}))
	t.Cleanup(other.Close)
	site := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	steps(t, ctx, "A mail", chromedp.Navigate(site))
	steps(t, ctx, "Welcome", chromedp.Click("#link"))
}
