package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/mail/mailtest"
	"postern/internal/yamldoc"
	"postern/portal"
	"postern/workflows"
)

// mailedHouse is the whole house, with the shipped portals and the workflows that mail their people, and a mail server:
// whoever follows a link here has it from a mail.
type mailedHouse struct {
	*trialHouse
	server *mailtest.Server
	read   map[int]bool // mails that a test has looked at
}

// doorstep is what a mail calls our address.
const doorstep = "http://localhost:8080"

func newMailedHouse(t *testing.T, change ...func(*config)) *mailedHouse {
	t.Helper()
	h := &mailedHouse{server: (&mailtest.Server{}).Start(t), read: map[int]bool{}}
	h.trialHouse = houseWith(t, startBroker(t).server.Address(), t.TempDir(), func(c *config) {
		c.Web.BaseURL, c.Channels = doorstep, nil
		text := fmt.Sprintf("{ email: { host: 127.0.0.1, port: %d, tls: none, from: Acme <support@acme.example> }, "+
			"sms: { kind: capture } }", h.server.Port)
		doc, diags := yamldoc.Parse("test", []byte(text))
		if err := diags.Err(); err != nil {
			t.Fatal(err)
		}
		if err := yamldoc.Decode(doc.Root(), &c.Channels).Err(); err != nil {
			t.Fatal(err)
		}
		addPortalMails(t, c.Book)
		for _, more := range change {
			more(c)
		}
	})
	h.run()
	h.until("/healthz/ready", http.StatusOK)
	return h
}

