package mail

import "testing"

// The address of a machine is no enhanced code, and a mailbox that gets too much at once is still there.
func TestRefusal(t *testing.T) {
	for text, want := range map[string]struct {
		code string
		lost bool
	}{
		"550 5.1.1 no such user":   {"5.1.1", true},
		"550 5.1.1. No such user.": {"5.1.1", true},
		"550 #5.1.1 user unknown":  {"5.1.1", true},
		"550 Service unavailable; client host [5.1.1.44] blocked using zen.example": {"550", false},
		"554 185.5.1.1 is on a list of spammers":                                    {"554", false},
		"550 client 5.1.1.44: 5.7.1 rejected":                                       {"5.7.1", false},
		"550 5.2.1 The email account that you tried to reach is disabled.":          {"5.2.1", true},
		"550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages " +
			"from being delivered.": {"5.2.1", false},
	} {
		if code, lost := refusal(text); code != want.code || lost != want.lost {
			t.Errorf("%s: %s %v", text, code, lost)
		}
	}
	if b := failed("5.2.1", "smtp; 550 5.2.1 receiving mail at a rate that prevents more"); b.Suppress {
		t.Errorf("%+v", b)
	}
}
