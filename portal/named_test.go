package portal_test

import (
	"fmt"
	"testing"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// Rows that give a record by one reference must not let the others name what its maker does not see.
func TestT76ReferencesLeadOnlyToWhatIsTheirs(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	ana.Access("ProjectTask").Rows = engine.Everything()
	ana.Access("HelpDesk").Rows = engine.Everything()
	ana.Access("HelpDesk").Create.Fields = []string{"ticket_title", "parent_id"}
	delete(ana.Access("HelpDesk").Create.Set, "parent_id")
	for _, project := range []any{"31x2", "31x9"} {
		refused(t, "a task of "+project.(string), func() error {
			set := engine.Fields{"projectid": project}
			_, err := w.Desk.Update(t.Context(), ana, house.Ref("ProjectTask/32x1"), set, "")
			return err
		}, 422, portal.CodeOption, "projectid")
	}
	for parent, fits := range map[string]bool{"11x1": true, "12x1": true, "11x2": false, "12x2": false, "x": false} {
		create := func() error {
			set := engine.Fields{"ticket_title": "x", "parent_id": parent}
			_, err := w.Desk.Create(t.Context(), ana, "HelpDesk", set, "")
			return err
		}
		if !fits {
			refused(t, "a ticket of "+parent, create, 422, portal.CodeOption, "parent_id")
		} else if err := create(); err != nil {
			t.Errorf("a ticket of %s: %v", parent, err)
		}
	}
}

// Who takes away what they sign in with is locked out, and gets no mail by which to come back.
func TestT70NobodyTakesTheirLoginAway(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	for _, email := range []any{"", nil} {
		refused(t, fmt.Sprintf("email %v", email), func() error {
			_, err := w.Desk.Update(t.Context(), ana, house.Ana, engine.Fields{"email": email}, "")
			return err
		}, 422, portal.CodeRequired, "email")
	}
}

// A name that two have is nobody's: whoever could take that of somebody else would lock them out.
func TestT70NobodyTakesTheLoginOfSomebodyElse(t *testing.T) {
	w := house.New(t)
	w.SetPassword(house.Customers, house.Bob)
	ana := w.Viewer(house.Customers, house.Ana)
	for _, email := range []string{"bob@globex.example", "BOB@Globex.example"} {
		refused(t, email, func() error {
			_, err := w.Desk.Update(t.Context(), ana, house.Ana, engine.Fields{"email": email}, "")
			return err
		}, 422, portal.CodeTaken, "email")
	}
	if w.SignIn(house.Customers, house.Bob) == "" {
		t.Error("Bob is locked out")
	}
	for _, email := range []string{"ANA@acme.example", "ana.ort@acme.example"} {
		if _, err := w.Desk.Update(t.Context(), ana, house.Ana, engine.Fields{"email": email}, ""); err != nil {
			t.Errorf("%s: %v", email, err)
		}
	}
}

// Whoever asks for a new subject once more, having heard no answer, gets the one that was made: their own first request
// is not somebody else who took the login.
func TestTheLoginOfANewRecordIsTakenOnce(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	ana.Access("Contacts").Rows = engine.Everything()
	ana.Access("Contacts").Create = &engine.Making{Fields: []string{"lastname", "email"}}
	create := func(email, key string) (portal.Done, error) {
		set := engine.Fields{"lastname": "New", "email": email}
		return w.Desk.Create(t.Context(), ana, "Contacts", set, key)
	}
	done, err := create("new@acme.example", "press 1")
	if err != nil || done.Row == nil {
		t.Fatalf("made %+v: %v", done, err)
	}
	deeds := len(w.Deeds())
	again, err := create("new@acme.example", "press 1")
	if err != nil || again.Ref != done.Ref || again.Row == nil || len(w.Deeds()) != deeds {
		t.Errorf("the same key made %+v, with %d deeds: %v", again, len(w.Deeds())-deeds, err)
	}
	for key, code := range map[string]string{"": portal.CodeTaken, "press 2": portal.CodeTaken} {
		refused(t, "key "+key, func() error {
			_, err := create("new@acme.example", key)
			return err
		}, 422, code, "email")
	}
	refused(t, "another order under the key", func() error {
		_, err := create("bob@globex.example", "press 1")
		return err
	}, 422, portal.CodeKey, "")
}
