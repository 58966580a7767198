package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/portal/portaltest/house"
	"postern/portal/rest"
)

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestLists(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	for query, want := range map[string][]string{
		"":                                       {"17x1", "17x2", "17x5"},
		"?filter[ticketstatus][eq]=Open":         {"17x1"},
		"?filter[ticketstatus][ne]=Open":         {"17x2", "17x5"},
		"?filter[rank][ge]=2&sort=-rank":         {"17x5", "17x2"},
		"?filter[rank][gt]=1&filter[rank][lt]=5": {"17x2"},
		"?filter[ticketstatus][in]=Open&filter[ticketstatus][in]=Closed": {"17x1", "17x5"},
		"?filter[ticket_title][contains]=printer":                        {"17x5"},
		"?filter[ticket_title][like]=%25PRINTER%25":                      {"17x1", "17x5"},
		"?filter[ticket_no][same]=tt2":                                   {"17x2"},
		"?filter[due][le]=2026-12-01":                                    {"17x1"},
		"?filter[urgent][eq]=true":                                       {"17x1"},
		"?filter[id][eq]=17x3":                                           {},
		"?q=printer":                                                     {"17x1", "17x5"},
		"?q=printer+old&fields=ticket_no":                                {"17x5"},
		"?sort=ticketstatus,-ticket_title&limit=2":                       {"17x5", "17x2"},
		"?offset=2": {"17x5"},
		"?filter[ticketstatus][starts]=In&filter[ticketstatus][ends]=Progress": {"17x2"},
	} {
		same(t, query, c.want(200, "GET", "/records/HelpDesk"+query, "").ids(), want)
	}
	first := c.want(200, "GET", "/records/HelpDesk?limit=2&total=true&sort=-rank", "")
	next, _ := first.value["next"].(string)
	second := c.want(200, "GET", "/records/HelpDesk?limit=2&sort=-rank&after="+url.QueryEscape(next), "")
	same(t, "pages", append(first.ids(), second.ids()...), []string{"17x5", "17x2", "17x1"})
	if first.value["total"] != 3.0 || second.value["next"] != nil || second.value["total"] != nil {
		t.Errorf("first %s, second %s", first.text, second.text)
	}
	none := c.want(200, "GET", "/records/HelpDesk?limit=0&filter[urgent][eq]=true", "")
	if none.value["total"] != 1.0 || len(none.ids()) != 0 {
		t.Errorf("the total alone is %s", none.text)
	}
	for _, query := range []string{
		"?colour=red", "?limit=x", "?limit=1&limit=2", "?total=perhaps", "?filter=1", "?filter[rank]=1", "?q=%zz",
		"?filter[rank][between]=1", "?filter[rank][eq=1", "?filter[rank][eq]x=1", "?sql=1",
		"?" + strings.Repeat("a", 17<<10),
	} {
		c.refused(400, "parameter", "GET", "/records/HelpDesk"+query, "")
	}
	c.refused(400, "question", "GET", "/records/HelpDesk?limit=201", "")
	c.refused(400, "question", "GET", "/records/HelpDesk?after=MTA", "")
	c.refused(400, "value", "GET", "/records/HelpDesk?filter[due][lt]=soon", "")
	c.refused(400, "filter", "GET", "/records/HelpDesk?filter[][eq]=1", "")
	c.refused(400, "parameter", "GET", "/records/HelpDesk/17x1/related/ModComments?limit=0", "")
}

