package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"postern/engine"
	"postern/portal/portaltest/house"
)

const (
	tickets = "/portal/customers/records/HelpDesk"
	ticket  = "/portal/customers/records/HelpDesk/17x1"
	change  = "/portal/customers/edit/HelpDesk/17x1"
)

func TestHomeShowsWhatThereIs(t *testing.T) {
	s := newStage(t)
	s.person(house.Customers, house.Ana).get("/portal/customers").expect(t, http.StatusOK,
		"Welcome, Ana Ort", "My Acme", tickets, "3 entries", "Sign out", "-Asset", "-Salar")
	s.Put(house.Ana, engine.Fields{"template_language": "ar"})
	s.person(house.Customers, house.Ana).get("/portal/customers").expect(t, http.StatusOK, `lang="ar" dir="rtl"`)
}

func TestListIsSearchedFilteredAndSorted(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Customers, house.Ana)
	for query, want := range map[string][]string{
		"":                              {"TT1", "TT2", "TT5", "-TT3", "-secret"},
		"q=PRINTER":                     {"TT1", "-TT2", "TT5", "2 entries", "Show all"},
		"q=printer+fire":                {"TT1", "-TT2", "-TT5"},
		"q=elephant":                    {"Nothing was found", "-TT1"},
		"is.ticketstatus=Closed":        {"TT5", "-TT1", "<details class=\"filters\" open"},
		"is.ticketstatus=Broken":        {"TT1", "TT2", "TT5"},
		"from.rank=2&to.rank=4":         {"TT2", "-TT1", "-TT5"},
		"from.hours=2%2C6":              {"TT5", "-TT1"},
		"from.rank=2%2C5":               {"Please write a number", "TT1"},
		"from.rank=two":                 {"Please write a number", "TT1"},
		"to.due=2026-12-02":             {"TT1", "TT2", "-TT5"},
		"from.due=tomorrow":             {"Please write a date", "TT1"},
		"is.urgent=yes":                 {"TT1", "-TT2"},
		"is.secret=x&from.secret=a":     {"TT1", "TT2", "TT5"},
		"sort=secret":                   {"TT1", "TT2", "TT5"},
		"after=nonsense":                {"TT1"},
		"at=-5":                         {"TT1"},
		"q=" + strings.Repeat("a+", 50): {"TT1"},
	} {
		v.get(tickets+"?"+query).expect(t, http.StatusOK, want...)
	}
	page := v.get(tickets+"?sort=-rank").expect(t, http.StatusOK, `aria-sort="descending"`)
	if strings.Index(page.text, "TT5") > strings.Index(page.text, "TT1") {
		t.Error("the list is not sorted the other way round")
	}
}

func TestListIsTurned(t *testing.T) {
	s := newStage(t)
	for n := range 60 {
		s.Put(engine.Ref{Module: "HelpDesk", ID: fmt.Sprintf("17x%d", 100+n)}, engine.Fields{
			"ticket_no": fmt.Sprintf("MANY%02d", n), "ticket_title": "many", "parent_id": house.Ana.ID,
		})
	}
	v := s.person(house.Customers, house.Ana)
	page := v.get(tickets+"?q=many&sort=ticket_no").expect(t, http.StatusOK, "1 to 25 of 60", "-MANY25", "-Previous")
	page = v.get(tickets+link(t, page, "next")).expect(t, http.StatusOK, "26 to 50 of 60", "MANY25", "-MANY24")
	page = v.get(tickets+link(t, page, "next")).expect(t, http.StatusOK, "51 to 60 of 60", "MANY59", `-rel="next"`)
	page = v.get(tickets+link(t, page, "prev")).expect(t, http.StatusOK, "26 to 50 of 60", "MANY49")
	v.get(tickets+link(t, page, "prev")).expect(t, http.StatusOK, "1 to 25 of 60", "MANY00")
}

