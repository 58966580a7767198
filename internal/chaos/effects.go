package main

// Effects that are owed and seen; those that Postern tells are named by effectName.
const (
	mailed      = "mail"                         // the sink took one
	filled      = "record.updated cf_externalid" // a ticket got its external id
	escalated   = "ticket.escalated"             // a workflow told so
	praised     = "ticket.praised"               // another one did
	woken       = "ticket.woken"                 // one that rested did
	described   = "record.updated description"   // a workflow wrote it
	resolved    = "record.updated ticketstatus"  // a visitor's action
	doubted     = "delivery.unknown"             // a mail is in doubt, and why
	undelivered = "delivery.failed"              // a mail was given up, or reported as undelivered, and why
	delivered   = "delivery.delivered"           // the provider reported that it arrived
	failed      = "run.failed"                   // a run broke, and why
	opened      = "link.opened"                  // somebody passed the door of a link for the first time
	used        = "link.used"                    // and the use of their link
)
