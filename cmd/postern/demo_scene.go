package main

import (
	"time"

	"postern/engine"
)

// demoScene is what is there beside the tickets: an invoice that opens with a security code, a quote behind a second
// mail, and an order that somebody has to approve.
func demoScene() []engine.Record {
	today := time.Now().UTC().Format(time.DateOnly)
	at := func(module, id string, fields engine.Fields) engine.Record {
		return engine.Record{Ref: engine.Ref{Module: module, ID: id}, Fields: fields}
	}
	return []engine.Record{
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
			"contact_id": demoPerson(0).ID, "invoicedate": today, "duedate": today, "hdnGrandTotal": "480.00",
			"assigned_user_id": "19x2",
		}),
		at("Quotes", "4x1", engine.Fields{
			"quote_no": "QUO3001", "subject": "Cafeteras para toda la casa", "quotestage": "Delivered",
			"contact_id": demoPerson(1).ID, "hdnGrandTotal": "48000.00", "assigned_user_id": "19x2",
		}),
		at("PurchaseOrder", "6x1", engine.Fields{
			"purchaseorder_no": "PO2001", "subject": "Two coffee machines", "postatus": "Created",
			"hdnGrandTotal": "3180.00", "assigned_user_id": "19x2",
		}),
	}
}
