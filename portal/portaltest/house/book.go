package house

import (
	"time"

	"postern/engine"
)

// The names of the portals.
const (
	Customers = "customers"
	Staff     = "staff"
)

// field describes a field; changes are made to it.
func field(name string, kind engine.FieldType, label string, change ...func(*engine.Field)) *engine.Field {
	f := &engine.Field{Name: name, Type: kind, Label: engine.Labels{"en": label}}
	for _, c := range change {
		c(f)
	}
	return f
}

func to(modules ...string) func(*engine.Field) { return func(f *engine.Field) { f.To = modules } }

func required(f *engine.Field) { f.Required = true }

func unique(f *engine.Field) { f.Unique = true }

func most(n int) func(*engine.Field) { return func(f *engine.Field) { f.Max = n } }

func options(values ...string) func(*engine.Field) {
	return func(f *engine.Field) { f.Options = values }
}

func module(name, label string, title []string, fields ...*engine.Field) *engine.Module {
	m := &engine.Module{
		Name: name, Label: engine.Labels{"en": label}, Title: title, Keep: true, Fields: map[string]*engine.Field{},
	}
	for _, f := range fields {
		m.Names = append(m.Names, f.Name)
		m.Fields[f.Name] = f
	}
	return m
}

// Modules are the modules of the small book. Assets is one that no role has access to.
func Modules() map[string]*engine.Module {
	modules := map[string]*engine.Module{}
	for _, m := range append(people(), append(work(), papers()...)...) {
		modules[m.Name] = m
	}
	modules["Contacts"].Language = "template_language"
	return modules
}

func people() []*engine.Module {
	return []*engine.Module{
		module("Accounts", "Account", []string{"accountname"},
			field("accountname", engine.TypeText, "Name"), field("rating", engine.TypeText, "Rating")),
		module("Contacts", "Contact", []string{"firstname", "lastname"},
			field("firstname", engine.TypeText, "First name"),
			field("lastname", engine.TypeText, "Last name", required, most(80)),
			field("email", engine.TypeEmail, "Email"),
			field("phone", engine.TypePhone, "Phone"),
			field("account_id", engine.TypeReference, "Account", to("Accounts")),
			field("portal", engine.TypeBoolean, "Portal"),
			field("support_start_date", engine.TypeDate, "From"),
			field("support_end_date", engine.TypeDate, "Until"),
			field("template_language", engine.TypeText, "Language"),
			field("portalloginuser", engine.TypeText, "Role"),
			field("notes", engine.TypeText, "Notes")),
		module("Employees", "Employee", []string{"last_name"},
			field("last_name", engine.TypeText, "Last name"), field("work_email", engine.TypeEmail, "Email"),
			field("active", engine.TypeBoolean, "Active"), field("language", engine.TypeText, "Language")),
	}
}

func work() []*engine.Module {
	return []*engine.Module{
		module("HelpDesk", "Ticket", []string{"ticket_no", "ticket_title"},
			field("ticket_no", engine.TypeText, "Number", unique),
			field("ticket_title", engine.TypeText, "Title", required, most(80)),
			field("ticketstatus", engine.TypePicklist, "Status", options("Open", "In Progress", "Closed")),
			field("description", engine.TypeText, "Description"),
			field("parent_id", engine.TypeReference, "Belongs to", to("Accounts", "Contacts")),
			field("hours", engine.TypeDecimal, "Hours"),
			field("rank", engine.TypeInteger, "Rank"),
			field("due", engine.TypeDate, "Due"),
			field("call", engine.TypeDateTime, "Call me"),
			field("urgent", engine.TypeBoolean, "Urgent"),
			field("reply_to", engine.TypeEmail, "Reply to"),
			field("colours", engine.TypeMultiPicklist, "Colours", options("Black", "Cyan", "Magenta")),
			field("attachment", engine.TypeFile, "Attachment"),
			field("secret", engine.TypeText, "Secret"),
			field("externalid", engine.TypeText, "External id", unique)),
		module("ModComments", "Comment", nil,
			field("commentcontent", engine.TypeText, "Comment", required),
			field("related_to", engine.TypeReference, "About", to("HelpDesk"))),
		module("Project", "Project", []string{"projectname"},
			field("projectname", engine.TypeText, "Name"),
			field("account_id", engine.TypeReference, "Account", to("Accounts"))),
		module("ProjectTask", "Task", []string{"projecttaskname"},
			field("projecttaskname", engine.TypeText, "Name"),
			field("projectid", engine.TypeReference, "Project", to("Project")),
			field("progress", engine.TypeInteger, "Progress")),
		module("TimeRecords", "Time record", nil,
			field("employee", engine.TypeReference, "Employee", to("Employees")),
			field("day", engine.TypeDate, "Day"), field("hours", engine.TypeDecimal, "Hours"),
			field("invoiced", engine.TypeBoolean, "Invoiced")),
	}
}

