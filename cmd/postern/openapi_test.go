package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"postern/internal/apicontract"
	"postern/internal/web"
	"postern/schemas"
)

// The document of the API holds for what is asked and answered: every path of the port is in it, and answers of each
// kind are held against it.

// apiHouse is a house that serves the book of testdata/api-book.txtar, with a key that opens everything.
type apiHouse struct {
	*trialHouse

	contract *apicontract.Contract
	cookies  []*http.Cookie
	visitor  string // in place of the cookies
}

const everything = "a-key-that-opens-everything"

func newAPIHouse(t *testing.T, change ...func(*config)) *apiHouse {
	t.Helper()
	t.Setenv("API_KEY", everything)
	t.Setenv("NARROW_KEY", "a-key-that-opens-little")
	h := houseWith(t, startBroker(t).server.Address(), t.TempDir(), func(c *config) {
		c.Book = bookOf(t, "testdata/api-book.txtar")
		c.API.Keys = map[string]web.Key{
			"shop":   {Env: "API_KEY", Scopes: []string{"events", "runs", "links", "check", "files"}},
			"narrow": {Env: "NARROW_KEY"},
		}
		for _, f := range change {
			f(c)
		}
	})
	h.run()
	h.until("/healthz/ready", http.StatusOK)
	return &apiHouse{trialHouse: h, contract: apicontract.New(t, schemas.API())}
}