// link is where a link of a page leads by its relation.
func link(t *testing.T, page shown, rel string) string {
	t.Helper()
	_, rest, found := strings.Cut(page.text, `rel="`+rel+`" href="`)
	href, _, _ := strings.Cut(rest, `"`)
	if !found {
		t.Fatalf("%s has no link to the %s page\n%s", page.path, rel, page.text)
	}
	return strings.ReplaceAll(href, "&amp;", "&")
}

func TestRecordIsShown(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Customers, house.Ana)
	v.get(ticket).expect(t, http.StatusOK, "TT1 Printer on fire", "About Printer on fire", change,
		"We look at it", "Contract of Acme", "-Contract of Globex", "-/delete/", "-secret",
		"1 December 2026", "/portal/customers/records/ModComments/29x1")
	v.get(ticket+"/ModComments").expect(t, http.StatusOK, "We look at it", "TT1 Printer on fire")
	v.get(ticket+"/Invoice").expect(t, http.StatusForbidden, "not open to you")
	// A reference leads on where the viewer may go, and its bare id is never shown.
	v.get("/portal/customers/records/ModComments/29x1").expect(t, http.StatusOK, `href="`+ticket+`"`)
	s.Put(house.Ref("HelpDesk/17x1"), engine.Fields{"parent_id": "11x1"})
	v.get(ticket).expect(t, http.StatusOK, "<bdi>Belongs to</bdi></dt><dd>Acme")
	for path, status := range map[string]int{
		tickets + "/17x3": http.StatusNotFound, tickets + "/17x99": http.StatusNotFound,
		"/portal/customers/records/Assets":       http.StatusForbidden,
		"/portal/customers/records/Nothing":      http.StatusForbidden,
		"/portal/customers/edit/HelpDesk/17x3":   http.StatusNotFound,
		"/portal/customers/edit/Invoice/7x1":     http.StatusForbidden,
		"/portal/customers/delete/HelpDesk/17x1": http.StatusForbidden,
		"/portal/customers/new/Invoice":          http.StatusForbidden,
		"/portal/staff/records/HelpDesk":         http.StatusOK, // signing in to another portal
	} {
		if got := v.get(path).status; status != http.StatusOK && got != status {
			t.Errorf("%s is %d, want %d", path, got, status)
		}
	}
	// Not there and not theirs are one and the same page.
	there, none := v.get(tickets+"/17x3"), v.get(tickets+"/17x99")
	if there.text != none.text {
		t.Errorf("one can tell which records there are:\n%s\n%s", there.text, none.text)
	}
}

func TestRecordIsChanged(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Customers, house.Ana)
	page := v.get(change).expect(t, http.StatusOK, "Change: TT1 Printer on fire", `type="file"`, "-ticketstatus")
	v.submit(page, url.Values{"description": {"Smoke & flames"}, "ticketstatus": {"Closed"}}).
		expect(t, http.StatusOK, "Saved. Thank you.", "Smoke &amp; flames")
	if got := s.Fields(house.Ref("HelpDesk/17x1")); got.Text("description") != "Smoke & flames" ||
		got.Text("ticketstatus") != "Open" || got.Text("secret") != "secret of TT1" {
		t.Errorf("the record is %v", got)
	}
	v.submit(v.get(change), nil).expect(t, http.StatusOK, "nothing was changed")
	v.submit(v.get(change), url.Values{"ticket_title": {""}, "rank": {"first"}}).
		expect(t, http.StatusUnprocessableEntity, "Please look at this again", "Please fill this in", "whole number")
	// Somebody else was faster: nothing is lost, and what they wrote is told.
	page = v.get(change)
	s.Put(house.Ref("HelpDesk/17x1"), engine.Fields{"description": "It is out again"})
	page = v.submit(page, url.Values{"description": {"Worse"}}).
		expect(t, http.StatusConflict, "Nothing is lost", "Meanwhile changed to: It is out again", "Worse")
	v.submit(shown{path: change, text: page.text}, url.Values{"description": {"Worse"}}).
		expect(t, http.StatusOK, "Saved. Thank you.")
	if got := s.Fields(house.Ref("HelpDesk/17x1")).Text("description"); got != "Worse" {
		t.Errorf("the description is %q", got)
	}
	// A manager moves a ticket away from themselves, which the rows of their role do not let them do.
	m := s.person(house.Customers, house.Mia)
	page = m.get(change).expect(t, http.StatusOK, "Belongs to")
	m.submit(page, url.Values{"parent_id": {"11x2"}}).expect(t, http.StatusUnprocessableEntity, "one of the options")
}

