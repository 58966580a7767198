package main

import (
	"context"
	"fmt"
	"time"

	"postern/engine"
	"postern/portal"
)

// demoPassword is what all who may sign in to the demo's portals sign in with.
const demoPassword = "violet otter sings"

// demoAccount is somebody who may sign in.
type demoAccount struct {
	portal  string
	subject engine.Ref
}

func demoAccounts() []demoAccount {
	return []demoAccount{
		{"customers", demoPerson(0)}, {"customers", demoPerson(1)}, {"employees", demoEmployee()},
	}
}

// demoEmployee is the employee with salary slips.
func demoEmployee() engine.Ref { return engine.Ref{Module: "Employees", ID: "43x1"} }

// portalScene is what those see who sign in: two companies with tickets and invoices of their own, and an employee.
func portalScene() []engine.Record {
	at := func(module, id string, fields engine.Fields) engine.Record {
		return engine.Record{Ref: engine.Ref{Module: module, ID: id}, Fields: fields}
	}
	now := time.Now().UTC()
	paid := func(months int) string { return now.AddDate(0, -months, 0).Format(time.DateOnly) }
	return []engine.Record{
		at("Accounts", "11x1", engine.Fields{
			"accountname": "Acme Coffee", "email1": "office@acme.example", "phone": "+34911234567",
		}),
		at("Accounts", "11x2", engine.Fields{"accountname": "Umbrella", "email1": "hola@umbrella.example"}),
		at("HelpDesk", "17x80", engine.Fields{
			"ticket_no": "TT80", "ticket_title": "Descale the machine", "ticketstatus": "Closed",
			"ticketpriorities": "Low", "parent_id": "11x1", "createdtime": now.AddDate(0, -2, 0).Format(time.DateTime),
			"solution": "Done on the yearly visit.",
		}),
		at("Invoice", "7x2", engine.Fields{
			"invoice_no": "INV1002", "subject": "Coffee beans, 40 kg", "invoicestatus": "Paid", "account_id": "11x1",
			"contact_id": demoPerson(0).ID, "invoicedate": paid(2), "duedate": paid(1), "hdnGrandTotal": "720.00",
		}),
		at("Invoice", "7x3", engine.Fields{
			"invoice_no": "INV1003", "subject": "Café en grano, 12 kg", "invoicestatus": "Paid", "account_id": "11x2",
			"contact_id": demoPerson(1).ID, "invoicedate": paid(2), "duedate": paid(1), "hdnGrandTotal": "216.00",
		}),
		at(demoEmployee().Module, demoEmployee().ID, engine.Fields{
			"firstname": "Nadia", "lastname": "Haddad", "email": "nadia@home.example", "template_language": "en",
			"cf_pin": "8822-1904", "portal": true,
		}),
		at("SalarySlips", "44x1", engine.Fields{
			"slip_no": "PAY-1", "employee_id": demoEmployee().ID, "period": now.AddDate(0, -2, 0).Format("2006-01"),
			"gross": "3100.00", "net": "2240.18", "payday": paid(2),
		}),
		at("SalarySlips", "44x2", engine.Fields{
			"slip_no": "PAY-2", "employee_id": demoEmployee().ID, "period": now.AddDate(0, -1, 0).Format("2006-01"),
			"gross": "3100.00", "net": "2240.18", "payday": paid(1),
		}),
	}
}

// letIn gives those a password who may sign in, once the events about them were taken in.
func (d *demonstration) letIn(ctx context.Context) {
	for _, account := range demoAccounts() {
		for !d.isThere(ctx, account.subject) {
			if (engine.SystemClock{}).Wait(ctx, 20*time.Millisecond) != nil {
				return
			}
		}
		err := d.house.portals.gate.SetPassword(ctx, account.portal, account.subject, demoPassword, portal.Because{
			Actor: engine.Source, Detail: "demo", Legacy: true, // nobody needs to hear of it
		})
		if err != nil && ctx.Err() == nil {
			d.say("%s cannot sign in: %v\n", account.subject, err)
		}
	}
	if ctx.Err() == nil {
		d.line("postern", "portal", "the people of the portals can sign in")
	}
}

func (d *demonstration) isThere(ctx context.Context, ref engine.Ref) bool {
	records, err := d.house.crm.Get(ctx, ref)
	return err == nil && len(records) > 0
}

// portalWelcome tells how to sign in.
func (d *demonstration) portalWelcome() string {
	return fmt.Sprintf(`  10. Sign in as a customer, at %[1]s/portal/customers
      as zoe@acme.example, and in another browser as pilar@umbrella.example, both with: %[2]s
      Each sees the tickets and invoices of her own company and nobody else's. Open a new ticket there: the CRM
      numbers it, and the mail about it comes into the inbox. Or sign out and press "Forgot your password?": the
      link to choose another one comes into the inbox too.
  11. Sign in as an employee, at %[1]s/portal/employees
      as nadia@home.example, with the same password: her salary slips, and nobody else's.
`, d.house.base, demoPassword)
}
