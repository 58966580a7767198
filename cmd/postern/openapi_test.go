package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	validatorconfig "github.com/pb33f/libopenapi-validator/config"
	"github.com/rogpeppe/go-internal/txtar"

	"postern/internal/web"
	"postern/schemas"
)

// The document of the API holds for what is asked and answered: every path of the port is in it, and answers of each
// kind are held against it.

// apiHouse is a house that serves the book of testdata/api-book.txtar, with a key that opens everything.
type apiHouse struct {
	*trialHouse

	document validator.Validator
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
	document, err := libopenapi.NewDocument(schemas.API())
	if err != nil {
		t.Fatal(err)
	}
	judge, errs := validator.NewValidator(document, validatorconfig.WithStrictMode(),
		validatorconfig.WithStrictIgnorePaths("$.body.data.**"),
		validatorconfig.WithStrictIgnoredHeadersExtra("X-Content-Type-Options", "Retry-After"))
	if errs != nil {
		t.Fatal(errs)
	}
	return &apiHouse{trialHouse: h, document: judge}
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
		r := httptest.NewRequestWithContext(h.t.Context(), strings.TrimPrefix(method, "!"), path, strings.NewReader(body))
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
	h.cookies = append(h.cookies, w.Result().Cookies()...)
	text := w.Body.String()
	if !wrong {
		if ok, faults := h.document.ValidateHttpRequest(request()); !ok {
			for _, fault := range faults {
				h.t.Errorf("%s %s %s is not as the document says: %s: %s", method, path, body, fault.Message, fault.Reason)
			}
		}
	}
	answered := &http.Response{StatusCode: w.Code, Header: w.Header(), Body: io.NopCloser(strings.NewReader(text))}
	if ok, faults := h.document.ValidateHttpResponse(request(), answered); !ok {
		for _, fault := range faults {
			h.t.Errorf("%s %s: the answer %d %s is not as the document says: %s: %s", method, path, w.Code, text,
				fault.Message, fault.Reason)
			for _, detail := range fault.SchemaValidationErrors {
				h.t.Errorf("  %s %s", detail.FieldPath, detail.Reason)
			}
		}
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
	h.expect(http.StatusAccepted, "POST", "/events", `{"specversion":"1.0","id":"1","source":"crm","type":"record.created",
		"subject":"Tickets/1","data":{"record":{"name":"Stuck door","status":"Open","pin":"4711","key":"abcdefghijklmnopqrstuv"}}}`,
		"Content-Type", "application/cloudevents+json")
	h.await("Tickets/1")
}

func TestDocumentIsOne(t *testing.T) {
	document, err := libopenapi.NewDocument(schemas.API())
	if err != nil {
		t.Fatal(err)
	}
	judge, errs := validator.NewValidator(document)
	if errs != nil {
		t.Fatal(errs)
	}
	if ok, faults := judge.ValidateDocument(); !ok {
		for _, fault := range faults {
			t.Errorf("%s: %s %v", fault.Message, fault.Reason, fault.SchemaValidationErrors)
		}
	}
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
		inFolder := func(pattern string) bool { return strings.HasSuffix(pattern, "/") && strings.HasPrefix(path, pattern) }
		if !slices.Contains(served, path) && !slices.ContainsFunc(served, inFolder) {
			t.Errorf("%s is in the document, and not served", path)
		}
		for _, method := range []string{"get", "post"} {
			r := httptest.NewRequestWithContext(t.Context(), strings.ToUpper(method), strings.NewReplacer("{", "", "}", "").Replace(path), nil)
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
	h.expect(403, "POST", "/api/links/check", `{"token":"`+token+`"}`, "Authorization", "Bearer a-key-that-opens-little")
	if got := h.expect(200, "POST", "/api/links/revoke", `{"token":"`+token+`"}`); got["revoked"] != 1.0 {
		t.Errorf("revoked %v", got)
	}
	for name, question := range map[string]string{
		"revoked": token, "unknown": "b" + strings.Repeat("c", 26), "none": "x", "long": strings.Repeat("a", 4000),
	} {
		if got := h.expect(200, "POST", "/api/links/check", `{"token":"`+question+`"}`); len(got) != 1 || got["active"] != false {
			t.Errorf("one that is %s stands as %v", name, got)
		}
	}

	// The same order again makes one link; another order under its key is refused.
	const order = `{"landing":"secured","record":"Tickets/1"}`
	first := h.expect(201, "POST", "/api/links", order, "Idempotency-Key", "press 7")
	if again := h.expect(201, "POST", "/api/links", order, "Idempotency-Key", "press 7"); again["url"] != first["url"] {
		t.Errorf("made %v and %v", first, again)
	}
	h.expect(422, "POST", "/api/links", `{"landing":"ticket","record":"Tickets/1"}`, "Idempotency-Key", "press 7")
	if got := h.expect(200, "POST", "/api/links/check", `{"token":"`+first["url"].(string)+`"}`); got["factor_owed"] != "pin" {
		t.Errorf("a landing with a factor stands as %v", got)
	}
	if got := h.expect(200, "POST", "/api/links/revoke", `{"record":"Tickets/1","reason":"moved"}`); got["revoked"] != 1.0 {
		t.Errorf("revoked %v", got)
	}
	for _, wrong := range []string{`{}`, `{"id":"a","record":"Tickets/1"}`, `{"all":true}`} {
		h.expect(400, "!POST", "/api/links/revoke", wrong)
	}
	h.expect(422, "POST", "/api/links", `{"landing":"none","record":"Tickets/1"}`)
	h.expect(422, "POST", "/api/links", `{"landing":"ticket","record":"Tickets/2"}`)
	h.expect(400, "!POST", "/api/links", `{"landing":"ticket"}`)
}