func TestFreshFieldsAskForASignIn(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Customers, house.Ana)
	self := "/portal/customers/edit/Contacts/12x1"
	page := v.get(self).expect(t, http.StatusOK, `name="email"`)
	s.Advance(engine.FreshSignIn)
	typed := url.Values{"email": {"new@acme.example"}, "phone": {"+34 600 000 000"}}
	kept := v.submit(page, typed).expect(t, http.StatusForbidden, "Nothing was saved", `value="new@acme.example"`,
		`value="&#43;34 600 000 000"`)
	if got := s.Fields(house.Ana); got.Text("email") != "ana@acme.example" || got.Text("phone") != "" {
		t.Errorf("the contact is %v", got)
	}
	v.submit(page, url.Values{"email": {"ana@acme.example"}, "phone": {"+34 1"}}).expect(t, http.StatusOK, "Saved")
	v.get(self).expect(t, http.StatusOK, `-name="email"`, `name="phone"`, "sign in once more first: Email",
		"/portal/customers/sign-in?to=%2Fportal%2Fcustomers%2Fedit%2FContacts%2F12x1")

	// They sign in once more in another window, come back, and what they typed is saved.
	v.send(http.MethodPost, signInAt, url.Values{"name": {"ana@acme.example"}, "password": {password}})
	v.submit(kept, typed).expect(t, http.StatusConflict, "&#43;34 1")
	v.submit(kept, url.Values{"email": {"new@acme.example"}}).expect(t, http.StatusOK, "Saved")
	if got := s.Fields(house.Ana); got.Text("email") != "new@acme.example" || got.Text("phone") != "+34 1" {
		t.Errorf("the contact is %v", got)
	}
}

func TestRecordIsMadeOnce(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Customers, house.Ana)
	page := v.get("/portal/customers/new/HelpDesk").expect(t, http.StatusOK, "Add: Ticket", "-ticketstatus")
	v.submit(page, nil).expect(t, http.StatusUnprocessableEntity, "Please fill this in")
	made := v.submit(page, url.Values{"ticket_title": {"No toner"}, "parent_id": {"11x2"}}).
		expect(t, http.StatusOK, "Saved. Thank you", "No toner", "Acme")
	again := v.submit(page, url.Values{"ticket_title": {"No toner"}})
	if again.path != made.path {
		t.Errorf("a second press made %s, the first %s", again.path, made.path)
	}
	v.send(http.MethodPost, "/portal/customers/new/HelpDesk", url.Values{"ticket_title": {"x"}}).
		expect(t, http.StatusBadRequest)
	page = v.get("/portal/customers/new/ModComments").expect(t, http.StatusOK, "TT1 Printer on fire", "-Globex")
	v.submit(page, url.Values{"commentcontent": {"Still smoking"}, "related_to": {"17x1"}}).
		expect(t, http.StatusOK, "Still smoking")
}

