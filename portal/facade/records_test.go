package facade

import (
	"strings"
	"testing"

	"postern/engine"
	"postern/portal/portaltest/house"
)

// What is told of modules is what the role has, and nothing else of the CRM.
func TestDescribe(t *testing.T) {
	w := newWorld(t, plaintext)
	session := w.session(ana, password)
	types := w.get(session, "operation", "listtypes")
	if strings.Contains(types.Body, "Assets") || strings.Contains(types.Body, "Salaries") ||
		!strings.Contains(types.Body, "HelpDesk") {
		t.Errorf("listtypes: %s", types.Body)
	}
	dates := w.get(session, "operation", "listtypes", "fieldTypeList", `["currency"]`)
	if !strings.Contains(dates.Body, "Invoice") || strings.Contains(dates.Body, "HelpDesk") {
		t.Errorf("listtypes of currency: %s", dates.Body)
	}
	about := w.get(session, "operation", "describe", "elementType", "HelpDesk")
	for _, hidden := range []string{"secret", "externalid"} {
		if strings.Contains(about.Body, hidden) {
			t.Errorf("describe tells of %s: %s", hidden, about.Body)
		}
	}
	module := about.object(t)
	if module["idPrefix"] != "17" || module["createable"] != true || module["deleteable"] != false {
		t.Errorf("describe: %s", about.Body)
	}
	// A list may hang on a reference that is not to be read.
	comments := w.Portals[house.Customers].Roles[engine.RoleDefault].Modules["ModComments"]
	comments.Read = []string{"commentcontent"}
	about = w.get(session, "operation", "describe", "elementType", "HelpDesk")
	if strings.Contains(about.Body, "related_to") {
		t.Errorf("describe tells of a hidden reference: %s", about.Body)
	}
	several := w.get(session, "operation", "describe", "elementType", "HelpDesk,Accounts").object(t)
	if len(several) != 2 {
		t.Errorf("describe of two: %v", several)
	}
	for _, unknown := range []string{"Assets", "Spaceships", ""} {
		got := w.get(session, "operation", "describe", "elementType", unknown)
		if got.Error.Message != "Permission to perform the operation is denied for "+unknown {
			t.Errorf("describe %q: %s", unknown, got.Body)
		}
	}
}

// What is somebody else's is not there, by whichever operation, and nothing is moved out of or into reach.
func TestRecordsOfOthers(t *testing.T) {
	w := newWorld(t, plaintext)
	w.setPassword(house.Customers, house.Mia, password)
	session := w.session("mia@acme.example", password)
	before := w.Fields(house.Ref("HelpDesk/17x3"))
	const denied = "Permission to read given object is denied"
	for _, id := range []string{"17x3", "17x4", "17x999"} {
		for _, pairs := range [][]string{
			{"operation", "retrieve", "id", id},
			{"operation", "delete", "id", id},
			{"operation", "revise", "element", `{"id":"` + id + `","ticketstatus":"Closed"}`},
			{"operation", "update", "element", `{"id":"` + id + `","ticketstatus":"Closed","ticket_title":"x"}`},
			{"operation", "getRelatedRecords", "id", id, "module", "HelpDesk", "relatedModule", "ModComments"},
		} {
			if got := w.post(session, pairs...); got.code() != "ACCESS_DENIED" || got.Error.Message != denied {
				t.Errorf("%v: %s", pairs, got.Body)
			}
		}
	}
	for _, element := range []string{
		`{"id":"17x1","parent_id":"11x2"}`, `{"id":"17x1","parent_id":"12x2"}`, `{"id":"17x1","parent_id":""}`,
		`{"id":"17x1","secret":"x"}`, `{"id":"17x1","nothing":"x"}`, `{"id":"17x1","TicketStatus":"Closed"}`,
		`{"id":"17x1","description":{"deep":"x"}}`,
	} {
		if got := w.post(session, "operation", "revise", "element", element); got.code() != "ACCESS_DENIED" {
			t.Errorf("%s: %s", element, got.Body)
		}
	}
	twice := w.post(session, "operation", "revise", "element", `{"id":"17x1","description":"a","description":"b"}`)
	if twice.Success {
		t.Errorf("a field that came twice: %s", twice.Body)
	}
	if after := w.Fields(house.Ref("HelpDesk/17x3")); after.Text("ticketstatus") != before.Text("ticketstatus") {
		t.Errorf("the ticket of another is now %v", after)
	}
	if parent := w.Fields(house.Ref("HelpDesk/17x1")).Text("parent_id"); parent != "11x1" {
		t.Errorf("the ticket was moved to %q", parent)
	}
}

