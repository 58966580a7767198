package facade

import (
	"encoding/json"
	"strings"
	"testing"

	"postern/engine"
)

// recordedModules are the modules of the recorded CRM as far as a customer has to do with them. Only the test reads
// coreBOS's labels; ours are shorter.
func recordedModules() map[string]*engine.Module {
	made := map[string]*engine.Module{}
	module := func(name, label, title string, fields ...*engine.Field) {
		m := &engine.Module{
			Name: name, Label: engine.Labels{"en": label}, Title: strings.Fields(title), Keep: true,
			Fields: map[string]*engine.Field{},
		}
		for _, f := range fields {
			m.Names = append(m.Names, f.Name)
			m.Fields[f.Name] = f
		}
		made[name] = m
	}
	field := func(name, label string, kind engine.FieldType, to ...string) *engine.Field {
		return &engine.Field{Name: name, Type: kind, Label: engine.Labels{"en": label}, To: to, Max: longText}
	}
	title := field("ticket_title", "Title", engine.TypeText)
	title.Required, title.Max = true, 0
	status := field("ticketstatus", "Status", engine.TypePicklist)
	status.Options = []string{"Open", "In Progress", "Wait For Response", "Closed", "NoSuchStatus"}
	number := field("ticket_no", "Ticket No", engine.TypeText)
	description := field("description", "Description", engine.TypeText)
	description.Max = 0
	module("HelpDesk", "Support Tickets", "ticket_title", title,
		field("parent_id", "Related To", engine.TypeReference, "Accounts", "Contacts"), status, number, description,
		field("createdtime", "Created Time", engine.TypeDateTime),
		field("from_portal", "From Portal", engine.TypeBoolean),
		field("assigned_user_id", "Assigned To", engine.TypeOwner, "Users"))
	module("Contacts", "Contacts", "firstname lastname", field("firstname", "First Name", engine.TypeText),
		field("lastname", "Last Name", engine.TypeText), field("email", "Email", engine.TypeEmail),
		field("account_id", "Organization Name", engine.TypeReference, "Accounts"),
		field("portal", "Portal User", engine.TypeBoolean), field("template_language", "Language", engine.TypeText),
		field("portalloginuser", "Portal Login User", engine.TypeText),
		field("support_start_date", "Support Start Date", engine.TypeDate),
		field("support_end_date", "Support End Date", engine.TypeDate))
	module("Accounts", "Organizations", "accountname", field("accountname", "Organization Name", engine.TypeText))
	module("ModComments", "Comments", "", field("commentcontent", "Comment", engine.TypeText),
		field("related_to", "Related To", engine.TypeReference, "HelpDesk"))
	return made
}

// recordedPortal gives customers what coreBOS gave them on purpose: their tickets and those of their account, the
// contacts of the account, and the account.
func recordedPortal(like *engine.Portal) *engine.Portal {
	modules := recordedModules()
	p := *like
	p.Modules, p.Subject.Module = modules, modules["Contacts"]
	me := func(path string) engine.Operand { return engine.Operand{From: engine.FromMe, Path: path} }
	rows := func(path string, values ...engine.Operand) engine.Predicate {
		return engine.Predicate{Op: engine.OpIn, Path: path, Values: values}
	}
	access := func(a engine.Access) *engine.Access {
		a.Filter, a.Sort = a.Read, a.Read
		return &a
	}
	tickets := []string{
		"ticket_title", "parent_id", "ticketstatus", "createdtime", "ticket_no", "description",
		"assigned_user_id", "from_portal",
	}
	given := []string{"ticket_title", "parent_id", "ticketstatus", "description", "from_portal"}
	p.Roles = map[string]*engine.Role{engine.RoleDefault: {Name: engine.RoleDefault, Modules: map[string]*engine.Access{
		"HelpDesk": access(engine.Access{
			Module: modules["HelpDesk"], Rows: rows("parent_id", me("id"), me("account_id")), Read: tickets,
			Update: []string{"ticket_title", "ticketstatus", "description"}, Delete: true,
			Create:  &engine.Making{Fields: given},
			Related: []engine.Relative{{Module: "ModComments", By: "related_to"}},
		}),
		"Contacts": access(engine.Access{
			Module: modules["Contacts"], Rows: rows("account_id", me("account_id")),
			Read: []string{"firstname", "lastname", "account_id", "email"},
		}),
		"Accounts": access(engine.Access{
			Module: modules["Accounts"], Rows: rows("id", me("account_id")), Read: []string{"accountname"},
		}),
		"ModComments": access(engine.Access{
			Module: modules["ModComments"], Rows: rows("related_to.parent_id", me("id"), me("account_id")),
			Read: []string{"commentcontent", "related_to"},
		}),
	}}}
	return &p
}

// seedRecorded puts in what the recorded CRM had: what its answers show, and the tickets of others.
func seedRecorded(t *testing.T, w *world) {
	t.Helper()
	put := func(module, id string, fields engine.Fields) {
		w.Put(engine.Ref{Module: module, ID: id}, fields)
	}
	put("Accounts", "11x8613", engine.Fields{"accountname": "Acme Rockets GmbH"})
	put("Accounts", "11x8629", engine.Fields{"accountname": "Umbrella"})
	contact := func(id, first, last, email, account string) {
		put("Contacts", id, engine.Fields{
			"firstname": first, "lastname": last, "email": email, "account_id": account,
			"portal": true, "support_start_date": "2026-01-01", "support_end_date": "2030-12-31",
		})
	}
	contact("12x8614", "Zoë", "O'Brien", "zoe@acme.example", "11x8613")
	contact("12x8630", "Bob", "Builder", "bob@acme.example", "11x8613")
	contact("12x8631", "Eve", "Evil", "eve@umbrella.example", "11x8629")
	for _, e := range exchanges(t) {
		if e.Name != "portal.query.HelpDesk" {
			continue
		}
		var answer struct{ Result []engine.Fields }
		if err := json.Unmarshal([]byte(e.Response.Body), &answer); err != nil {
			t.Fatal(err)
		}
		for _, ticket := range answer.Result {
			id := ticket.Text("id")
			delete(ticket, "id")
			put("HelpDesk", id, ticket)
		}
	}
	for id, parent := range map[string]string{"17x8632": "12x8630", "17x8633": "12x8631"} {
		put("HelpDesk", id, engine.Fields{"ticket_title": "Of another", "parent_id": parent, "ticketstatus": "Open"})
	}
	put("ModComments", "29x1", engine.Fields{"commentcontent": "We found the parcel.", "related_to": "17x8615"})
}
