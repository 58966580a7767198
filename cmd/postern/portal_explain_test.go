package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const explainRecords = `
Contacts/12x1: { lastname: Núñez, email: zoe@acme.example, portal: true, account_id: 11x4 }
Contacts/12x2: { lastname: Gone, email: gone@acme.example, portal: false, account_id: 11x4 }
Contacts/12x3: { lastname: Alone, email: alone@acme.example, portal: true, support_end_date: 2026-03-01 }
HelpDesk/17x1: { ticket_title: No power, parent_id: 11x4 }
HelpDesk/17x2: { ticket_title: Of others, parent_id: 12x9 }
ModComments/32x1: { commentcontent: Done, related_to: 17x1, cf_public: true }
Invoice/7x1: { subject: Draft, account_id: 11x4, invoicestatus: Created }
`

func TestPortalIsExplainedFromFiles(t *testing.T) {
	records := filepath.Join(t.TempDir(), "records.yaml")
	if err := os.WriteFile(records, []byte(explainRecords), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ args, want string }{
		{"customers Contacts/12x1 HelpDesk/17x1", "HelpDesk/17x1 is seen\n  parent_id is one of \"12x1\", \"11x4\"\n"},
		{
			"customers Contacts/12x1 HelpDesk/17x2",
			"HelpDesk/17x2 is not seen\n  parent_id is one of \"12x1\", \"11x4\": that is not so\n",
		},
		{"customers Contacts/12x1 ModComments/32x1", "ModComments/32x1 is seen\n  cf_public is true\n"},
		{
			"customers Contacts/12x1 Invoice/7x1",
			"invoicestatus is one of \"Approved\", \"Sent\", \"Paid\": that is not so\n",
		},
		{"customers Contacts/12x1 SalarySlips", "no access\n"},
		{"customers Contacts/12x1 HelpDesk", "  create   ticket_title, description, ticketpriorities\n"},
		{"customers Contacts/12x1 HelpDesk", "           parent_id is set to me.id\n"},
		{"customers Contacts/12x2", "may not sign in: active is false: me.portal\n"},
		{"customers Contacts/12x3", "may not sign in: today is not between"},
		{"customers Contacts/12x3 Accounts", "  rows     no record\n  by       id is me.account_id\n"},
	} {
		var out bytes.Buffer
		flags := explainFlags{records: []string{records}, at: "2026-11-26T12:00:00Z"}
		if err := explainOffline(t.Context(), &out, flags, strings.Fields(test.args)); err != nil {
			t.Errorf("%s: %v", test.args, err)
		}
		if !strings.Contains(out.String(), test.want) {
			t.Errorf("%s: no %q in\n%s", test.args, test.want, &out)
		}
	}
	for args, want := range map[string]string{
		"clients Contacts/12x1":            "there is no portal \"clients\" in the book; it has customers, employees",
		"customers zoe":                    "no record of the files signs in to portal customers as \"zoe\": give the email",
		"customers Contacts/12x9":          "Contacts/12x9 is not there",
		"customers HelpDesk/17x1":          "or their record, Contacts/<id>",
		"customers Contacts/12x1 Tickets":  "the book describes no module Tickets",
		"customers Contacts/12x1 Invoice/": "does not name a record as Module/id",
	} {
		flags := explainFlags{records: []string{records}}
		err := explainOffline(t.Context(), &bytes.Buffer{}, flags, strings.Fields(args))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
