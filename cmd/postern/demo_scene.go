package main

import (
	"time"

	"postern/engine"
)

// demoWaiting is the ticket that will wait for its customer.
const demoWaiting = "17x91"

// scene is what is there beside the tickets of every day: an invoice that opens with a security code, a quote behind a
// second mail, an order that somebody has to approve, an event whose participant is asked for an opinion, a contract
// that is agreed to with a code, two tickets that are told by other channels than mail, and what portals show.
func (c *demoCRM) scene() []engine.Record {
	today := time.Now().UTC().Format(time.DateOnly)
	at := func(module, id string, fields engine.Fields) engine.Record {
		return engine.Record{Ref: engine.Ref{Module: module, ID: id}, Fields: fields}
	}
	return append(portalScene(), []engine.Record{
		at("Users", "19x1", engine.Fields{
			"user_name": "olga", "first_name": "Olga", "last_name": "Sanz", "email1": "olga@acme.example",
			"language": "en", "status": "Active",
		}),
		at("Users", "19x2", engine.Fields{
			"user_name": "ben", "first_name": "Ben", "last_name": "Okri", "email1": "ben@acme.example",
			"language": "en", "status": "Active", "reports_to_id": "19x1",
		}),
		at("Invoice", "7x1", engine.Fields{
			"invoice_no": "INV1001", "subject": "Coffee machine, yearly service", "invoicestatus": "Approved",
			"contact_id": demoPerson(0).ID, "account_id": "11x1", "invoicedate": today, "duedate": today,
			"hdnGrandTotal": "480.00", "assigned_user_id": "19x2",
		}),
		at("Quotes", "4x1", engine.Fields{
			"quote_no": "QUO3001", "subject": "Cafeteras para toda la casa", "quotestage": "Delivered",
			"contact_id": demoPerson(1).ID, "hdnGrandTotal": "48000.00", "assigned_user_id": "19x2",
		}),
		at("PurchaseOrder", "6x1", engine.Fields{
			"purchaseorder_no": "PO2001", "subject": "Two coffee machines", "postatus": "Created",
			"hdnGrandTotal": "3180.00", "assigned_user_id": "19x2",
		}),
		at("Events", "18x1", engine.Fields{
			"subject": "Open day", "date_start": today, "eventstatus": "Held", "assigned_user_id": "19x2",
		}),
		at("Participants", "42x1", engine.Fields{
			"event_id": "18x1", "firstname": "Zoë", "lastname": "O'Brien", "email": "zoe@acme.example",
			"template_language": "en", "cf_externalid": c.opinions,
		}),
		at("ServiceContracts", "22x1", engine.Fields{
			"contract_no": "SER4001", "subject": "Onderhoud van de koffiemachines", "contract_status": "In Planning",
			"sc_related_to": demoPerson(2).ID, "start_date": today, "assigned_user_id": "19x2",
		}),
		at("HelpDesk", "17x90", engine.Fields{
			"ticket_no": "TT90", "ticket_title": "No coffee on the third floor", "ticketstatus": "Open",
			"ticketpriorities": "Urgent", "parent_id": demoPerson(1).ID, "assigned_user_id": "19x2",
		}),
		at("HelpDesk", demoWaiting, engine.Fields{
			"ticket_no": "TT91", "ticket_title": "Which filter fits?", "ticketstatus": "Open",
			"ticketpriorities": "Normal", "parent_id": demoPerson(0).ID, "assigned_user_id": "19x2",
		}),
	}...)
}