// A client changes what the policy lets it, sends the whole record back, and is told what is missing.
func TestChanges(t *testing.T) {
	w := newWorld(t, plaintext)
	w.setPassword(house.Customers, house.Mia, password)
	session := w.session("mia@acme.example", password)
	made := w.post(session, "operation", "create", "elementType", "HelpDesk",
		"element", `{"ticket_title":"New","urgent":"1","parent_id":"11x2","assigned_user_id":"19x1"}`)
	ticket := made.object(t)
	if ticket["parent_id"] != "11x1" || ticket["urgent"] != "1" || ticket["ticketstatus"] != "Open" {
		t.Fatalf("create: %s", made.Body)
	}
	id, _ := ticket["id"].(string)
	whole := `{"id":"` + id + `","ticket_title":"New","urgent":"1","parent_id":"11x1","ticketstatus":"Closed",` +
		`"hours":"","assigned_user_id":"19x1"}`
	changed := w.post(session, "operation", "update", "elementType", "HelpDesk", "element", whole)
	if !changed.Success || changed.object(t)["ticketstatus"] != "Closed" {
		t.Errorf("update: %s", changed.Body)
	}
	for what, pairs := range map[string][]string{
		"an update without a title": {"operation", "update", "element", `{"id":"` + id + `","ticketstatus":"Open"}`},
		"a create without a title": {
			"operation", "create", "elementType", "HelpDesk", "element",
			`{"description":"x"}`,
		},
		"a revise that empties it": {"operation", "revise", "element", `{"id":"` + id + `","ticket_title":""}`},
	} {
		if got := w.post(session, pairs...); got.code() != "MANDATORY_FIELDS_MISSING" {
			t.Errorf("%s: %s", what, got.Body)
		}
	}
	if got := w.post(session, "operation", "revise", "element", `{"id":"`+id+`","ticketstatus":"Lost"}`); got.Success {
		t.Errorf("an option that there is not: %s", got.Body)
	}
	if got := w.post(session, "operation", "delete", "id", id); !got.Success {
		t.Errorf("delete: %s", got.Body)
	}
	if got := w.get(session, "operation", "delete", "id", "17x1"); got.code() != "AUTHENTICATION_FAILURE" {
		t.Errorf("delete by GET: %s", got.Body)
	}
	if w.Fields(house.Ref("HelpDesk/"+id)) != nil {
		t.Error("the ticket is still there")
	}
}

// Columns of other modules show what the viewer may read there, and ask no more than that.
func TestColumnsOfOtherModules(t *testing.T) {
	w := newWorld(t, plaintext)
	session := w.session(ana, password)
	ask := func(query string) reply { return w.get(session, "operation", "query", "query", query) }
	rows := ask("select ticket_no, Accounts.accountname, Contacts.lastname from HelpDesk order by ticket_no").rows(t)
	if len(rows) != 3 || rows[0]["accountsaccountname"] != "Acme" || rows[1]["contactslastname"] != "Ort" ||
		rows[0]["contactslastname"] != "" {
		t.Errorf("rows: %v", rows)
	}
	if rows := ask("select ticket_no from HelpDesk where Contacts.lastname like 'o%'").rows(t); len(rows) != 1 {
		t.Errorf("of contacts with o: %v", rows)
	}
	// Bob of Globex is not hers to see, so a ticket that hangs on him shows nothing of him, and no condition holds.
	w.Put(house.Ref("HelpDesk/17x1"), engine.Fields{"parent_id": "11x1"})
	rows = ask("select id from HelpDesk where Contacts.lastname='Roe' or Accounts.accountname='Globex'").rows(t)
	if len(rows) > 0 {
		t.Errorf("of others: %v", rows)
	}
	for _, query := range []string{
		"select Accounts.rating from HelpDesk", "select id from HelpDesk where Accounts.rating='hidden'",
		"select Assets.assetname from HelpDesk", "select id from HelpDesk where Contacts.notes like '%staff%'",
		"select id from HelpDesk order by Accounts.accountname", "select Invoice.total from HelpDesk",
	} {
		if got := ask(query); got.code() != "ACCESS_DENIED" {
			t.Errorf("%s: %s", query, got.Body)
		}
	}
}