func TestValuesHaveTheKindOfTheirType(t *testing.T) {
	w := newWorld(t)
	w.Put(house.Ref("HelpDesk/17x1"), engine.Fields{
		"hours": "1.50", "rank": "3", "urgent": "1", "colours": "Cyan |##| Black", "due": "",
		"call":       "2026-11-26 10:00:00",
		"attachment": "not one of ours", "reply_to": nil,
	})
	c := w.program(t, house.Customers, house.Ana)
	got := c.want(200, "GET", "/records/HelpDesk/17x1", "")
	var fields struct{ Fields json.RawMessage }
	if err := json.Unmarshal([]byte(got.text), &fields); err != nil {
		t.Fatal(err)
	}
	same(t, "fields", string(fields.Fields), `{"attachment":null,"call":"2026-11-26T10:00:00Z",`+
		`"colours":["Cyan","Black"],"description":"About Printer on fire","due":null,"hours":1.50,"parent_id":"11x1",`+
		`"rank":3,"reply_to":"",`+
		`"ticket_no":"TT1","ticket_title":"Printer on fire","ticketstatus":"Open","urgent":true}`)
	events := len(w.Events())
	c.want(200, "PATCH", "/records/HelpDesk/17x1", `{"fields":{"call":"2026-11-26T10:00:00Z","hours":1.5}}`)
	if n := len(w.Events()); n != events {
		t.Error("what was read and is sent back is a change")
	}
	same(t, "titles", fmt.Sprint(got.value["titles"]), "map[parent_id:Acme]")
	if got.header.Get("ETag") != got.value["etag"] {
		t.Errorf("ETag %s of %s", got.header.Get("ETag"), got.text)
	}
}

func TestARecordFromCreateToDelete(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Mia)
	const order = `{"fields":{"ticket_title":"From the API","urgent":true}}`
	made := c.want(201, "POST", "/records/HelpDesk", order, "Idempotency-Key", "1")
	id := made.value["id"].(string)
	if made.header.Get("Location") != rest.Prefix+"customers/records/HelpDesk/"+id {
		t.Errorf("it is at %s", made.header.Get("Location"))
	}
	again := c.want(201, "POST", "/records/HelpDesk", order, "Idempotency-Key", "1")
	if again.value["id"] != id {
		t.Errorf("the same order made %s", again.text)
	}
	c.refused(422, "key", "POST", "/records/HelpDesk", `{"fields":{"ticket_title":"x"}}`, "Idempotency-Key", "1")
	path, etag := "/records/HelpDesk/"+id, made.header.Get("ETag")
	const set = `{"fields":{"hours":2.5,"colours":["Cyan"],"due":"2027-01-02"}}`
	changed := c.want(200, "PATCH", path, set, "If-Match", etag)
	if changed.header.Get("ETag") == etag {
		t.Error("the ETag is the same")
	}
	same(t, "kept", w.Fields(house.Ref("HelpDesk/"+id)).Text("hours"), "2.5")
	c.refused(409, "conflict", "PATCH", path, `{"fields":{"hours":3}}`, "If-Match", etag)
	c.refused(409, "conflict", "DELETE", path, "", "If-Match", etag)
	c.refused(400, "parameter", "PATCH", path, `{"fields":{"hours":3}}`, "If-Match", "")
	c.refused(400, "parameter", "DELETE", path, "", "If-Match", "")
	c.want(200, "PATCH", path, `{"fields":{"hours":null}}`, "If-Match", "*")
	c.want(204, "DELETE", path, "")
	c.refused(404, "not_found", "GET", path, "")
	c.refused(404, "not_found", "DELETE", path, "")
}

func TestModulesAreDescribed(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	modules := c.want(200, "GET", "/modules", "").value["modules"].([]any)
	if len(modules) != 8 {
		t.Errorf("%d modules", len(modules))
	}
	tickets := c.want(200, "GET", "/modules/HelpDesk", "")
	for _, hidden := range []string{"secret", "externalid", "Employees"} {
		if strings.Contains(tickets.text, hidden) {
			t.Errorf("%s is told of in %s", hidden, tickets.text)
		}
	}
	for _, part := range []string{
		`"options":[{"value":"Open","label":"Open"}`, `"to":["Accounts","Contacts"]`,
		`"related":[{"module":"ModComments","label":"Comment"},{"module":"Documents","label":"Document"}]`,
	} {
		if !strings.Contains(tickets.text, part) {
			t.Errorf("%s has no %s", tickets.text, part)
		}
	}
	if contacts := c.want(200, "GET", "/modules/Contacts", ""); !strings.Contains(contacts.text, `"fresh":true`) {
		t.Errorf("what needs a fresh sign-in is not told: %s", contacts.text)
	}
}

