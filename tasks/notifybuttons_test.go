package tasks_test

import (
	"strings"
	"testing"

	"postern/engine"
)

// The message carries what its buttons lead to, in the language of its text.
func TestNotifyHasButtons(t *testing.T) {
	h := newHouse(t, strings.Replace(telling, "expires: 1h }", "expires: 1h }, buttons: [resolve]", 1))
	h.tell("People/p1", engine.Fields{"name": "Zoë", "email": "zoe@acme.example", "tongue": "es"})
	h.tell("Tickets/1", engine.Fields{"no": "T1", "contact": "p1"})
	buttons, link := h.sent(1)[0].Content.Buttons, h.ended("1").Links[0]
	want := engine.Button{
		Link: link.ID, Generation: link.Generation, Action: "resolve", Label: "resolve", Expires: link.Expires,
	}
	if len(buttons) != 1 || !buttons[0].Expires.Equal(want.Expires) {
		t.Fatalf("the buttons are %+v", buttons)
	}
	if buttons[0].Expires = want.Expires; buttons[0] != want {
		t.Errorf("the button is %+v, want %+v", buttons[0], want)
	}
}
