package links_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/links"
)

const frontEnd = "https://www.acme.example"

// frontEndHouse is a house to which a front end on another host may speak.
func frontEndHouse(t *testing.T) *house {
	t.Helper()
	return newHouse(t, func(c *links.DoorConfig) { c.Origins = []string{frontEnd} })
}

// asks sends what a script sends and reads the object that comes back.
func (v *visitor) asks(method, address, body string, headers ...string) (int, map[string]any, http.Header) {
	v.h.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.h.url + address
	}
	request, err := http.NewRequestWithContext(v.h.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		v.h.t.Fatal(err)
	}
	request.Header = v.head.Clone()
	request.Header.Set("Accept", "application/json")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	got := v.do(request)
	var value map[string]any
	if strings.HasPrefix(got.head.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal([]byte(got.text), &value); err != nil {
			v.h.t.Fatalf("%s %s: %v in %s", method, address, err, got.text)
		}
	}
	return got.status, value, got.head
}

// code is the code of an answer that refuses.
func code(value map[string]any) any {
	refused, _ := value["error"].(map[string]any)
	return refused["code"]
}

// The pages of the door come as data too, by the same paths, cookie and rules.
func TestPagesAsData(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	status, door, head := v.asks("GET", address, "")
	if status != 200 || door["page"] != "door" || door["masked"] != "z…@acme.example" || door["title"] == "" {
		t.Fatalf("the door is %d %v", status, door)
	}
	if !strings.Contains(head.Get("Vary"), "Accept") || head.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", head)
	}
	_, next, _ := v.asks("POST", address, "")
	if next["page"] != "next" || next["visitor"] != nil {
		t.Fatalf("passed, it says %v", next)
	}
	path := next["next"].(string)
	_, record, _ := v.asks("GET", path, "")
	form := record["form"].(map[string]any)
	controls := form["controls"].([]any)
	if record["page"] != "record" || len(controls) != 8 || controls[0].(map[string]any)["name"] != "ticketstatus" {
		t.Fatalf("the record is %v", record)
	}
	if strings.Contains(strings.ToLower(record["heading"].(string)), "secret") {
		t.Error("what the landing does not show is shown")
	}
	seen, _ := json.Marshal(form["seen"])
	set := func(fields string) string { return `{"seen":` + string(seen) + `,` + fields + `}` }
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"a number that is none":  {set(`"hours":"many"`), 422},
		"an option that is none": {set(`"ticketstatus":"Closed"`), 422},
		"a name twice":           {set(`"hours":1,"hours":2`), 400},
		"an object within":       {set(`"hours":{"a":1}`), 400},
		"a list within a list":   {set(`"colours":[["Black"]]`), 400},
		"no object":              {`[1]`, 400},
		"broken":                 {`{"seen"`, 400},
		"two of them":            {`{} {}`, 400},
		"what was seen not sent": {`{"hours":3}`, 409},
		"not its own":            {set(`"secret":"told"`), 200}, // not looked at, so nothing changes
	} {
		if got, value, _ := v.asks("POST", path, c.body); got != c.status {
			t.Errorf("%s: %d %v, want %d", name, got, value, c.status)
		}
	}
	_, next, _ = v.asks("POST", path, set(`"hours":3.5,"urgent":false,"colours":["Black","Cyan"],"ticket_title":"Out"`))
	if next["page"] != "next" {
		t.Fatalf("saved, it says %v", next)
	}
	h.holds(map[string]string{"hours": "3.5", "ticket_title": "Out", "secret": "only for the staff"})
	_, receipt, _ := v.asks("GET", next["next"].(string), "")
	if receipt["page"] != "receipt" || len(receipt["done"].([]any)) != 4 {
		t.Errorf("the receipt is %v", receipt)
	}
	if status, refused, _ := v.asks("GET", "/l/a"+strings.Repeat("b", 26), ""); status != 404 || code(refused) != "unknown" {
		t.Errorf("an unknown link is %d %v", status, refused)
	}
	if got := v.get(address); !strings.HasPrefix(got.head.Get("Content-Type"), "text/html") {
		t.Error("who asks for a page gets data")
	}
}

