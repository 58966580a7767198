package workflows_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

// office is who and what the shipped policies are tried with: Ann and Bea of one account, Cas of another, Dan of none;
// Eve and Fay work here.
var office = map[string]engine.Fields{
	"Contacts/ann": {"account_id": "acme"},
	"Contacts/bea": {"account_id": "acme"}, "Contacts/cas": {"account_id": "zeta"},
	"Contacts/dan": {}, "Employees/eve": {}, "Employees/fay": {}, "Accounts/acme": {}, "Accounts/zeta": {},
	"HelpDesk/ann": {"parent_id": "ann"}, "HelpDesk/acme": {"parent_id": "acme"}, "HelpDesk/bea": {"parent_id": "bea"},
	"HelpDesk/cas": {"parent_id": "cas"}, "HelpDesk/nobody": {},
	"Project/acme": {"linktoaccountscontacts": "acme", "cf_leader": "eve"},
	"Project/ann":  {"linktoaccountscontacts": "ann"},
	"Project/bea":  {"linktoaccountscontacts": "bea"},
	"Project/zeta": {"linktoaccountscontacts": "zeta", "cf_leader": "fay"}, "Project/nobody": {},
	"ProjectTask/acme": {"projectid": "acme"}, "ProjectTask/zeta": {"projectid": "zeta"},
}

// rowCase is a record of a module and whether it is seen.
type rowCase struct {
	fields engine.Fields
	seen   bool
}

// sales are the cases of what customers buy, by the field and value of what is out of the draft.
func sales(status, out, draft string) []rowCase {
	return []rowCase{
		{engine.Fields{"account_id": "acme", status: out}, true},
		{engine.Fields{"contact_id": "ann", status: out}, true},
		{engine.Fields{"account_id": "acme", status: draft}, false},
		{engine.Fields{"account_id": "acme"}, false},
		{engine.Fields{"account_id": "zeta", "contact_id": "bea", status: out}, false},
		{engine.Fields{status: out}, false},
	}
}

// about are the cases of what refers to customers by one field.
func about(field string) []rowCase {
	return []rowCase{
		{engine.Fields{field: "ann"}, true},
		{engine.Fields{field: "acme"}, true},
		{engine.Fields{field: "bea"}, false},
		{engine.Fields{field: "zeta"}, false},
		{engine.Fields{}, false},
	}
}

// shippedRows are the cases by portal, role and module; the subject of the first is Ann, of the second Eve.
func shippedRows() map[string][]rowCase {
	cases := map[string][]rowCase{
		"customers default Contacts": {{engine.Fields{"id": "ann"}, true}, {engine.Fields{"id": "bea"}, false}},
		"customers default Accounts": {{engine.Fields{"id": "acme"}, true}, {engine.Fields{"id": "zeta"}, false}},
		"customers default HelpDesk": about("parent_id"),
		"customers default ModComments": {
			{engine.Fields{"related_to": "ann", "cf_public": true}, true},
			{engine.Fields{"related_to": "HelpDesk/acme", "cf_public": "1"}, true},
			{engine.Fields{"related_to": "HelpDesk/acme", "cf_public": false}, false},
			{engine.Fields{"related_to": "HelpDesk/acme"}, false},
			{engine.Fields{"related_to": "bea", "cf_public": true}, false},
			{engine.Fields{"related_to": "nobody", "cf_public": true}, false},
			{engine.Fields{"cf_public": true}, false},
		},
		"customers default Quotes":     sales("quotestage", "Delivered", "Created"),
		"customers default SalesOrder": sales("sostatus", "Approved", "Created"),
		"customers default Invoice":    sales("invoicestatus", "Sent", "Created"),
		"customers default Documents": marked(append(about("cf_about"),
			rowCase{engine.Fields{"cf_ticket": "acme"}, true}, rowCase{engine.Fields{"cf_ticket": "cas"}, false},
			rowCase{engine.Fields{"cf_ticket": "nobody"}, false})),
		"customers default Protocols": {
			{engine.Fields{"account_id": "acme", "released": true}, true},
			{engine.Fields{"contact_id": "ann", "released": true}, true},
			{engine.Fields{"contact_id": "ann"}, false},
			{engine.Fields{"contact_id": "bea", "account_id": "zeta", "released": true}, false},
		},
		"customers default Project": about("linktoaccountscontacts"),
		"customers default ProjectTask": {
			{engine.Fields{"projectid": "acme"}, true},
			{engine.Fields{"projectid": "ann"}, true},
			{engine.Fields{"projectid": "zeta"}, false},
			{engine.Fields{"projectid": "nobody"}, false},
			{engine.Fields{}, false},
		},
		"customers default Timecontrol": marked([]rowCase{
			{engine.Fields{"relatedto": "Contacts/ann"}, true},
			{engine.Fields{"relatedto": "HelpDesk/acme"}, true},
			{engine.Fields{"relatedto": "Project/acme"}, true},
			{engine.Fields{"relatedto": "ProjectTask/acme"}, true},
			{engine.Fields{"relatedto": "Contacts/bea"}, false},
			{engine.Fields{"relatedto": "HelpDesk/cas"}, false},
			{engine.Fields{"relatedto": "Project/zeta"}, false},
			{engine.Fields{"relatedto": "ProjectTask/zeta"}, false},
			{engine.Fields{}, false},
		}),
		"employees default Employees":     {{engine.Fields{"id": "eve"}, true}, {engine.Fields{"id": "fay"}, false}},
		"employees default SalarySlips":   ofEve("employee_id"),
		"employees default Documents":     marked(ofEve("cf_about")),
		"employees default Protocols":     ofEve("employee_id"),
		"employees default PurchaseOrder": ofEve("cf_requested_by"),
		"employees default Project":       ofEve("cf_leader"),
		"employees default ProjectTask": append(ofEve("cf_employee"),
			rowCase{engine.Fields{"projectid": "acme"}, true}, rowCase{engine.Fields{"projectid": "zeta"}, false}),
		"employees default Timecontrol": append(ofEve("cf_employee"),
			rowCase{engine.Fields{"cf_employee": "eve", "invoiced": true}, true}),
	}
	maps.Copy(cases, managerRows(cases))
	return cases
}