// The operations of coreBOS that are not here say what to do; anything else is not known.
func TestOperationsThatAreNotHere(t *testing.T) {
	w := newWorld(t)
	for name := range elsewhere {
		got := w.post("", "operation", name)
		if got.code() != "OPERATION_NOT_SUPPORTED" || len(got.Error.Message) < 20 {
			t.Errorf("%s: %s", name, got.Body)
		}
		if _, here := operations()[name]; here {
			t.Errorf("%s is here and is not", name)
		}
	}
	for _, name := range []string{"", "flytomoon", "query;"} {
		if got := w.post("", "operation", name); got.code() != "UNKNOWN_OPERATION" {
			t.Errorf("%s: %s", name, got.Body)
		}
	}
}

// Who forgot a password gets 0, known or not; a password is changed by who is signed in, for themselves.
func TestPasswords(t *testing.T) {
	w := newWorld(t, plaintext)
	w.setPassword(house.Customers, house.Bob, password)
	first := w.post("", "operation", "sendRecoverPassword", "username", ana)
	other := w.post("", "operation", "sendRecoverPassword", "username", "nobody@acme.example")
	if first.Body != other.Body || string(first.Result) != "0" {
		t.Errorf("recovery: %s and %s", first.Body, other.Body)
	}
	if asked, err := w.Store.NextAsking(t.Context()); err != nil || asked.What != engine.OpensPassword {
		t.Errorf("asked for: %v, %v", asked, err)
	}
	session := w.session(ana, password)
	change := func(email, now, next string) reply {
		return w.post(session, "operation", "changePortalUserPassword", "email", email, "current_password", now,
			"password", next)
	}
	const next = "Another-Open-Sesame-2"
	for what, got := range map[string]reply{
		"a wrong one": change(ana, "wrong", next), "another's": change("bob@globex.example", password, next),
	} {
		if got.code() != "INVALID_OLD_PASSWORD" {
			t.Errorf("%s: %s", what, got.Body)
		}
	}
	if got := change(ana, password, "short"); got.code() != "PASSWORD_NOT_STRONG" {
		t.Errorf("a weak one: %s", got.Body)
	}
	got := change(ana, password, next)
	if !got.Success || got.Info["sessionName"] == "" || got.Info["sessionName"] == session {
		t.Fatalf("change: %s", got.Body)
	}
	if list := w.get(got.Info["sessionName"], "operation", "listtypes"); !list.Success {
		t.Errorf("the session under its new name: %s", list.Body)
	}
	w.session(ana, next)
}

// Pages of configured hosts may ask, others are told nothing.
func TestOrigins(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Origins = []string{"https://www.acme.example"} })
	for origin, may := range map[string]bool{"https://www.acme.example": true, "https://evil.example": false} {
		got := w.ask("OPTIONS", "/webservice.php", "", nil, "Origin", origin, "Access-Control-Request-Method", "POST")
		if allowed := got.Header.Get("Access-Control-Allow-Origin") == origin; allowed != may {
			t.Errorf("%s is allowed: %t", origin, allowed)
		}
		if got.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("there are no cookies to allow")
		}
	}
}
