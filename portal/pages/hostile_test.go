package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/engine"
	"postern/internal/typist"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// T81: every answer of every page keeps other sites out, and is kept by nobody.
func TestT81PortalHeaders(t *testing.T) {
	_, exhibits := gallery(t, "en")
	for _, e := range exhibits {
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := e.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", e.name, name, got, want)
			}
		}
		policy := e.header.Get("Content-Security-Policy")
		for _, part := range []string{
			"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'",
		} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %s", e.name, policy, part)
			}
		}
		runs := strings.Contains(e.text, "<script")
		if runs != strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: scripts %t under the policy %q", e.name, runs, policy)
		}
		if strings.Contains(e.text, " style=") || strings.Contains(e.text, "<script>") {
			t.Errorf("%s has a style or a script within it", e.name)
		}
	}
}

// T81: no form of another site does anything, whatever the browser says of it; and none of ours is sent by GET.
func TestT81PortalTakesNoForeignForms(t *testing.T) {
	s := newStage(t)
	for name, header := range map[string]map[string]string{
		"another site":        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"the same domain":     {"Sec-Fetch-Site": "same-site", "Origin": "https://other.acme.example"},
		"an old browser":      {"Origin": "https://evil.example"},
		"a page of no origin": {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
	} {
		v := s.person(house.Customers, house.Mia)
		page := v.get("/portal/customers/delete/HelpDesk/17x5")
		seen := hidden.FindStringSubmatch(page.text)
		body := url.Values{seen[1]: {strings.ReplaceAll(seen[2], "&#34;", `"`)}}.Encode()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+page.path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for key, value := range header {
			r.Header.Set(key, value)
		}
		if got := v.do(r); got.status != http.StatusForbidden || s.Fields(house.Ref("HelpDesk/17x5")) == nil {
			t.Errorf("%s: the form is answered with %d", name, got.status)
		}
	}
}

// hostiles are texts that would do something in a page that does not write them as text.
var hostiles = []string{
	`<script>document.title='owned'</script>`, `"><img src=x onerror="document.title='owned'">`,
	`' autofocus onfocus='document.title="owned"`, `</textarea></title><svg onload=document.title='owned'>`,
	`javascript:document.title='owned'`, `{{.}}<b>bold</b>&lt;`, "\u202e<i>gnp.exe", `--><h1>owned</h1><!--`,
}

// T85: what records hold is only text, in every field that is shown, on every page that shows it, in a real browser
// that runs scripts.
func TestT85PortalShowsOnlyText(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Customers, house.Mia)
	modules := s.Portals[house.Customers].Roles["manager"].Modules
	paths := []string{
		"/portal/customers", tickets, ticket, change, ticket + "/ModComments",
		"/portal/customers/delete/HelpDesk/17x1",
		tickets + "?q=" + url.QueryEscape(hostiles[1]) + "&sort=" + url.QueryEscape(hostiles[0]) +
			"&done=" + url.QueryEscape(hostiles[0]) + "&is.ticketstatus=" + url.QueryEscape(hostiles[1]) +
			"&from.due=" + url.QueryEscape(hostiles[1]),
		"/portal/customers/new/ModComments", "/portal/customers/records/ModComments/29x1",
		"/portal/customers/records/Contacts/12x5", "/portal/customers/records/" + url.PathEscape(hostiles[0]),
		"/portal/customers/records/HelpDesk/" + url.PathEscape(hostiles[1]),
	}
	tab, closeTab := chromedp.NewContext(typist.Start(t))
	defer closeTab()
	var text atomic.Pointer[string] // of the page; a browser asks for its icon whenever it likes
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(*text.Load())) // without the policy, which would stop what got through
	}))
	defer server.Close()
	if err := chromedp.Do(tab, chromedp.EmulateViewport(800, 600)); err != nil {
		t.Fatal(err)
	}
	for _, hostile := range hostiles {
		s.poison(modules, hostile)
		for _, path := range paths {
			page := v.get(path)
			text.Store(&page.text)
			ctx, cancel := context.WithTimeout(tab, time.Minute)
			err := chromedp.Do(ctx, chromedp.Navigate(server.URL))
			var found string
			if err == nil {
				found, err = chromedp.Run(ctx, chromedp.Evaluate[string](traces))
			}
			cancel()
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if found != "" {
				t.Errorf("%s with %s: %s", path, hostile, found)
			}
		}
	}
}

// traces tells what a page holds that only a text which came through would have made.
const traces = `[document.title === "owned" && "the title", document.querySelector("script, svg, img, b, i, iframe") &&
	document.querySelector("script, svg, img, b, i, iframe").outerHTML, document.querySelectorAll("h1").length > 1 &&
	"two headings", document.querySelector("[onfocus], [onerror], [onload]") && "a handler",
	document.querySelector("a[href^='javascript']") && "a link"].filter(Boolean).join(", ")`

// poison puts a text into every field of text that the role may read.
func (s *stage) poison(modules map[string]*engine.Access, hostile string) {
	s.t.Helper()
	for module, id := range map[string]string{"HelpDesk": "17x1", "ModComments": "29x1", "Contacts": "12x5"} {
		fields := engine.Fields{}
		for _, name := range modules[module].Read {
			switch modules[module].Module.Fields[name].Type {
			case engine.TypeReference, engine.TypeOwner:
			default:
				fields[name] = hostile
			}
		}
		s.Put(engine.Ref{Module: module, ID: id}, fields)
	}
}

// failing is a desk whose CRM cannot be reached.
type failing struct {
	portal.Records
	err error
}

func (f *failing) Get(ctx context.Context, v portal.Viewer, ref engine.Ref) (portal.Row, error) {
	if f.err != nil {
		return portal.Row{}, f.err
	}
	return f.Records.Get(ctx, v, ref)
}

func (f *failing) Modules(v portal.Viewer) []portal.ModuleView { return f.Records.Modules(v) }

// T83: neither what a session is known by nor what a record holds is in any line of the log, whatever goes wrong.
func TestT83PortalLogsNoSecrets(t *testing.T) {
	broken := &failing{}
	s := newStage(t, func(c *Config) { broken.Records, c.Desk = c.Desk, broken })
	v := s.person(house.Customers, house.Ana)
	page := v.get(change)
	v.submit(page, url.Values{"description": {"a very private matter"}}).expect(t, http.StatusOK)
	broken.err = errors.New("something odd")
	v.get(ticket).expect(t, http.StatusServiceUnavailable, "Not just now, sorry", "tell us this code")
	broken.err = fmt.Errorf("%w: the cable is cut", portal.ErrUnavailable)
	v.get(ticket).expect(t, http.StatusServiceUnavailable, "Not just now, sorry", "-this code", "-cable")
	broken.err = context.DeadlineExceeded
	v.submit(page, url.Values{"description": {"a very private matter"}}).expect(t, http.StatusServiceUnavailable)
	v.send(http.MethodPut, ticket+"?token=private-matter", nil).expect(t, http.StatusMethodNotAllowed)
	log := s.Log.String()
	if !strings.Contains(log, "portal could not answer") {
		t.Errorf("what nobody foresaw is not in the log:\n%s", log)
	}
	base, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{"private", password, "ana@acme.example", "seven grey"}
	for _, cookie := range v.client.Jar.Cookies(base) {
		secrets = append(secrets, cookie.Value)
	}
	for _, secret := range secrets {
		if secret != "" && bytes.Contains([]byte(log), []byte(secret)) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
}