func ofEve(field string) []rowCase {
	return []rowCase{
		{engine.Fields{field: "eve"}, true}, {engine.Fields{field: "fay"}, false}, {engine.Fields{}, false},
	}
}

// Each module of each role of the shipped policies shows what concerns whoever is signed in, and nothing else.
func TestShippedPoliciesShowWhatConcerns(t *testing.T) {
	book, cases := shippedBook(t), shippedRows()
	subjects := map[string]engine.Ref{
		"customers": {Module: "Contacts", ID: "ann"}, "employees": {Module: "Employees", ID: "eve"},
	}
	for name, portal := range book.Portals {
		for role, of := range portal.Roles {
			for module, access := range of.Modules {
				key := strings.Join([]string{name, role, module}, " ")
				tryRows(t, key, book, access, subjects[name], cases[key])
				delete(cases, key)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(cases)) {
		t.Errorf("there is no %s", key)
	}
}

func tryRows(t *testing.T, key string, book *engine.Book, access *engine.Access, me engine.Ref, cases []rowCase) {
	t.Helper()
	env := &engine.Env{
		Ref: me, Module: book.Modules[me.Module], Modules: book.Modules, Record: office[me.String()],
	}
	bound := access.Rows.Bind(env, time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), time.UTC)
	seen := map[bool]int{}
	for _, c := range cases {
		record := engine.Record{Ref: engine.Ref{Module: access.Module.Name, ID: "x"}, Fields: maps.Clone(c.fields)}
		if id := c.fields.Text("id"); id != "" {
			record.ID = id
		}
		row := engine.Row{Record: record, Routes: followed(book, record, access.Rows.Routes()), Modules: book.Modules}
		if got := bound.Holds(row); got != c.seen {
			t.Errorf("%s: %v is seen: %t, by %s", key, c.fields, got, bound)
		}
		seen[c.seen]++
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("%s: %d rows that are seen and %d that are not", key, seen[true], seen[false])
	}
}

// followed finds what routes lead to in the office. A reference says its module where two records have its id.
func followed(book *engine.Book, record engine.Record, routes []string) map[string]engine.Record {
	found := map[string]engine.Record{}
	for _, route := range routes {
		from, name := record, route
		if at := strings.LastIndexByte(route, '.'); at >= 0 {
			from, name = found[route[:at]], route[at+1:]
		}
		module := book.Modules[from.Module]
		if module == nil || module.Fields[name] == nil {
			continue
		}
		field := module.Fields[name]
		for _, module := range field.To {
			id := strings.TrimPrefix(from.Fields.Text(name), module+"/")
			if fields, ok := office[module+"/"+id]; ok && id != "" {
				found[route] = engine.Record{Ref: engine.Ref{Module: module, ID: id}, Fields: fields}
			}
		}
		if strings.Contains(from.Fields.Text(name), "/") {
			_, record.Fields[name], _ = strings.Cut(from.Fields.Text(name), "/")
		}
	}
	return found
}