func TestFiles(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	const pdf = "%PDF-1.7 a small one"
	as := []string{"Content-Type", "application/octet-stream"}
	staged := c.want(201, "POST", "/files/HelpDesk/attachment?name=a.pdf", pdf, as...)
	c.want(200, "PATCH", "/records/HelpDesk/17x1", fmt.Sprintf(`{"fields":{"attachment":%q}}`, staged.value["value"]))
	got := c.want(200, "GET", "/records/HelpDesk/17x1/files/attachment", "")
	if got.text != pdf || got.header.Get("Content-Disposition") != "attachment; filename=a.pdf" {
		t.Errorf("the file is %q, %v", got.text, got.header)
	}
	bob := w.program(t, house.Customers, house.Bob)
	bob.refused(404, "not_found", "GET", "/records/HelpDesk/17x1/files/attachment", "")
	c.refused(404, "not_found", "GET", "/records/HelpDesk/17x2/files/attachment", "")
	c.refused(404, "not_found", "GET", "/records/HelpDesk/17x1/files/description", "")
	c.refused(422, "file", "POST", "/files/HelpDesk/attachment?name=a", "<html>", as...)
	c.refused(400, "parameter", "!POST", "/files/HelpDesk/attachment", pdf)
	w.Advance(engine.FreshSignIn)
	const to = rest.Prefix + "customers/files/HelpDesk/attachment?name=a"
	r := httptest.NewRequestWithContext(t.Context(), "POST", to, nil)
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.ContentLength = engine.MaxUpload + 1
	recorder := httptest.NewRecorder()
	w.api.ServeHTTP(recorder, r)
	if recorder.Code != 413 {
		t.Errorf("a file beyond the limit: %d %s", recorder.Code, recorder.Body)
	}
}

func TestT70BodiesThatAreNoChange(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	before := w.Fields(house.Ref("HelpDesk/17x1"))
	for _, body := range []string{
		`{"fields":{"description":"a","description":"b"}}`, `{"fields":{"description":"a"},"fields":{"secret":"b"}}`,
		`{"fields":{"description":"a"},"id":"17x3"}`, `{"description":"a"}`, `[]`, `{"fields":[]}`, `{"fields":null}`,
		`{"fields":{"description":"a"}} {"fields":{}}`, `{"fields":{"description":{"a":{"b":{"c":{"d":1}}}}}}`,
		`{"fields":`,
	} {
		c.refused(400, "malformed", "!PATCH", "/records/HelpDesk/17x1", body)
		c.refused(400, "malformed", "!POST", "/records/HelpDesk", body)
	}
	long := `{"fields":{"description":"` + strings.Repeat("x", 257<<10) + `"}}`
	c.refused(413, "large", "!PATCH", "/records/HelpDesk/17x1", long)
	c.refused(400, "empty", "PATCH", "/records/HelpDesk/17x1", `{"fields":{}}`)
	for _, name := range []string{"secret", "Description", "id", "externalid", "__proto__", "assigned_user_id"} {
		got := c.refused(400, "field", "PATCH", "/records/HelpDesk/17x1", fmt.Sprintf(`{"fields":{%q:"x"}}`, name))
		if got.value["field"] != nil {
			t.Errorf("a hidden field is named: %s", got.text)
		}
	}
	got := c.refused(400, "field", "PATCH", "/records/HelpDesk/17x1", `{"fields":{"ticketstatus":"Closed"}}`)
	same(t, "field", got.value["field"], any("ticketstatus"))
	c.refused(400, "value", "!PATCH", "/records/HelpDesk/17x1", `{"fields":{"description":{"a":1}}}`)
	same(t, "the record", w.Fields(house.Ref("HelpDesk/17x1")), before)
}

func TestT71ValuesThatDoNotFit(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	for body, code := range map[string]string{
		`{"hours":"a few"}`: "value", `{"rank":1.5}`: "value", `{"due":"2026-02-30"}`: "value",
		`{"reply_to":"nobody"}`: "value",
		`{"colours":["Pink"]}`:  "option", `{"ticket_title":""}`: "required",
		`{"ticket_title":"` + strings.Repeat("x", 81) + `"}`: "long",
	} {
		got := c.refused(422, code, "PATCH", "/records/HelpDesk/17x1", `{"fields":`+body+`}`)
		if got.value["field"] == nil || got.value["title"] == "" {
			t.Errorf("%s is answered %s", body, got.text)
		}
	}
}