// bookOf is a folder with the files of an archive.
func bookOf(t *testing.T, archive string) string {
	t.Helper()
	files, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, file := range files.Files {
		path := filepath.Join(folder, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// send asks the house, holds request and answer against the document, and returns the answer. A request that is wrong
// on purpose has ! in front of its method.
func (h *apiHouse) send(method, path, body string, headers ...string) (int, map[string]any) {
	h.t.Helper()
	method, wrong := strings.CutPrefix(method, "!")
	request := func() *http.Request {
		r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
		r.Header.Set("Accept", "application/json")
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if strings.HasPrefix(path, "/api/") || path == "/events" {
			r.Header.Set("Authorization", "Bearer "+everything)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		if machine := r.Header.Get("Authorization") != ""; machine {
			return r
		}
		if h.visitor != "" {
			r.Header.Set("Postern-Visitor", h.visitor)
		}
		for _, c := range h.cookies {
			r.AddCookie(c)
		}
		return r
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, request())
	for _, c := range w.Result().Cookies() {
		h.cookies = slices.DeleteFunc(h.cookies, func(old *http.Cookie) bool { return old.Name == c.Name })
		h.cookies = append(h.cookies, c)
	}
	text := w.Body.String()
	if !wrong {
		if err := h.contract.Request(request(), body); err != nil {
			h.t.Errorf("%s %s %s is not as the document says: %v", method, path, body, err)
		}
	}
	if err := h.contract.Answer(request(), w.Code, w.Header(), text); err != nil {
		h.t.Errorf("%s %s: the answer %d %s is not as the document says: %v", method, path, w.Code, text, err)
	}
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		h.t.Fatalf("%s %s answers %d %q: %v", method, path, w.Code, text, err)
	}
	if visitor, ok := value["visitor"].(string); ok {
		h.visitor = visitor
	}
	return w.Code, value
}

// expect is send where the status is known.
func (h *apiHouse) expect(status int, method, path, body string, headers ...string) map[string]any {
	h.t.Helper()
	got, value := h.send(method, path, body, headers...)
	if got != status {
		h.t.Fatalf("%s %s %s answers %d %v, want %d", method, path, body, got, value, status)
	}
	return value
}

// ticket publishes the ticket that the tests are about and waits for it.
func (h *apiHouse) ticket() {
	h.t.Helper()
	h.expect(http.StatusAccepted, "POST", "/events", `{"specversion":"1.0","id":"1","source":"crm",
		"type":"record.created","subject":"Tickets/1","data":{"record":{
		"name":"Stuck door","status":"Open","pin":"471126","key":"abcdefghijklmnopqrstuv"}}}`,
		"Content-Type", "application/cloudevents+json")
	h.await("Tickets/1")
}

// Every path that the port answers is in the document, with the methods that it takes, and no other is.
func TestDocumentHasEveryPath(t *testing.T) {
	h := newAPIHouse(t)
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(schemas.API(), &document); err != nil {
		t.Fatal(err)
	}
	served := h.door.Paths()
	served = append(served, h.portals.api.Paths()...)
	for pattern := range h.machineRoutes() {
		served = append(served, pattern)
	}
	for _, pattern := range served {
		told := strings.Replace(pattern, "/L/", "/l/", 1) // the same in capitals, for QR codes
		if pattern == "/healthz/" {
			told += "ready"
		}
		if document.Paths[told] == nil {
			t.Errorf("%s is served, and not in the document", pattern)
		}
	}
	for path, methods := range document.Paths {
		inFolder := func(pattern string) bool {
			return strings.HasSuffix(pattern, "/") && strings.HasPrefix(path, pattern)
		}
		if !slices.Contains(served, path) && !slices.ContainsFunc(served, inFolder) {
			t.Errorf("%s is in the document, and not served", path)
		}
		for _, method := range []string{"get", "post"} {
			plain := strings.NewReplacer("{", "", "}", "").Replace(path)
			r := httptest.NewRequestWithContext(t.Context(), strings.ToUpper(method), plain, nil)
			w := httptest.NewRecorder()
			h.handler.ServeHTTP(w, r)
			if taken := w.Code != http.StatusMethodNotAllowed; taken != (methods[method] != nil) {
				t.Errorf("%s %s answers %d; in the document: %v", method, path, w.Code, methods[method] != nil)
			}
		}
	}
}

func TestMachinesAreAnsweredAsTheDocumentSays(t *testing.T) {
	h := newAPIHouse(t)
	h.expect(200, "GET", "/healthz/live", "")
	h.expect(200, "GET", "/healthz/ready", "")
	if got := h.ask(http.MethodGet, "/api/openapi.json", ""); got.status != 200 || got.body != string(schemas.API()) {
		t.Errorf("the document is answered %d with %d bytes", got.status, len(got.body))
	}
	h.ticket()
	h.expect(200, "GET", "/api/workflows", "")
	h.expect(202, "POST", "/api/runs", `{"workflow":"remind","record":"Tickets/1"}`, "Idempotency-Key", "1")
	h.expect(422, "POST", "/api/runs", `{"workflow":"other","record":"Tickets/1"}`)
	h.expect(401, "!POST", "/api/runs", `{"workflow":"remind","record":"Tickets/1"}`, "Authorization", "Bearer wrong")
	h.expect(400, "!POST", "/events", `{}`)
	h.expect(404, "GET", "/api/files/0192f3a4-0000-7000-8000-000000000000", "")

	made := h.expect(201, "POST", "/api/links", `{"landing":"ticket","record":"Tickets/1","expires":"2d"}`)
	token := made["url"].(string)[strings.LastIndex(made["url"].(string), "/")+1:]
	stands := h.expect(200, "POST", "/api/links/check", `{"token":"`+token+`"}`)
	if stands["active"] != true || stands["record"] != "Tickets/1" || stands["uses_left"] != 9.0 ||
		stands["factor_owed"] != nil {
		t.Errorf("the link stands as %v", stands)
	}
	stands = h.expect(200, "POST", "/api/links/check", `{"token":"`+made["url"].(string)+`"}`)
	if stands["active"] != true {
		t.Errorf("by its address the link stands as %v", stands)
	}
	h.expect(400, "!POST", "/api/links/check", `{"token":"a","landing":"b","external_id":"c"}`)
	h.expect(400, "!POST", "/api/links/check", `[]`)
	h.expect(403, "POST", "/api/links/check", `{"token":"`+token+`"}`,
		"Authorization", "Bearer a-key-that-opens-little")
	if got := h.expect(200, "POST", "/api/links/revoke", `{"token":"`+token+`"}`); got["revoked"] != 1.0 {
		t.Errorf("revoked %v", got)
	}
	for name, question := range map[string]string{
		"revoked": token, "unknown": "b" + strings.Repeat("c", 26), "none": "x", "long": strings.Repeat("a", 4000),
	} {
		got := h.expect(200, "POST", "/api/links/check", `{"token":"`+question+`"}`)
		if len(got) != 1 || got["active"] != false {
			t.Errorf("one that is %s stands as %v", name, got)
		}
	}

	for name, c := range map[string]struct {
		landing, value string
		active         bool
	}{
		"its own":              {"secured", "abcdefghijklmnopqrstuv", true},
		"another":              {"secured", "bbcdefghijklmnopqrstuv", false},
		"one that is none":     {"secured", " ", false},
		"of a landing by link": {"ticket", "abcdefghijklmnopqrstuv", false},
		"of no landing":        {"none", "abcdefghijklmnopqrstuv", false},
	} {
		got := h.expect(200, "POST", "/api/links/check", `{"landing":"`+c.landing+`","external_id":"`+c.value+`"}`)
		if got["active"] != c.active || (c.active && (got["record"] != "Tickets/1" || got["factor_owed"] != "pin")) {
			t.Errorf("an external id that is %s stands as %v", name, got)
		}
	}

	// The same order again makes one link; another order under its key is refused.
	const order = `{"landing":"secured","record":"Tickets/1"}`
	first := h.expect(201, "POST", "/api/links", order, "Idempotency-Key", "press 7")
	if again := h.expect(201, "POST", "/api/links", order, "Idempotency-Key", "press 7"); again["url"] != first["url"] {
		t.Errorf("made %v and %v", first, again)
	}
	h.expect(422, "POST", "/api/links", `{"landing":"ticket","record":"Tickets/1"}`, "Idempotency-Key", "press 7")
	longer := `{"landing":"secured","record":"Tickets/1","expires":"3d"}`
	h.expect(422, "POST", "/api/links", longer, "Idempotency-Key", "press 7")
	got := h.expect(200, "POST", "/api/links/check", `{"token":"`+first["url"].(string)+`"}`)
	if got["factor_owed"] != "pin" {
		t.Errorf("a landing with a factor stands as %v", got)
	}
	got = h.expect(200, "POST", "/api/links/revoke", `{"record":"Tickets/1","reason":"moved"}`)
	if got["revoked"] != 1.0 {
		t.Errorf("revoked %v", got)
	}
	for _, wrong := range []string{`{}`, `{"id":"a","record":"Tickets/1"}`, `{"all":true}`} {
		h.expect(400, "!POST", "/api/links/revoke", wrong)
	}
	h.expect(422, "POST", "/api/links", `{"landing":"none","record":"Tickets/1"}`)
	h.expect(422, "POST", "/api/links", `{"landing":"ticket","record":"Tickets/2"}`)
	h.expect(400, "!POST", "/api/links", `{"landing":"ticket"}`)
}

// A front end goes the way of a visitor, by the document alone.
func TestTheDoorAnswersAsTheDocumentSays(t *testing.T) {
	const origin = "https://www.acme.example"
	for name, headers := range map[string][]string{"with a cookie": nil, "from another host": {"Origin", origin}} {
		t.Run(name, func(t *testing.T) {
			h := newAPIHouse(t, func(c *config) { c.Web.Origins = []string{origin} })
			h.ticket()
			open := func(landing, preset string) string {
				t.Helper()
				made := h.expect(201, "POST", "/api/links", `{"landing":"`+landing+`","record":"Tickets/1"`+preset+`}`)
				door := strings.TrimPrefix(made["url"].(string), h.base.String())
				if page := h.expect(200, "GET", door, "", headers...); page["page"] != "door" {
					t.Fatalf("the door is %v", page)
				}
				return h.next(200, "POST", door, "", headers...)
			}
			h.visitFreely(open("ticket", ""), headers)
			h.visitWithProof(open("secured", `,"preset":"close"`), headers)

			unknown := h.expect(404, "GET", unknownLink(), "", headers...)
			if unknown["error"].(map[string]any)["code"] != "unknown" {
				t.Errorf("an unknown link is %v", unknown)
			}
			if (h.visitor != "") != (headers != nil) || (len(h.cookies) > 0) != (headers == nil) {
				t.Errorf("the visitor is known by %q and %v", h.visitor, h.cookies)
			}
		})
	}
}

// next is expect for what leads on.
func (h *apiHouse) next(status int, method, path, body string, headers ...string) string {
	h.t.Helper()
	value := h.expect(status, method, path, body, headers...)
	next, ok := value["next"].(string)
	if !ok {
		h.t.Fatalf("%s %s leads nowhere: %v", method, path, value)
	}
	return next
}

// visitFreely changes the record by its form and by an action, and takes the action back.
func (h *apiHouse) visitFreely(path string, headers []string) {
	h.t.Helper()
	record := h.expect(200, "GET", path, "", headers...)
	seen := record["form"].(map[string]any)["seen"].(string)
	h.expect(422, "POST", path, `{"seen":"`+seen+`","name":"`+strings.Repeat("x", 100)+`"}`, headers...)
	h.expect(409, "POST", path, `{"name":"Not seen"}`, headers...)
	h.expect(400, "!POST", path, `[]`, headers...)
	receipt := h.next(200, "POST", path, `{"seen":"`+seen+`","name":"Door mended","urgent":true}`, headers...)
	if page := h.expect(200, "GET", receipt, "", headers...); page["page"] != "receipt" {
		h.t.Fatalf("the receipt is %v", page)
	}
	act := path + "/close"
	page := h.expect(200, "GET", act, "", headers...)
	seen = page["form"].(map[string]any)["seen"].(string)
	h.expect(422, "POST", act, `{"seen":"`+seen+`"}`, headers...) // it asks for a note
	receipt = h.next(200, "POST", act, `{"seen":"`+seen+`","note":"done"}`, headers...)
	undo, ok := h.expect(200, "GET", receipt, "", headers...)["undo"].(map[string]any)
	if !ok {
		h.t.Fatal("the receipt offers no undo")
	}
	back := h.next(200, "POST", undo["url"].(string), `{"seen":"`+undo["seen"].(string)+`"}`, headers...)
	if page := h.expect(200, "GET", back, "", headers...); page["undo"] != nil {
		h.t.Errorf("what was taken back can be taken back again: %v", page)
	}
	h.expect(404, "GET", path+"/none", "", headers...)
}

// visitWithProof types a code before the action that the link opens with.
func (h *apiHouse) visitWithProof(act string, headers []string) {
	h.t.Helper()
	challenge := h.next(200, "GET", act, "", headers...)
	if page := h.expect(200, "GET", challenge, "", headers...); page["page"] != "challenge" {
		h.t.Fatalf("the challenge is %v", page)
	}
	h.expect(403, "POST", act, `{}`, headers...)
	h.expect(422, "POST", challenge, `{"do":"check","code":"1234"}`, headers...)
	act = h.next(200, "POST", challenge, `{"do":"check","code":"471126"}`, headers...)
	seen := h.expect(200, "GET", act, "", headers...)["form"].(map[string]any)["seen"].(string)
	receipt := h.next(200, "POST", act, `{"seen":"`+seen+`"}`, headers...)
	h.expect(200, "GET", receipt, "", headers...)
	h.next(200, "GET", act, "", headers...) // used up: back to the receipt
}
