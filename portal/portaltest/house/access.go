package house

import "postern/engine"

// me is the value of a route of the subject's record.
func me(path string) engine.Operand { return engine.Operand{From: engine.FromMe, Path: path} }

func equals(path string, value engine.Operand) engine.Predicate {
	return engine.Predicate{Op: engine.OpEqual, Path: path, Values: []engine.Operand{value}}
}

func among(path string, values ...engine.Operand) engine.Predicate {
	return engine.Predicate{Op: engine.OpIn, Path: path, Values: values}
}

// access fills in the defaults that a policy has: everything that is read may be filtered and sorted by.
func access(a engine.Access) *engine.Access {
	if a.Filter == nil {
		a.Filter = a.Read
	}
	if a.Sort == nil {
		a.Sort = a.Read
	}
	return &a
}

// customerAccess is what contacts may do: their own tickets and those of their account, with comments; invoices,
// projects and tasks of their account; documents that the CRM relates to it; themselves. A manager closes and deletes
// tickets, too.
func customerAccess(m map[string]*engine.Module, manager bool) map[string]*engine.Access {
	tickets := engine.Access{
		Module: m["HelpDesk"], Rows: among("parent_id", me("id"), me("account_id")),
		Read: []string{
			"ticket_no", "ticket_title", "ticketstatus", "description", "parent_id", "hours", "rank", "due", "call",
			"urgent", "reply_to", "colours", "attachment",
		},
		Update: []string{
			"ticket_title", "description", "hours", "rank", "due", "call", "urgent", "reply_to", "colours",
			"attachment",
		},
		Create: &engine.Making{
			Fields: []string{"ticket_title", "description", "urgent", "attachment"},
			Set: map[string]engine.Operand{
				"parent_id": me("account_id"), "ticketstatus": {Value: "Open"}, "secret": {Value: "from the portal"},
			},
		},
		Related: []engine.Relative{{Module: "ModComments", By: "related_to"}, {Module: "Documents"}},
	}
	if manager {
		tickets.Update = append(tickets.Update, "ticketstatus", "parent_id")
		tickets.Delete = true
	}
	all := []engine.Access{tickets, {
		Module: m["ModComments"], Rows: among("related_to.parent_id", me("id"), me("account_id")),
		Read:   []string{"commentcontent", "related_to"},
		Create: &engine.Making{Fields: []string{"commentcontent", "related_to"}},
	}, {
		Module: m["Invoice"], Rows: equals("account_id", me("account_id")),
		Read: []string{"invoice_no", "subject", "total", "account_id"}, Filter: []string{"invoice_no", "total"},
		Sort: []string{"invoice_no", "total", "subject"},
	}, {
		Module: m["Project"], Rows: equals("account_id", me("account_id")), Read: []string{"projectname"},
		Related: []engine.Relative{{Module: "ProjectTask", By: "projectid"}},
	}, {
		Module: m["ProjectTask"], Rows: equals("projectid.account_id", me("account_id")),
		Read: []string{"projecttaskname", "projectid", "progress"}, Update: []string{"progress", "projectid"},
	}, {
		Module: m["Documents"], Read: []string{"notes_title", "file"}, Rows: engine.Predicate{
			Op: engine.OpRelated, Module: "Accounts", Values: []engine.Operand{me("account_id")},
		},
	}, {
		Module: m["Contacts"], Rows: equals("id", me("id")),
		Read:   []string{"firstname", "lastname", "email", "phone", "account_id"},
		Update: []string{"phone", "email"}, Fresh: []string{"email"},
	}, {
		Module: m["Accounts"], Rows: equals("id", me("account_id")), Read: []string{"accountname"},
	}}
	return byModule(all)
}

// staffAccess is what employees may do: read their salary slips, and keep their time records until they are invoiced.
func staffAccess(m map[string]*engine.Module) map[string]*engine.Access {
	return byModule([]engine.Access{{
		Module: m["Salaries"], Rows: equals("employee", me("id")), Read: []string{"month", "net"},
	}, {
		Module: m["TimeRecords"], Rows: equals("employee", me("id")), Read: []string{"day", "hours"},
		While:  equals("invoiced", engine.Operand{Value: false}),
		Update: []string{"hours"}, Delete: true, Create: &engine.Making{
			Fields: []string{"day", "hours"}, Set: map[string]engine.Operand{"employee": me("id")},
		},
	}})
}

func byModule(all []engine.Access) map[string]*engine.Access {
	found := map[string]*engine.Access{}
	for _, a := range all {
		found[a.Module.Name] = access(a)
	}
	return found
}