// A record that belongs to another is begun beside it: it is filled in whose it is, and one comes back there.
func TestRecordIsMadeBesideAnother(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Customers, house.Ana)
	form := "/portal/customers/new/ModComments"
	v.get(ticket).expect(t, http.StatusOK, `href="`+form+`?related_to=17x1"`)
	v.get(ticket+"/ModComments").expect(t, http.StatusOK, `href="`+form+`?related_to=17x1"`)
	page := v.get(form+"?related_to=17x1").
		expect(t, http.StatusOK, `value="17x1" type="radio" checked`, `class="button" href="`+ticket+`"`)
	done := v.submit(page, url.Values{"commentcontent": {"It smokes again"}, "related_to": {"17x1"}}).
		expect(t, http.StatusOK, "Saved. Thank you.", "TT1 Printer on fire", "It smokes again")
	if done.path != ticket {
		t.Errorf("it leads to %s, want back to %s", done.path, ticket)
	}
	// What is somebody else's, not there, or no reference of the form's, is a form that begins as any other.
	for _, query := range []string{"related_to=17x3", "related_to=17x99", "commentcontent=typed", "id=17x1"} {
		v.get(form+"?"+query).expect(t, http.StatusOK,
			`-value="17x3"`, `-value="17x99"`, `-value="17x1" type="radio" checked`, "->typed",
			`class="button" href="/portal/customers/records/ModComments"`)
	}
}

func TestRecordIsDeleted(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Customers, house.Mia)
	page := v.get("/portal/customers/delete/HelpDesk/17x5").expect(t, http.StatusOK,
		"Delete: TT5 Old printer?", "Keep it")
	v.send(http.MethodPost, page.path, nil).expect(t, http.StatusBadRequest)
	s.Put(house.Ref("HelpDesk/17x5"), engine.Fields{"description": "Look at me first"})
	page = v.submit(page, nil).expect(t, http.StatusConflict, "not deleted", "Look at me first")
	v.submit(shown{path: "/portal/customers/delete/HelpDesk/17x5", text: page.text}, nil).
		expect(t, http.StatusOK, "Deleted.", "-TT5")
	if s.Fields(house.Ref("HelpDesk/17x5")) != nil {
		t.Error("the record is still there")
	}
}

func TestFilesComeAndGo(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Customers, house.Ana)
	const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR and so on"
	page := v.get(change).expect(t, http.StatusOK, `enctype="multipart/form-data"`)
	v.upload(page, nil, "attachment", `..\cat "meow".exe`, "<html>no picture").
		expect(t, http.StatusUnprocessableEntity, "Files of this kind cannot be taken")
	v.upload(page, nil, "attachment", `cat ü.png`, png).expect(t, http.StatusOK, "Saved", "cat ü.png (1 kB)")
	file := v.get("/portal/customers/file/HelpDesk/17x1/attachment")
	if file.text != png || file.header.Get("Content-Type") != "image/png" ||
		!strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment; filename") ||
		file.header.Get("X-Content-Type-Options") != "nosniff" || file.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the file comes as %v %q", file.header, file.text)
	}
	s.person(house.Customers, house.Bob).get("/portal/customers/file/HelpDesk/17x1/attachment").
		expect(t, http.StatusNotFound)
	v.get("/portal/customers/file/HelpDesk/17x1/secret").expect(t, http.StatusNotFound)
	v.get("/portal/customers/file/HelpDesk/17x2/attachment").expect(t, http.StatusNotFound)
	var said struct{ Name string }
	stored := s.Fields(house.Ref("HelpDesk/17x1")).Text("attachment")
	if err := json.Unmarshal([]byte(stored), &said); err != nil || said.Name != "cat ü.png" {
		t.Errorf("the field says %q, %v", stored, err)
	}
}

// upload sends a form with a file.
func (p *person) upload(page shown, values url.Values, field, name, content string) shown {
	p.s.t.Helper()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for _, found := range hidden.FindAllStringSubmatch(page.text, -1) {
		_ = parts.WriteField(found[1], found[2])
	}
	for key := range values {
		_ = parts.WriteField(key, values.Get(key))
	}
	part, err := parts.CreateFormFile(field, name)
	if err != nil {
		p.s.t.Fatal(err)
	}
	_, _ = part.Write([]byte(content))
	_ = parts.Close()
	r, err := http.NewRequestWithContext(p.s.t.Context(), http.MethodPost, p.s.url+page.path, &body)
	if err != nil {
		p.s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", parts.FormDataContentType())
	return p.do(r)
}
