package engine_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postern/engine"
)

func TestKeysSurviveTheSubject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := engine.Address{
			Domain: engine.DomainCRM, Noun: rapid.StringMatching(`[A-Za-z0-9_-]{1,9}`).Draw(t, "module"), Verb: "updated",
			Key: rapid.OneOf(rapid.String(), rapid.StringMatching(`[%.*> /x0-9]{1,9}`)).Draw(t, "key"),
		}
		subject := want.Subject()
		if strings.ContainsAny(strings.ReplaceAll(subject, ".", ""), "*> \t\r\n") {
			t.Fatalf("%q is no subject NATS takes", subject)
		}
		for _, prefix := range []string{"", "p.63."} {
			got, err := engine.ParseAddress(prefix + subject)
			if err != nil || got != want {
				t.Fatalf("%s%s: %+v, %v", prefix, subject, got, err)
			}
		}
		if p := want.Partition(); p < 0 || p >= engine.Partitions {
			t.Fatalf("partition %d", p)
		}
	})
}

// These values stand in stores and streams: they must never change.
func TestPartitionsAreForEver(t *testing.T) {
	tests := []struct {
		subject   string
		partition int
	}{
		{"crm.HelpDesk.created.17x42", 55},
		{"crm.HelpDesk.updated.17x42", 55},
		{"crm.Contacts.created.12x8614", 34},
		{"crm.Contacts.created.a%2Eb", 7},
		{"crm.Accounts.deleted", 29},
		{"postern.ticket.escalated.17x42", 13},
	}
	for _, tt := range tests {
		at, err := engine.ParseAddress(tt.subject)
		if err != nil || at.Partition() != tt.partition || at.Subject() != tt.subject {
			t.Errorf("%s: partition %d, subject %s, %v", tt.subject, at.Partition(), at.Subject(), err)
		}
	}
}

func TestParseAddressErrors(t *testing.T) {
	tests := []struct{ subject, want string }{
		{"", `subject "" is not crm.<module>.<verb>.<key>`},
		{"crm.HelpDesk", `subject "crm.HelpDesk" is not crm.<module>.<verb>.<key>`},
		{"crm.HelpDesk.created.17.42", `subject "crm.HelpDesk.created.17.42" is not crm.<module>.<verb>.<key>`},
		{"erp.HelpDesk.created.1", `subject "erp.HelpDesk.created.1" is not crm.<module>.<verb>.<key>`},
		{"p.7", `subject "p.7" is not crm.<module>.<verb>.<key>`},
		{"crm.HelpDesk.created.a%2", `subject "crm.HelpDesk.created.a%2": key "a%2" ends inside an escape`},
		{"crm.HelpDesk.created.a%ZZ", `subject "crm.HelpDesk.created.a%ZZ": key "a%ZZ" has the escape "%ZZ", which is not %XX`},
	}
	for _, tt := range tests {
		if at, err := engine.ParseAddress(tt.subject); err == nil || err.Error() != tt.want {
			t.Errorf("%q: %+v, %v", tt.subject, at, err)
		}
	}
}

func TestPlainToken(t *testing.T) {
	for word, want := range map[string]bool{"HelpDesk": true, "a-b_9": true, "": false, "a.b": false, "ü": false, "a b": false, "*": false} {
		if engine.PlainToken(word) != want {
			t.Errorf("%q: %v", word, !want)
		}
	}
}
