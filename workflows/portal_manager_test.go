package workflows_test

import (
	"maps"
	"testing"
	"time"

	"postern/channels"
	"postern/engine"
	"postern/tasks"
	"postern/workflows"
)

// marked are cases of what is shown only with the mark of the portal.
func marked(cases []rowCase) (all []rowCase) {
	for _, c := range cases {
		for mark, shown := range map[any]bool{true: true, "1": true, false: false, "": false} {
			fields := maps.Clone(c.fields)
			fields["cf_public"] = mark
			all = append(all, rowCase{fields, c.seen && shown})
		}
	}
	return all
}

// managerRows are the cases of Ann as the manager of her account: what one of its contacts sees, she sees too.
func managerRows(of map[string][]rowCase) map[string][]rowCase {
	return map[string][]rowCase{
		"customers manager Accounts": of["customers default Accounts"],
		"customers manager Contacts": {
			{engine.Fields{"id": "ann", "account_id": "acme"}, true},
			{engine.Fields{"id": "dan"}, false},
			{engine.Fields{"id": "bea", "account_id": "acme"}, true},
			{engine.Fields{"id": "cas", "account_id": "zeta"}, false},
		},
		"customers manager HelpDesk": append(ofAccount("parent_id"),
			rowCase{engine.Fields{"parent_id": "dan"}, false}),
		"customers manager ModComments": marked(ofAccount("related_to", "HelpDesk/")),
		"customers manager Quotes":      managerSales("quotestage", "Delivered", "Created"),
		"customers manager SalesOrder":  managerSales("sostatus", "Approved", "Created"),
		"customers manager Invoice":     managerSales("invoicestatus", "Sent", "Created"),
		"customers manager Documents":   marked(append(ofAccount("cf_about"), ofAccount("cf_ticket")...)),
		"customers manager Protocols":   managerSales("released", true, false),
		"customers manager Project":     ofAccount("linktoaccountscontacts"),
		"customers manager ProjectTask": ofAccount("projectid"),
		"customers manager Timecontrol": marked(append(ofAccount("relatedto", "HelpDesk/", "Project/"),
			rowCase{engine.Fields{"relatedto": "Contacts/bea"}, true},
			rowCase{engine.Fields{"relatedto": "Contacts/cas"}, false},
			rowCase{engine.Fields{"relatedto": "ProjectTask/acme"}, true},
			rowCase{engine.Fields{"relatedto": "ProjectTask/zeta"}, false})),
	}
}

// ofAccount are the cases of what refers to somebody of the account or to what is theirs, by the modules it may be of.
func ofAccount(field string, modules ...string) (cases []rowCase) {
	if modules == nil {
		modules = []string{""}
	}
	for _, module := range modules {
		for id, seen := range map[string]bool{"acme": true, "ann": true, "bea": true, "zeta": false, "nobody": false} {
			cases = append(cases, rowCase{engine.Fields{field: module + id}, seen})
		}
	}
	return append(cases, rowCase{engine.Fields{}, false})
}

// managerSales are the cases of what an account or one of its contacts buys, by the field that says it is no draft.
func managerSales(status string, out, draft any) []rowCase {
	return []rowCase{
		{engine.Fields{"account_id": "acme", status: out}, true},
		{engine.Fields{"contact_id": "ann", status: out}, true},
		{engine.Fields{"contact_id": "bea", status: out}, true},
		{engine.Fields{"account_id": "acme", "contact_id": "cas", status: out}, true},
		{engine.Fields{"contact_id": "bea", "account_id": "zeta", status: out}, false}, // is Zeta's
		{engine.Fields{"contact_id": "cas", status: out}, false},
		{engine.Fields{"contact_id": "dan", status: out}, false},
		{engine.Fields{"contact_id": "bea", status: draft}, false},
		{engine.Fields{status: out}, false},
	}
}

func shippedBook(t *testing.T) *engine.Book {
	t.Helper()
	book, complaints, _ := workflows.Load(workflows.Shipped, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: channels.Carriers(), KeepAll: true, Shipped: true,
	})
	if book == nil {
		t.Fatal(complaints)
	}
	return book
}

// A manager whose account is not known has what is their own, and nobody else's.
func TestShippedManagerWithoutAnAccount(t *testing.T) {
	book, dan := shippedBook(t), engine.Ref{Module: "Contacts", ID: "dan"}
	role := book.Portals["customers"].Roles["manager"]
	for module, cases := range map[string][]rowCase{
		"Contacts": {
			{engine.Fields{"id": "dan"}, true},
			{engine.Fields{"id": "x"}, false},
			{engine.Fields{"id": "bea", "account_id": "acme"}, false},
		},
		"HelpDesk": {
			{engine.Fields{"parent_id": "dan"}, true},
			{engine.Fields{"parent_id": "bea"}, false},
			{engine.Fields{}, false},
		},
		"Invoice": {
			{engine.Fields{"contact_id": "dan", "invoicestatus": "Sent"}, true},
			{engine.Fields{"contact_id": "bea", "invoicestatus": "Sent"}, false},
			{engine.Fields{"invoicestatus": "Sent"}, false},
		},
	} {
		tryRows(t, "customers manager of nothing "+module, book, role.Modules[module], dan, cases)
	}
}

// What is released or invoiced is seen, and no longer changed by who made it.
func TestShippedPoliciesLeaveWhatIsSettled(t *testing.T) {
	book := shippedBook(t)
	settles := map[string]string{
		"employees default Protocols": "released", "employees default Timecontrol": "invoiced",
	}
	for name, portal := range book.Portals {
		for role, of := range portal.Roles {
			for module, access := range of.Modules {
				key := name + " " + role + " " + module
				field := settles[key]
				delete(settles, key)
				if open := access.While.IsEverything(); open != (field == "") {
					t.Errorf("%s may always be changed: %t", key, open)
				}
				for value, want := range map[any]bool{true: false, "1": false, false: true, "": true, nil: true} {
					record := engine.Record{
						Ref: engine.Ref{Module: module, ID: "x"}, Fields: engine.Fields{field: value},
					}
					bound := access.While.Bind(&engine.Env{}, time.Now(), time.UTC)
					holds := bound.Holds(engine.Row{Record: record, Modules: book.Modules})
					if field != "" && holds != want {
						t.Errorf("%s with %s %v may be changed: %t", key, field, value, holds)
					}
				}
			}
		}
	}
	for key := range settles {
		t.Errorf("there is no %s", key)
	}
}

// The form of a comment offers tickets alone: what rows would refuse of an account or an invoice is not offered.
func TestShippedFormsOfferWhatIsAccepted(t *testing.T) {
	book := shippedBook(t)
	env := &engine.Env{
		Ref: engine.Ref{Module: "Contacts", ID: "ann"}, Module: book.Modules["Contacts"], Modules: book.Modules,
		Record: office["Contacts/ann"],
	}
	for _, role := range book.Portals["customers"].Roles {
		access := role.Modules["ModComments"]
		set, err := access.Create.Values(access.Module, env, time.Now(), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		rows := access.Rows.Bind(env, time.Now(), time.UTC)
		for module, want := range map[string]bool{"HelpDesk": false, "Accounts": true, "Invoice": true} {
			fits := rows.Target(access.Module, "related_to", book.Modules[module], set)
			if fits.IsNothing() != want {
				t.Errorf("%s about %s: %s", role.Name, module, fits)
			}
		}
	}
}
