package pages

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/pages"
	"postern/portal"
)

// What nobody is signed in for leads to signing in and back; what is not there looks the same everywhere.
func TestNobodySeesNothing(t *testing.T) {
	p := emptyPages(t)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/portal/customers":            {http.StatusSeeOther, "/portal/customers/sign-in"},
		"/portal/customers/":           {http.StatusSeeOther, "/portal/customers/sign-in"},
		"/portal/nobodys":              {http.StatusNotFound, "This is not here"},
		"/portal/customers/no/page":    {http.StatusNotFound, "This is not here"},
		"/portal/":                     {http.StatusNotFound, "This is not here"},
		"/portal/customers/..%2f..%2f": {http.StatusNotFound, "This is not here"},
	} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != want.status || !strings.Contains(w.Body.String()+w.Header().Get("Location"), want.text) {
			t.Errorf("%s is %d %s\n%s", path, w.Code, w.Header(), w.Body)
		}
	}
}

// Nobody is led to another site by an address that somebody made.
func TestWaysBackStayInside(t *testing.T) {
	c := &call{portal: &engine.Portal{Name: "customers"}}
	for to, want := range map[string]string{
		"/portal/customers/records/HelpDesk?q=a%20b": "/portal/customers/records/HelpDesk?q=a%20b",
		"/portal/customers":                          "/portal/customers",
		"https://evil.example/portal/customers/x":    "/portal/customers",
		"//evil.example/portal/customers/x":          "/portal/customers",
		"/portal/customers/../../../evil":            "/portal/customers",
		"/portal/customers/\\evil.example":           "/portal/customers",
		"/portal/customersx/y":                       "/portal/customers",
		"/portal/employees/records":                  "/portal/customers",
		"javascript:alert(1)":                        "/portal/customers",
		"/portal/customers//evil.example":            "/portal/customers",
		"/portal/customers/%2e%2e/x":                 "/portal/customers",
		"":                                           "/portal/customers",
	} {
		if got := c.inside(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

// emptyPages are pages of a portal without records.
func emptyPages(t *testing.T) *Pages {
	t.Helper()
	base, err := pages.ParseBase("http://localhost:8080")
	if err != nil {
		t.Fatal(err)
	}
	book := &engine.Book{Portals: map[string]*engine.Portal{"customers": {Name: "customers"}}}
	p, err := New(Config{
		Gate: &portal.Gate{}, Book: func() *engine.Book { return book }, Base: base, Clock: engine.SystemClock{},
		Random: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
