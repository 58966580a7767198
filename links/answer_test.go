package links_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/pages"
	"postern/links"
)

func TestT84NoOpenRedirect(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	flow := regexp.MustCompile(`^/f/[0-9a-f-]{36}$`)
	for _, query := range []string{"?next=https://evil.example", "?return=//evil.example", "?to=javascript:alert(1)"} {
		reply := v.send("POST", address+query, url.Values{"next": {"https://evil.example"}, "to": {"//evil.example"}})
		if where := reply.head.Get("Location"); reply.status != 303 || !flow.MatchString(where) {
			t.Errorf("%s: status %d to %q", query, reply.status, where)
		}
	}
	for _, path := range []string{"//evil.example/%2e%2e", "/l//evil.example", "/f/..//evil.example"} {
		where := v.get(h.url + path).head.Get("Location")
		if strings.HasPrefix(where, "//") || strings.Contains(where, "://") {
			t.Errorf("%s leads to %q", path, where)
		}
	}
}

func TestHeadersOnEveryPage(t *testing.T) {
	for _, scheme := range []string{"http://localhost", "https://go.acme.example"} {
		base, err := pages.ParseBase(scheme)
		if err != nil {
			t.Fatal(err)
		}
		h := newHouse(t, func(c *links.DoorConfig) { c.Base = base })
		_, address := h.mint("ticket")
		for _, call := range []struct{ method, path string }{
			{"GET", strings.TrimPrefix(address, scheme)},
			{"HEAD", strings.TrimPrefix(address, scheme)},
			{"POST", strings.TrimPrefix(address, scheme)},
			{"OPTIONS", strings.TrimPrefix(address, scheme)},
			{"GET", "/l/unknown"},
			{"GET", "/f/none"},
			{"GET", "/"},
		} {
			reply := httptest.NewRecorder()
			h.door.ServeHTTP(reply, httptest.NewRequestWithContext(t.Context(), call.method, call.path, nil))
			checkHeaders(t, call.method+" "+scheme+call.path, reply.Header(), strings.HasPrefix(scheme, "https"))
		}
	}
}

func checkHeaders(t *testing.T, what string, head http.Header, secure bool) {
	t.Helper()
	want := map[string]string{
		"Cache-Control":                "no-store",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"X-Robots-Tag":                 "noindex, nofollow",
		"Strict-Transport-Security":    "",
	}
	if secure {
		want["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
	}
	for name, value := range want {
		if got := head.Get(name); got != value {
			t.Errorf("%s: %s is %q, want %q", what, name, got, value)
		}
	}
	policy := head.Get("Content-Security-Policy")
	for _, part := range []string{
		"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "!unsafe",
	} {
		if unwanted, no := strings.CutPrefix(part, "!"); strings.Contains(policy, unwanted) == no {
			t.Errorf("%s: Content-Security-Policy %q, want %s", what, policy, part)
		}
	}
}

func TestCookie(t *testing.T) {
	for scheme, want := range map[string]string{
		"https://go.acme.example": "__Host-postern=SECRET; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
		"http://localhost":        "postern=SECRET; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax",
	} {
		base, err := pages.ParseBase(scheme)
		if err != nil {
			t.Fatal(err)
		}
		h := newHouse(t, func(c *links.DoorConfig) { c.Base = base })
		_, address := h.mint("ticket")
		reply, path := httptest.NewRecorder(), strings.TrimPrefix(address, scheme)
		h.door.ServeHTTP(reply, httptest.NewRequestWithContext(t.Context(), "POST", path, nil))
		got := regexp.MustCompile(`=[a-z2-7]{52};`).ReplaceAllString(reply.Header().Get("Set-Cookie"), "=SECRET;")
		if got != want {
			t.Errorf("%s: cookie %q, want %q", scheme, got, want)
		}
	}
}

func TestCalmPages(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)

	h.book.Landings["ticket"].Module = nil
	v.get(page.path).expect(t, 410, "no longer offered")
	delete(h.book.Landings, "ticket")
	v.get(page.path).expect(t, 410, "no longer offered")
	v.send("POST", address, nil).expect(t, 410, "no longer offered")
	h.book = book()

	h.drop()
	v.get(page.path).expect(t, 410, "no longer there")
	v.get(page.path+"/resolve").expect(t, 410, "no longer there")
	v.submit(page, url.Values{"ticket_title": {"x"}}).expect(t, 410, "no longer there")
}

func TestFailuresGetACode(t *testing.T) {
	broken := &breaking{}
	h := newHouse(t, func(c *links.DoorConfig) { broken.CRM, c.CRM = c.CRM, broken })
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	broken.err = errors.New("connection refused by crm.internal")
	failed := v.get(page.path)
	failed.expect(t, 503, "Not just now, sorry", "!crm.internal", "!refused")
	code := regexp.MustCompile(`<strong class="code" dir="ltr">([A-Z2-7]{8})</strong>`).FindStringSubmatch(failed.text)
	if code == nil {
		t.Fatalf("no code on the page:\n%s", failed.text)
	}
	for _, want := range []string{code[1], "connection refused by crm.internal", "GET /f/{flow}"} {
		if !strings.Contains(h.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, h.log.String())
		}
	}
	if failed.head.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

type breaking struct {
	engine.CRM
	err error
}

func (b *breaking) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.CRM.Get(ctx, refs...)
}

func TestLanguages(t *testing.T) {
	h := newHouse(t)
	v := h.visitor()
	v.head.Set("Accept-Language", "es-MX,es;q=0.9")
	for lang, want := range map[string]string{
		"nl-BE": `<html lang="nl" dir="ltr">`, "": `<html lang="es" dir="ltr">`, "tlh": `<html lang="es" dir="ltr">`,
	} {
		_, address := h.mint("ticket", func(terms *engine.LinkTerms) { terms.Language = lang })
		v.get(address).expect(t, 200, want)
	}
	_, address := h.mint("ticket", func(terms *engine.LinkTerms) { terms.Language = "nl" })
	v.open(address).expect(t, 200, "Opgelost", "Stand", "Opslaan", "Ticket TT42")
}

func TestStylesheet(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	paths := regexp.MustCompile(`/assets/[0-9a-f]{16}\.(css|svg)`).FindAllString(v.get(address).text, -1)
	if len(paths) != 2 {
		t.Fatalf("assets %q", paths)
	}
	for _, path := range paths {
		file := v.get(path)
		kind := file.head.Get("Content-Type")
		if !slices.Contains([]string{"text/css; charset=utf-8", "image/svg+xml"}, kind) ||
			!strings.Contains(file.head.Get("Cache-Control"), "immutable") || file.status != 200 {
			t.Errorf("%s: %d %s %s", path, file.status, kind, file.head.Get("Cache-Control"))
		}
	}
	v.get("/assets/0000000000000000.css").expect(t, 404)
}