func papers() []*engine.Module {
	return []*engine.Module{
		module("Invoice", "Invoice", []string{"invoice_no"},
			field("invoice_no", engine.TypeText, "Number"), field("subject", engine.TypeText, "Subject"),
			field("total", engine.TypeCurrency, "Total"), field("margin", engine.TypeCurrency, "Margin"),
			field("account_id", engine.TypeReference, "Account", to("Accounts"))),
		module("Documents", "Document", []string{"notes_title"},
			field("notes_title", engine.TypeText, "Title"), field("file", engine.TypeFile, "File")),
		module("Salaries", "Salary slip", []string{"month"},
			field("month", engine.TypeText, "Month"), field("net", engine.TypeCurrency, "Net"),
			field("employee", engine.TypeReference, "Employee", to("Employees"))),
		module("Assets", "Asset", []string{"assetname"},
			field("assetname", engine.TypeText, "Name"),
			field("account_id", engine.TypeReference, "Account", to("Accounts"))),
	}
}

// Portals are the portals of the small book: customers by their contact, staff by their employee.
func Portals(modules map[string]*engine.Module) map[string]*engine.Portal {
	signIn := engine.SignIn{
		Methods: engine.SignInMethods(), SecondFactor: engine.SecondFactorOptional, Idle: engine.SessionIdle,
		Most: engine.SessionMost, Sessions: engine.SessionsAtOnce,
	}
	return map[string]*engine.Portal{
		Customers: {
			Name: Customers, Label: engine.Labels{"en": "My Acme", "es": "Mi Acme"}, SignIn: signIn, Modules: modules,
			Subject: engine.Subject{
				Module: modules["Contacts"], Login: "email", Active: isTrue("portal"), From: "support_start_date",
				Until: "support_end_date", Zone: time.UTC, Language: "template_language", Role: "portalloginuser",
			},
			Roles: map[string]*engine.Role{
				engine.RoleDefault: {Name: engine.RoleDefault, Modules: customerAccess(modules, false)},
				"manager":          {Name: "manager", Modules: customerAccess(modules, true)},
			},
		},
		Staff: {
			Name: Staff, Label: engine.Labels{"en": "Staff"}, SignIn: signIn, Modules: modules,
			Subject: engine.Subject{
				Module: modules["Employees"], Login: "work_email", Active: isTrue("active"), Zone: time.UTC,
				Language: "language",
			},
			Roles: map[string]*engine.Role{
				engine.RoleDefault: {Name: engine.RoleDefault, Modules: staffAccess(modules)},
			},
		},
	}
}

// isTrue is the expression me.<field> of a boolean field.
type isTrue string

func (f isTrue) Eval(env *engine.Env) (any, error) {
	view, err := env.View()
	if err != nil {
		return nil, err
	}
	truth, _ := view[string(f)].(bool)
	return truth, nil
}

func (f isTrue) Routes() []string { return nil }

func (f isTrue) Source() string { return "me." + string(f) }