// A front end on another host is told that it may ask, and its visitor is known by a header. No cookie counts there.
func TestFrontEndOnAnotherHost(t *testing.T) {
	h := frontEndHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	at := []string{"Origin", frontEnd, "Sec-Fetch-Site", "cross-site"}
	_, _, head := v.asks("OPTIONS", address, "", append(at, "Access-Control-Request-Method", "POST")...)
	if head.Get("Access-Control-Allow-Origin") != frontEnd || head.Get("Access-Control-Allow-Credentials") != "" ||
		!strings.Contains(head.Get("Access-Control-Allow-Headers"), "Postern-Visitor") {
		t.Errorf("a browser that asks before is told %v", head)
	}
	_, next, head := v.asks("POST", address, "", at...)
	secret, _ := next["visitor"].(string)
	if next["page"] != "next" || secret == "" || head.Get("Set-Cookie") != "" ||
		head.Get("Access-Control-Allow-Origin") != frontEnd {
		t.Fatalf("passed, it says %v %v", next, head)
	}
	path := next["next"].(string)
	known := slices.Concat(at, []string{"Postern-Visitor", secret})
	if status, record, _ := v.asks("GET", path, "", known...); status != 200 || record["page"] != "record" {
		t.Errorf("the record is %d %v", status, record)
	}
	if status, got, _ := v.asks("GET", path, "", at...); status != 404 || code(got) != "reopen" {
		t.Errorf("without the header it is %d %v", status, got)
	}
	if status, got, _ := v.asks("GET", path, "", append(at, "Postern-Visitor", "guess")...); status != 404 {
		t.Errorf("with another header it is %d %v", status, got)
	}

	// The same browser has a flow of its own at the door: the page of the other host has no part in it.
	own := h.visitor()
	page := own.open(address)
	status, got, _ := own.asks("POST", page.path+"/resolve", `{}`, at...)
	if status != 404 || code(got) != "reopen" {
		t.Errorf("a cookie counted: %d %v", status, got)
	}
	h.holds(map[string]string{"ticketstatus": "Open"})
}

// Whoever is not named gets no leave from the browser, and their forms are refused; so are forms of pages, from anywhere
// else than the door.
func TestOtherHostsMayNotAsk(t *testing.T) {
	h := frontEndHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	for origin, accept := range map[string]string{
		"https://evil.example":      "application/json",
		frontEnd + ".evil.example":  "application/json",
		"http://www.acme.example":   "application/json",
		"null":                      "application/json",
		frontEnd:                    "text/html,application/xhtml+xml",
		"https://sub.acme.example":  "application/json",
		"https://www.acme.example.": "application/json",
	} {
		headers := []string{"Origin", origin, "Sec-Fetch-Site", "cross-site", "Accept", accept}
		for _, path := range []string{address, page.path, page.path + "/resolve"} {
			status, got, head := v.asks("POST", path, `{"ticketstatus":"Resolved"}`, headers...)
			if status != 403 || (head.Get("Access-Control-Allow-Origin") != "" && origin != frontEnd) {
				t.Errorf("%s posts to %s: %d %v %v", origin, path, status, got, head)
			}
		}
		status, _, head := v.asks("OPTIONS", page.path, "", append(headers, "Access-Control-Request-Method", "POST")...)
		if origin != frontEnd && (status != 405 || head.Get("Access-Control-Allow-Origin") != "") {
			t.Errorf("%s is given leave: %d %v", origin, status, head)
		}
	}
	h.holds(map[string]string{"ticketstatus": "Open"})
}

// A proof gives the visitor a new secret, which the answer tells; the one before has no part in it.
func TestHeaderIsReplacedWithAProof(t *testing.T) {
	h := factorHouse(t, pin, func(c *links.DoorConfig) { c.Origins = []string{frontEnd} })
	h.book.Landings["ticket"].Bind = true
	_, address := h.mint("ticket", func(terms *engine.LinkTerms) {})
	v := h.visitor()
	_, next, _ := v.asks("POST", address, "", "Origin", frontEnd)
	before, path := next["visitor"].(string), next["next"].(string)
	if strings.Count(before, ".") != 1 {
		t.Fatalf("a bound link gave %q", before)
	}
	_, next, _ = v.asks("GET", path, "", "Origin", frontEnd, "Postern-Visitor", before)
	challenge := next["next"].(string)
	if _, page, _ := v.asks("GET", challenge, "", "Postern-Visitor", before); page["page"] != "challenge" {
		t.Fatalf("the challenge is %v", page)
	}
	if status, page, _ := v.asks("POST", challenge, `{"do":"check","code":"no"}`, "Postern-Visitor", before); status != 422 {
		t.Errorf("a wrong code is %d %v", status, page)
	}
	_, next, _ = v.asks("POST", challenge, `{"do":"check","code":"blue whale 42"}`, "Postern-Visitor", before)
	after, _ := next["visitor"].(string)
	if after == "" || after == before || strings.Split(after, ".")[1] != strings.Split(before, ".")[1] {
		t.Fatalf("proved, the visitor is %q, was %q", after, before)
	}
	if status, page, _ := v.asks("GET", path, "", "Postern-Visitor", before); status != 404 {
		t.Errorf("the secret of before: %d %v", status, page)
	}
	if _, page, _ := v.asks("GET", path, "", "Postern-Visitor", after); page["page"] != "record" {
		t.Errorf("the new one: %v", page)
	}
	if status, page, _ := v.asks("POST", address, "", "Origin", frontEnd); status != 409 || code(page) != "bound" {
		t.Errorf("another browser opens a bound link: %d %v", status, page)
	}
	if status, page, _ := v.asks("POST", address, "", "Origin", frontEnd, "Postern-Visitor", after); status != 200 {
		t.Errorf("the same one opens it again: %d %v", status, page)
	}
}
