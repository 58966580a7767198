package corebostest

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// replay holds the player against the recordings, one after the other in their order.
type replay struct {
	*Player
	server   *httptest.Server
	now      time.Time
	sessions map[string]string // the player's session for each recorded one
}

// The player gives every answer that was recorded, in the state that was then. Ids, numbers and times are set to those
// of the recording; only tokens, sessions and UUIDs differ.
func TestRecordings(t *testing.T) {
	all, err := exchanges()
	if err != nil {
		t.Fatal(err)
	}
	r := &replay{now: time.Date(2026, 11, 21, 23, 24, 5, 0, time.UTC), sessions: map[string]string{}}
	if r.Player, err = New(func() time.Time { return r.now }); err != nil {
		t.Fatal(err)
	}
	r.AddUser(User{ID: "19x5", Name: "portal", LastName: "Portal", AccessKey: "Key", Password: "Portal-Loopback-7"})
	r.server = httptest.NewServer(r)
	defer r.server.Close()
	for _, e := range all {
		t.Run(e.Name, func(t *testing.T) {
			var want any
			if err := json.Unmarshal([]byte(e.Response.Body), &want); err != nil {
				t.Fatal(err)
			}
			r.prepare(t, e, want)
			got := r.ask(t, e)
			if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
				t.Errorf("answer (-recorded +played):\n%s", diff)
			}
		})
	}
}

// prepare brings about what happened between two recordings.
func (r *replay) prepare(t *testing.T, e exchange, want any) {
	t.Helper()
	switch e.Name {
	case "create.HelpDesk.bad_picklist":
		r.now = r.now.Add(time.Second)
		for n := 1003; n <= 1008; n++ {
			if n == 1008 {
				r.now = r.now.Add(time.Second)
			}
			status := []string{"Wait For Response", "Open", "In Progress", "Closed"}[(n-1003)%4]
			priority := []string{"Urgent", "Low", "Normal", "High"}[(n-1003)%4]
			parent := []string{"12x8614", "11x8613"}[(n-1003)%2]
			r.seed(t, 7614+n, "HelpDesk", map[string]string{
				"ticket_title": fmt.Sprint("Order ", n), "ticketstatus": status, "ticketpriorities": priority,
				"parent_id": parent, "cf_externalid": fmt.Sprint("ext-", n),
			})
		}
	case "delete.HelpDesk":
		r.seed(t, 8627, "HelpDesk", map[string]string{"ticket_title": "Order 2001 b", "ticketstatus": "Closed"})
		r.seed(t, 8628, "HelpDesk", map[string]string{"ticket_title": "To delete"})
	case "login.token_expired":
		r.now = r.now.Add(tokenLife)
	case "login.too_many.wrong_1":
		r.challenge("portal")
	case "query.order_two":
		r.records[8625].deleted = true // the one without an owner
		for number, title := range map[int]string{
			8632: "Bob ticket", 8633: "taken over", 8635: "For somebody else", 8636: "For Eve by Zoe", 8637: "Workflow 1",
		} {
			status := "Open"
			if number == 8633 || number == 8637 {
				status = "Closed"
			}
			r.seed(t, number, "HelpDesk", map[string]string{"ticket_title": title, "ticketstatus": status})
		}
	}
	answer, _ := want.(map[string]any)
	if made, ok := answer["result"].(map[string]any); ok && e.Request.Form["operation"] != "" {
		r.takeOver(t, e, made)
	}
}

// takeOver sets the clock to when a write was recorded, and before a create the numbers that it drew.
func (r *replay) takeOver(t *testing.T, e exchange, made map[string]any) {
	t.Helper()
	at, _ := made["modifiedtime"].(string)
	if at == "" {
		return
	}
	var err error
	if r.now, err = time.Parse(stamp, at); err != nil {
		t.Fatal(err)
	}
	if e.Request.Form["operation"] != "create" {
		return
	}
	id, _ := made["id"].(string)
	_, number, _ := strings.Cut(id, "x")
	r.last = before(t, number)
	for name, prefix := range map[string]string{"account_no": "ACC", "contact_no": "CON", "ticket_no": "TT"} {
		if drawn, ok := made[name].(string); ok {
			r.numbers[e.Request.Form["elementType"]] = before(t, strings.TrimPrefix(drawn, prefix))
		}
	}
}

func before(t *testing.T, number string) int {
	t.Helper()
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return n - 1
}

func (r *replay) seed(t *testing.T, number int, module string, fields map[string]string) {
	t.Helper()
	r.last = number - 1
	if _, err := r.Seed(module, fields); err != nil {
		t.Fatal(err)
	}
}

// ask sends a recorded request, with the player's own tokens, keys and session in place of the recorded ones.
func (r *replay) ask(t *testing.T, e exchange) any {
	t.Helper()
	name := sessionIn.FindString(strings.Join([]string{
		e.Request.Query["sessionName"], e.Request.Form["sessionName"], e.Request.Headers["corebos-authorization"],
		e.Request.Body,
	}, " "))
	if name == "" {
		name = "no session"
	}
	played := strings.NewReplacer(
		"cbd2f76dd6b9561a7f9c8b19f2ccff83", keyFor(r.tokens["admin"], Admin), "6b022815b52fa", r.tokens["admin"].text,
		"2334ab911edd86e2cf6394569d19a176", keyFor(r.tokens["portal"], *r.named("portal")),
		"6b02282523ec0", r.tokens["portal"].text, name, r.session(name),
	).Replace
	values := func(from map[string]string) string {
		values := url.Values{}
		for k, v := range from {
			values.Set(k, v)
		}
		return played(values.Encode())
	}
	body, kind := played(e.Request.Body), e.Request.Type
	if body == "" {
		body, kind = values(e.Request.Form), "application/x-www-form-urlencoded"
	}
	address := r.server.URL + "/webservice.php?" + values(e.Request.Query)
	req, err := http.NewRequestWithContext(t.Context(), e.Request.Method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if e.Request.Headers["corebos-authorization"] != "" {
		req.Header.Set("Corebos-Authorization", r.session(name))
	}
	resp, err := r.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != e.Response.Status {
		t.Errorf("status %d, recorded %d", resp.StatusCode, e.Response.Status)
	}
	var got any
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// sessionIn finds the name of a session; other words of that length there are none.
var sessionIn = regexp.MustCompile(`\b[0-9a-z]{26}\b`)

// session is the player's session for a recorded one, opened when it is first used.
func (r *replay) session(recorded string) string {
	if !sessionIn.MatchString(recorded) {
		return recorded
	}
	if r.sessions[recorded] == "" {
		r.challenge("admin")
		answer := r.login("admin", keyFor(r.tokens["admin"], Admin))
		opened, _ := answer.result.(map[string]string)
		r.sessions[recorded] = opened["sessionName"]
	}
	return r.sessions[recorded]
}

func keyFor(t token, u User) string {
	sum := md5.Sum([]byte(t.text + u.AccessKey))
	return hex.EncodeToString(sum[:])
}

// plain takes out of an answer what is made anew each time.
func plain(answer any) any {
	switch v := answer.(type) {
	case map[string]any:
		for name := range v {
			switch {
			case name == "token" || name == "sessionName":
				v[name] = "…"
			case name == "cbuuid" && v[name] != "":
				v[name] = "…"
			default:
				v[name] = plain(v[name])
			}
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return answer
}
