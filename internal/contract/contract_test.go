package contract

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// description is an API with one operation of each kind.
const description = `
openapi: 3.0.1
info: {title: Doors, version: "1"}
servers: [{url: "https://api.doors.example"}]
paths:
  /doors/{id}:
    servers: [{url: "https://doors.doors.example"}]
    parameters: [{name: id, in: path, required: true, schema: {type: string, pattern: "^D[0-9]+$"}}]
    get:
      parameters: [{name: lang, in: query, schema: {type: string}}]
      responses:
        "200":
          description: A door
          content:
            application/json:
              schema: {type: object, required: [open], properties: {open: {type: boolean}}}
        "404": {description: None, content: {application/json: {schema: {type: object, required: [code]}}}}
    post:
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, required: [To], properties: {To: {type: string}, Times: {type: integer}}}
      responses: {"201": {description: Made}}
`

// complaints is a testing.TB that keeps what is said to it.
type complaints struct {
	testing.TB

	said []string
}

func (c *complaints) Helper() {}

func (c *complaints) Errorf(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// ask sends a request through a guard around an answer and returns the complaints.
func ask(t *testing.T, method, target, form string, answer http.HandlerFunc) ([]string, *httptest.ResponseRecorder) {
	t.Helper()
	c := &complaints{TB: t}
	request := httptest.NewRequest(method, target, strings.NewReader(form))
	if form != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	recorder := httptest.NewRecorder()
	Guard(c, []byte(description), answer).ServeHTTP(recorder, request)
	return c.said, recorder
}

func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestGuardLetsPassWhatIsDescribed(t *testing.T) {
	for name, test := range map[string]struct {
		method, target, form string
		answer               http.HandlerFunc
	}{
		"a look":             {"GET", "/doors/D1?lang=es", "", says(200, "application/json", `{"open": true}`)},
		"a form":             {"POST", "/doors/D1", "To=x&Times=2", says(201, "", "")},
		"a described error":  {"GET", "/doors/D1", "", says(404, "application/json", `{"code": 4}`)},
		"an unknown refusal": {"GET", "/doors/D1", "", says(429, "text/plain", "slow down")},
		"a failure":          {"GET", "/doors/D1", "", says(503, "text/html", "<h1>Oh")},
	} {
		t.Run(name, func(t *testing.T) {
			said, response := ask(t, test.method, test.target, test.form, test.answer)
			if len(said) > 0 {
				t.Errorf("complaints: %q", said)
			}
			recorder := httptest.NewRecorder()
			test.answer(recorder, nil)
			if want, got := recorder.Body.String(), response.Body.String(); got != want {
				t.Errorf("the reply came as %q, want %q", got, want)
			}
			if response.Code != recorder.Code {
				t.Errorf("status %d came as %d", recorder.Code, response.Code)
			}
		})
	}
}

func TestGuardComplains(t *testing.T) {
	door := says(200, "application/json", `{"open": true}`)
	for name, test := range map[string]struct {
		method, target, form string
		answer               http.HandlerFunc
		want                 string
	}{
		"path":              {"GET", "/windows/1", "", door, "no matching operation was found"},
		"method":            {"PUT", "/doors/D1", "", door, "method not allowed"},
		"path parameter":    {"GET", "/doors/x", "", door, "parameter \"id\" in path"},
		"unknown parameter": {"GET", "/doors/D1?langue=es", "", door, "there is no parameter langue"},
		"missing field":     {"POST", "/doors/D1", "Times=1", says(201, "", ""), `property "To" is missing`},
		"field of a type":   {"POST", "/doors/D1", "To=x&Times=two", says(201, "", ""), "an invalid integer"},
		"unknown field":     {"POST", "/doors/D1", "To=x&Tmes=2", says(201, "", ""), "there is no form field Tmes"},
		"unknown status":    {"GET", "/doors/D1", "", says(202, "", ""), "status is not supported"},
		"reply's type":      {"GET", "/doors/D1", "", says(200, "text/html", "<p>"), "the reply 200"},
		"reply's body":      {"GET", "/doors/D1", "", says(200, "application/json", `{"open": 1}`), "/open: "},
		"described refusal": {"GET", "/doors/D1", "", says(404, "application/json", `{}`), `"code" is missing`},
	} {
		t.Run(name, func(t *testing.T) {
			said, _ := ask(t, test.method, test.target, test.form, test.answer)
			if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, test.want) }) {
				t.Errorf("complaints are %q, want %s", said, test.want)
			}
		})
	}
}

func TestGuardLeavesTheBody(t *testing.T) {
	_, response := ask(t, "POST", "/doors/D1", "To=x", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-To", r.PostFormValue("To"))
		w.WriteHeader(http.StatusCreated)
	})
	if got := response.Header().Get("X-To"); got != "x" {
		t.Errorf("the handler read %q", got)
	}
}

func TestGuardLeavesConnectionsAlone(t *testing.T) {
	c := &complaints{TB: t}
	server := httptest.NewServer(Guard(c, []byte(description), http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close()
		})))
	defer server.Close()
	response, err := server.Client().Get(server.URL + "/doors/D1")
	if err == nil {
		_ = response.Body.Close()
		t.Error("the connection was not cut")
	}
	if len(c.said) > 0 {
		t.Errorf("complaints: %q", c.said)
	}
}