// Each verb of each module on what is somebody else's gets the answer that what was never made gets, byte by byte.
func TestT72OthersRecordsAreNotThere(t *testing.T) {
	w := newWorld(t)
	for _, p := range w.Portals {
		for _, role := range p.Roles {
			for _, access := range role.Modules {
				access.Delete, access.Update = true, access.Read
			}
		}
	}
	looked := 0
	for _, who := range []struct {
		portal string
		a, b   engine.Ref
	}{{house.Customers, house.Ana, house.Bob}, {house.Staff, house.Sam, house.Tess}} {
		a, b := w.program(t, who.portal, who.a), w.program(t, who.portal, who.b)
		for module, access := range w.Portals[who.portal].Roles[engine.RoleDefault].Modules {
			for _, id := range b.want(200, "GET", "/records/"+module, "").ids() {
				looked++
				w.Advance(engine.FreshSignIn) // so many changes are too many in a minute
				isNotThere(t, a, module, id, access)
			}
		}
	}
	if looked < 10 {
		t.Errorf("only %d records were tried", looked)
	}
}

func isNotThere(t *testing.T, c *client, module, id string, access *engine.Access) {
	t.Helper()
	before := c.Fields(engine.Ref{Module: module, ID: id})
	records := "/records/" + module
	field := access.Read[0]
	paths := []string{
		"GET /records/%s/%s", "PATCH /records/%s/%s", "DELETE /records/%s/%s", "GET /records/%s/%s/files/" + field,
	}
	for _, related := range access.Related {
		paths = append(paths, "GET /records/%s/%s/related/"+related.Module)
	}
	for _, form := range paths {
		method, path, _ := strings.Cut(form, " ")
		body := ""
		if method == "PATCH" {
			body = `{"fields":{"` + field + `":"x"}}`
		}
		theirs := c.refused(404, "not_found", method, fmt.Sprintf(path, module, id), body)
		never := c.refused(404, "not_found", method, fmt.Sprintf(path, module, "999x9"), body)
		if theirs.text != never.text || fmt.Sprint(theirs.header) != fmt.Sprint(never.header) {
			t.Errorf("%s %s: %s and %s", method, path, theirs.text, never.text)
		}
	}
	for _, query := range []string{
		"?filter[id][eq]=" + id, "?filter[id][in]=" + id + "&total=true", "?filter[id][ne]=1&limit=200",
	} {
		got := c.want(200, "GET", records+query, "")
		if slices.Contains(got.ids(), id) || (got.value["total"] != nil && got.value["total"] != 0.0) {
			t.Errorf("%s%s finds %s", records, query, got.text)
		}
	}
	same(t, id, c.Fields(engine.Ref{Module: module, ID: id}), before)
}

func TestT73NoModuleWithoutAPolicy(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	for _, module := range []string{"Assets", "Salaries", "NoSuch", "helpdesk", "HelpDesk%00", "..%2FHelpDesk"} {
		for _, method := range []string{"GET", "POST"} {
			body := map[string]string{"POST": `{"fields":{}}`}[method]
			c.refused(403, "forbidden", method, "/records/"+module, body)
		}
		c.refused(403, "forbidden", "GET", "/records/"+module+"/34x1", "")
		c.refused(403, "forbidden", "PATCH", "/records/"+module+"/34x1", `{"fields":{"assetname":"x"}}`)
		c.refused(403, "forbidden", "DELETE", "/records/"+module+"/34x1", "")
		c.refused(403, "forbidden", "GET", "/records/"+module+"/34x1/files/x", "")
		c.refused(403, "forbidden", "GET", "/records/Accounts/11x1/related/"+module, "")
		c.refused(403, "forbidden", "GET", "/modules/"+module, "")
	}
	c.refused(403, "forbidden", "DELETE", "/records/HelpDesk/17x1", "")
	c.refused(403, "forbidden", "POST", "/records/Invoice", `{"fields":{}}`)
	c.refused(403, "forbidden", "PATCH", "/records/Invoice/7x1", `{"fields":{"total":1}}`)
}