// addPortalMails puts the shipped workflows that mail people of portals into a book.
func addPortalMails(t *testing.T, book string) {
	t.Helper()
	found, err := fs.Glob(workflows.Shipped, "portal-*.yaml")
	if err != nil || len(found) == 0 {
		t.Fatalf("no workflows of portals: %v", err)
	}
	for _, name := range found {
		if strings.HasSuffix(name, ".test.yaml") {
			continue
		}
		text, err := fs.ReadFile(workflows.Shipped, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(book, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// person is somebody who may sign in, as the CRM has them.
type person struct{ portal, subject, address, language string }

// known tells the house of people.
func (h *mailedHouse) known(people ...person) {
	h.t.Helper()
	for i, p := range people {
		event := fmt.Sprintf(`{"specversion":"1.0","id":"p%d-%s","source":"crm","type":"record.created","subject":%q,`+
			`"data":{"record":{"firstname":"Zoë","lastname":"O'Brien","email":%q,"portal":true,`+
			`"template_language":%q}}}`, i, p.address, p.subject, p.address, p.language)
		if got := h.ask(http.MethodPost, "/events", event); got.status != http.StatusAccepted {
			h.t.Fatalf("%s is answered %+v", p.subject, got)
		}
	}
	for _, p := range people {
		h.await(p.subject)
	}
}

// browser is one that nobody has used yet.
func (h *mailedHouse) browser() *visitor { return newVisitor(h.t, h.handler) }

// asks has somebody ask for a link, by a form that answers everybody alike.
func (h *mailedHouse) asks(p person, page string) {
	h.t.Helper()
	h.browser().post("/portal/"+p.portal+"/"+page, url.Values{"name": {p.address}}, http.StatusAccepted)
}

// mail waits for a mail of a shipped template to an address that no test has looked at yet, and returns its text. It
// names the portal.
func (h *mailedHouse) mail(p person, template string) string {
	h.t.Helper()
	return h.arrived(p.address, subjectOf(h.t, p, template), h.bookInUse().Portals[p.portal].Label.In(p.language))
}

// subjectOf is the subject of a shipped template.
func subjectOf(t testing.TB, p person, template string) string {
	t.Helper()
	text, err := fs.ReadFile(workflows.Shipped, "templates/"+template+"/email."+p.language+".subject")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// arrived waits for a mail with a subject that says something, and returns its text.
func (h *mailedHouse) arrived(to, subject, says string) string {
	h.t.Helper()
	var seen []string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		seen = seen[:0]
		for i, m := range h.server.Mails() {
			mail := mailtest.Parse(h.t, m.Raw)
			seen = append(seen, m.To+": "+mail.Text("Subject"))
			text := mail.Parts["text/plain"]
			if !h.read[i] && m.To == to && mail.Text("Subject") == subject && strings.Contains(text, says) {
				h.read[i] = true
				return text
			}
		}
	}
	h.t.Fatalf("no mail %q to %s came that says %s; there are %q", subject, to, says, seen)
	return ""
}

// unread are the mails to an address that no test has looked at.
func (h *mailedHouse) unread(to string) (subjects []string) {
	h.t.Helper()
	for i, m := range h.server.Mails() {
		if m.To == to && !h.read[i] {
			subjects = append(subjects, mailtest.Parse(h.t, m.Raw).Text("Subject"))
		}
	}
	return subjects
}

var mailedLink = regexp.MustCompile(`(?m)` + regexp.QuoteMeta(doorstep) + `(/l/[a-z0-9]+)`)

// linkIn is the path of the one link of a mail.
func (h *mailedHouse) linkIn(text string) string {
	h.t.Helper()
	found := map[string]bool{}
	for _, match := range mailedLink.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	for path := range found {
		if len(found) == 1 {
			return path
		}
	}
	h.t.Fatalf("the links are %v in\n%s", found, text)
	return ""
}

// enters signs somebody in by a form, and returns where that leads.
func (v *visitor) enters(p person, password string, want int) (to string) {
	v.t.Helper()
	form := url.Values{"name": {p.address}, "password": {password}}
	_, to = v.post("/portal/"+p.portal+"/sign-in", form, want)
	return to
}

// passes goes through the door of a link.
func (v *visitor) passes(link string) (page string) {
	v.t.Helper()
	_, page = v.post(link, nil, http.StatusSeeOther)
	return page
}

// scanned is what scanners, previews and browsers that read ahead do with a link.
func (h *mailedHouse) scanned(link string) {
	h.t.Helper()
	h.browser().get(link, http.StatusOK)
	scanner := h.browser()
	scanner.held(scanner.send(http.MethodHead, link, nil), link, http.StatusOK)
	for _, header := range []http.Header{
		{"Sec-Purpose": {"prefetch"}},
		{"Sec-Purpose": {"prefetch;prerender"}},
		{"Purpose": {"prefetch"}},
		{"X-Moz": {"prefetch"}},
	} {
		v := h.browser()
		v.header = header
		v.get(link, http.StatusOK)
	}
}

// ref is the record of a person.
func (p person) ref() engine.Ref {
	module, id, _ := strings.Cut(p.subject, "/")
	return engine.Ref{Module: module, ID: id}
}

// shutOut takes the flag from a record that lets its person in.
func (h *mailedHouse) shutOut(p person) {
	h.t.Helper()
	event := fmt.Sprintf(`{"specversion":"1.0","id":"out-%s","source":"crm","type":"record.updated","subject":%q,`+
		`"data":{"record":{"portal":false},"changed":["portal"],"partial":true}}`, p.address, p.subject)
	if got := h.ask(http.MethodPost, "/events", event); got.status != http.StatusAccepted {
		h.t.Fatalf("%s is answered %+v", p.subject, got)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		records, err := h.store.Records(h.t.Context(), []engine.Ref{p.ref()})
		if err != nil || time.Now().After(end) {
			h.t.Fatalf("%s still may come in: %v", p.subject, err)
		}
		if records[0].Fields["portal"] == false {
			return
		}
	}
}

// deeds are those of a kind in the audit, the oldest first.
func (h *mailedHouse) deeds(kind string) (found []engine.Deed) {
	h.t.Helper()
	err := h.store.Deeds(h.t.Context(), 0, func(d engine.Deed) error {
		if d.Kind == kind {
			found = append(found, d)
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

// patches changes the person's own record by the API, in the session of a browser.
func (h *mailedHouse) patches(v *visitor, p person, set engine.Fields) {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"fields": set})
	if err != nil {
		h.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(h.t.Context(), http.MethodPatch,
		"/portal/api/v1/"+p.portal+"/records/"+p.subject, strings.NewReader(string(body)))
	r.Host = v.host
	r.Header.Set("Authorization", "Bearer "+v.cookies["ps-"+p.portal])
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if h.handler.ServeHTTP(w, r); w.Code != http.StatusOK {
		h.t.Fatalf("a change is answered %d %s", w.Code, w.Body)
	}
}

// enrols keeps an authenticator of a person.
func (h *mailedHouse) enrols(p person) {
	h.t.Helper()
	now := time.Now()
	err := h.store.PutAuthenticator(h.t.Context(), portal.Authenticator{
		Holder: portal.Holder{Portal: p.portal, Subject: p.ref()}, Secret: []byte("sealed"), Added: now,
	}, portal.Told{Deed: engine.Deed{At: now, Kind: engine.DeedPortalFactorSet, Actor: "test"}})
	if err != nil {
		h.t.Fatal(err)
	}
}

// signedIn sees who is signed in with a browser.
func (h *mailedHouse) signedIn(v *visitor, p person) {
	h.t.Helper()
	viewer, err := h.portals.gate.Viewer(h.t.Context(), p.portal, v.cookies["ps-"+p.portal])
	if err != nil || viewer.Ref() != p.ref() {
		h.t.Errorf("%v is signed in, want %s: %v", viewer.Me, p.subject, err)
	}
}
