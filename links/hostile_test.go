package links_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/internal/peer"
	"postern/internal/typist"
)

// asked is a server that remembers what it was asked.
type asked struct {
	url string

	mu    sync.Mutex
	lines []string // "GET /path"
}

// askedServer has handler answer, on a name of this machine that is another site to a browser.
func askedServer(t *testing.T, host string, handler http.Handler) *asked {
	a := &asked{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.lines = append(a.lines, r.Method+" "+r.URL.Path)
		a.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	a.url = strings.Replace(server.URL, "127.0.0.1", host, 1)
	return a
}

// heard tells whether something like prefix was asked.
func (a *asked) heard(prefix string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.lines, func(line string) bool { return strings.HasPrefix(line, prefix) })
}

// stage is the one page that the other site has, at every path.
type stage struct{ text atomic.Value }

func (s *stage) show(text string) { s.text.Store(text) }

func (s *stage) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, s.text.Load())
}

// newTab is a tab of a real browser, for half a minute.
func newTab(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-popup-blocking", true))
	browser, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	// The first call starts the browser; a deadline on it would end the browser with it.
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// evaluate runs a script in the page, as somebody would who got one into it, and waits for its promise.
func evaluate[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return got
}

func visit(t *testing.T, ctx context.Context, address string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("go to %s: %v", address, err)
	}
}

// T81: what another site may do with our pages in a real browser.
func TestT81PagesInHostileHands(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	door := askedServer(t, "127.0.0.1", h.door)
	path := strings.TrimPrefix(address, h.url)
	var other stage
	evil := askedServer(t, "localhost", &other)
	ctx := newTab(t)

	t.Run("is not shown in a frame", func(t *testing.T) {
		other.show(`<iframe src="` + door.url + path + `" onload="document.title = 'loaded'"></iframe>`)
		visit(t, ctx, evil.url)
		if got := evaluate[string](t, ctx, waitFor("document.title == 'loaded'")); got != "so" {
			t.Fatalf("the frame: %s", got)
		}
		if !door.heard("GET "+path) || door.heard("GET /assets/") {
			t.Errorf("the page was drawn within another one: %v", door.lines)
		}
		visit(t, ctx, door.url+path)
		if !door.heard("GET /assets/") {
			t.Error("the page is not drawn by itself either")
		}
	})
	t.Run("keeps nothing to do with who opened it", func(t *testing.T) {
		other.show(`<h1>evil</h1>`)
		visit(t, ctx, evil.url)
		const open = `window.other = window.open(%q, "_blank"); %s`
		if got := evaluate[string](t, ctx, fmt.Sprintf(open, door.url+path, waitFor("window.other.closed"))); got != "so" {
			t.Errorf("who opened the page can still reach it: %s", got)
		}
		twin := strings.Replace(evil.url, "localhost", "127.0.0.1", 1)
		const stays = `new Promise(r => { const w = window.open(%q, "_blank"); setTimeout(() => r(w.closed), 500) })`
		if evaluate[bool](t, ctx, fmt.Sprintf(stays, twin)) {
			t.Error("any page at all cannot be reached: the test shows nothing")
		}
	})

	visit(t, ctx, address)
	typist.Say(ctx, t, chromedp.Click("button"), "Ticket TT42")
	for name, test := range map[string]struct{ script, directive string }{
		"sends no form elsewhere": {`const f = document.createElement("form"); f.action = evil + "/form"; f.method = "post";
			document.body.append(f); f.submit()`, "form-action"},
		"runs no script of its own": {
			`const s = document.createElement("script"); s.textContent = "window.ran = true"; document.body.append(s)`,
			"script-src-elem",
		},
		"runs no handler":  {`document.body.insertAdjacentHTML("beforeend", "<img src=/x onerror='window.ran = true'>")`, "script-src-attr"},
		"loads no picture": {`document.body.insertAdjacentHTML("beforeend", "<img src='" + evil + "/picture'>")`, "img-src"},
		"loads no style":   {`document.head.insertAdjacentHTML("beforeend", "<link rel=stylesheet href='" + evil + "/style'>")`, "style-src-elem"},
		"asks nobody":      {`fetch(evil + "/fetch").catch(() => 0)`, "connect-src"},
		"moves no base":    {`document.head.insertAdjacentHTML("beforeend", "<base href='" + evil + "'>")`, "base-uri"},
	} {
		t.Run(name, func(t *testing.T) {
			const told = `new Promise(r => {
				document.addEventListener("securitypolicyviolation", e => r(e.effectiveDirective), {once: true});
				setTimeout(() => r("nothing"), 5000); const evil = %q; %s })`
			got := evaluate[string](t, ctx, fmt.Sprintf(told, evil.url, test.script))
			if got != test.directive {
				t.Errorf("the browser speaks of %q, want %q", got, test.directive)
			}
			if evaluate[bool](t, ctx, "window.ran === true") {
				t.Error("the script ran")
			}
		})
	}
	for _, line := range []string{"POST /form", "GET /picture", "GET /style", "GET /fetch"} {
		if evil.heard(line) {
			t.Errorf("the other site was asked for %s", line)
		}
	}
}

// waitFor is a promise of "so" once a condition holds, and of "not so" after five seconds.
func waitFor(condition string) string {
	return `new Promise(r => { const end = Date.now() + 5000; const look = () =>
		` + condition + ` ? r("so") : Date.now() > end ? r("not so") : setTimeout(look, 20); look() })`
}

// T80 in a real browser: a page of another site sends a form to ours, with the visitor's cookie at hand.
func TestT80ABrowserSendsAFormFromElsewhere(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	var other stage
	evil := askedServer(t, "localhost", &other)
	sibling := askedServer(t, "127.0.0.1", &other) // the same site on another port, so the cookie goes along
	ctx := newTab(t)
	visit(t, ctx, address)
	typist.Say(ctx, t, chromedp.Click("button"), "Ticket TT42")
	flow := evaluate[string](t, ctx, "location.pathname")
	typist.Say(ctx, t, chromedp.Click(`a[href$="/resolve"]`), "Mark as resolved")
	seen := evaluate[string](t, ctx, `document.querySelector("input[name='~seen']").value`)
	for name, from := range map[string]*asked{"another site": evil, "a sibling": sibling} {
		t.Run(name, func(t *testing.T) {
			other.show(`<form method=post action="` + h.url + flow + `/resolve"><input name="~seen" value="` + seen + `">
				<button>A prize</button></form>`)
			visit(t, ctx, from.url)
			typist.Say(ctx, t, chromedp.Click("button"), "Please use the button on our own page")
		})
	}
	if len(h.events()) != 0 {
		t.Error("a form from elsewhere had an effect")
	}
	visit(t, ctx, h.url+flow+"/resolve")
	typist.Say(ctx, t, chromedp.Click("button"), "Saved")
}