func TestT75HiddenFieldsAreNoOracle(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	for _, name := range []string{"secret", "SECRET", "externalid", "nothing", "parent_id.rating", "secret)--", "id;"} {
		escaped := url.QueryEscape(name)
		for code, query := range map[string]string{
			"filter": "?filter[" + escaped + "][starts]=s", "sort": "?sort=-" + escaped, "fields": "?fields=" + escaped,
		} {
			got := c.refused(400, code, "GET", "/records/HelpDesk"+query, "")
			if got.value["field"] != nil {
				t.Errorf("%s names the field: %s", query, got.text)
			}
		}
	}
	same(t, "secrets", c.want(200, "GET", "/records/HelpDesk?q=secret", "").ids(), []string{})
}

func TestT76RecordsDoNotMoveAway(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Mia)
	for _, parent := range []string{"11x2", "12x1", "", "11x1' or '1'='1"} {
		body := fmt.Sprintf(`{"fields":{"parent_id":%q}}`, parent)
		c.refused(422, "rows", "PATCH", "/records/HelpDesk/17x1", body)
	}
	c.refused(422, "rows", "POST", "/records/ModComments", `{"fields":{"commentcontent":"x","related_to":"17x3"}}`)
}

// Texts that end a query elsewhere are values here, and names of nothing.
func TestT74InjectionsFindNothing(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	payloads := []string{
		"' OR '1'='1", "' OR 1=1--", "\" OR \"\"=\"", "1) OR (1=1", "') UNION SELECT id, fields FROM records--",
		"'; DROP TABLE records;--", "1 AND (SELECT COUNT(*) FROM records)>0", "%' OR '%'='", "' || (SELECT 1) || '",
		"x' AND 1=CAST((SELECT 1) AS INT)--", "1/**/OR/**/1=1", "'/*", "\\' OR 1=1 -- ", "admin'--",
		"${7*7}", "{{7*7}}",
		"1 WAITFOR DELAY '0:0:5'", "randomblob(1000000000)", "x'||(SELECT hex(randomblob(100000000)))||'", "$ne",
		"[$gt]=",
		"*)(uid=*))(|(uid=*", "\u02bc OR 1=1", "%00' OR 1=1", "NULL", "true", "\x1f", "1e308", "-0",
	}
	all := c.want(200, "GET", "/records/HelpDesk", "").ids()
	for _, payload := range payloads {
		text := url.QueryEscape(payload)
		for _, query := range []string{
			"?filter[ticket_title][eq]=" + text, "?filter[id][eq]=" + text, "?filter[ticketstatus][in]=" + text,
			"?q=" + text,
			"?filter[ticket_title][like]=" + text, "?filter[hours][eq]=" + text, "?sort=" + text, "?fields=" + text,
			"?filter[" + text + "][eq]=1", "?filter[ticket_no][" + text + "]=1", "?after=" + text, "?limit=" + text,
			"?offset=" + text,
		} {
			got := c.send("GET", "/records/HelpDesk"+query, "")
			if got.status != 200 && got.status != 400 {
				t.Errorf("%s answers %d %s", query, got.status, got.text)
			}
			for _, id := range got.ids() {
				if !slices.Contains(all, id) {
					t.Errorf("%s finds %s", query, id)
				}
			}
			if strings.HasPrefix(query, "?filter[ticket_title][eq]") && len(got.ids()) > 0 {
				t.Errorf("%s finds %v", query, got.ids())
			}
		}
		got := c.send("GET", "/records/HelpDesk/"+url.PathEscape(payload), "")
		if got.status != 404 && got.status != 400 {
			t.Errorf("the record %q answers %d %s", payload, got.status, got.text)
		}
	}
	same(t, "what is there", c.want(200, "GET", "/records/HelpDesk", "").ids(), all)
}

func TestTooManyChanges(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	for range 60 {
		c.send("PATCH", "/records/Contacts/12x1", `{"fields":{"phone":"1"}}`)
	}
	got := c.refused(429, "throttled", "PATCH", "/records/Contacts/12x1", `{"fields":{"phone":"1"}}`)
	if got.header.Get("Retry-After") == "" {
		t.Error("it is not told for how long")
	}
}
