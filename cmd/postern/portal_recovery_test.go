package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"postern/engine"
	"postern/portal"
	portalhouse "postern/portal/portaltest/house"
)

func TestT64AskingTellsNothing(t *testing.T) {
	h := newHall(t)
	by := engine.Order{By: "test", At: h.Clock.Now()}
	_, err := h.Gate.Order(t.Context(), portalhouse.Customers, h.name(portalhouse.Bob), portal.OrderDisable, by)
	if err != nil {
		t.Fatal(err)
	}
	h.Put(portalhouse.Eve, engine.Fields{"portal": false})
	names := []string{"nobody@acme.example", h.name(portalhouse.Bob), h.name(portalhouse.Eve), h.name(portalhouse.Ana)}
	askForAll(t, h.browser, names...)
	if ways := h.mailed(); len(ways) != 1 {
		t.Errorf("%d links go out", len(ways))
	}
	asked := 0
	for _, deed := range h.Deeds() {
		if deed.Kind == engine.DeedPortalAsked {
			asked++
		}
		if strings.Contains(deed.Subject+deed.Detail+deed.Actor, "@") {
			t.Errorf("the audit tells %+v", deed)
		}
	}
	if asked != len(names) {
		t.Errorf("%d deeds tell of %d askings", asked, len(names))
	}
	for range 10 { // who asks too often is answered alike, and gets no more
		h.browser().post("/portal/customers/forgot", url.Values{"name": {names[3]}}, http.StatusAccepted)
	}
	if ways := h.mailed(); len(ways) != 2 {
		t.Errorf("%d more links go out", len(ways))
	}
}

func TestT65LinkKnowsItsOwnHost(t *testing.T) {
	h := newHall(t)
	v := h.browser()
	v.host = "evil.example"
	v.post("/portal/customers/forgot", url.Values{"name": {h.name(portalhouse.Ana)}}, http.StatusAccepted)
	if ways := h.mailed(); len(ways) != 1 || !strings.HasPrefix(ways[0], "http://localhost:8080/l/") {
		t.Errorf("the links are %q", ways)
	}
}

func TestT66LinkWorksOnce(t *testing.T) {
	h := newHall(t)
	link, v := h.link("forgot", h.name(portalhouse.Ana)), h.browser()
	for range 5 { // a scanner
		h.browser().get(link, http.StatusOK)
	}
	_, page := v.post(link, nil, http.StatusSeeOther)
	token := strings.TrimPrefix(link, "/l/")
	if !strings.HasPrefix(page, "/portal/customers/password/") || strings.Contains(page, token) {
		t.Fatalf("the door leads to %q", page)
	}
	h.browser().get(page, http.StatusGone) // another browser
	if body, _ := v.get(page, http.StatusOK); !strings.Contains(body, h.name(portalhouse.Ana)) {
		t.Errorf("the page is\n%s", body)
	}
	v.post(page, choose("short"), http.StatusUnprocessableEntity)
	v.post(page, url.Values{"password": {another}, "again": {another + "x"}}, http.StatusUnprocessableEntity)
	v.post(page, choose(another), http.StatusSeeOther)
	v.post(page, choose(another), http.StatusGone)
	v.get(page, http.StatusGone)
	over, _ := h.browser().post(link, nil, http.StatusGone)
	if !strings.Contains(over, "has been used") || !strings.Contains(over, `href="/portal/customers/forgot"`) {
		t.Errorf("a used link leads to\n%s", over)
	}
	if _, ok := h.signsIn(another); !ok {
		t.Error("the password does not sign in")
	}

	older, newer := h.link("forgot", h.name(portalhouse.Ana)), h.link("forgot", h.name(portalhouse.Ana))
	body, _ := h.browser().post(older, nil, http.StatusGone)
	if !strings.Contains(body, "This link is no longer good") || !strings.Contains(body, `href="/portal/customers/forgot"`) {
		t.Errorf("an older link leads to\n%s", body)
	}
	_, page = v.post(newer, nil, http.StatusSeeOther)
	if _, ok := h.signsIn(another); !ok { // while the page is open
		t.Error("asking ended the password")
	}
	v.post(page, choose("eleven blue foxes dance"), http.StatusGone)
	h.browser().post(newer, nil, http.StatusGone)
}

// Who chooses their first password is told of no sessions and no password before.
func TestFirstPasswordEndsNothing(t *testing.T) {
	h := newHall(t)
	for _, first := range []bool{true, false} {
		v := h.browser()
		_, way := v.post(h.link("forgot", h.name(portalhouse.Bob)), nil, http.StatusSeeOther)
		page, _ := v.get(way, http.StatusOK)
		if strings.Contains(page, "you are signed out everywhere") == first {
			t.Errorf("first: %v\n%s", first, page)
		}
		h.SetPassword(portalhouse.Customers, portalhouse.Bob)
	}
}

// The page behind the door speaks as the door does, whatever the browser would like.
func TestLinkKeepsItsLanguage(t *testing.T) {
	h := newHall(t)
	h.speaks = "es"
	v := h.browser()
	link := h.link("forgot", h.name(portalhouse.Ana))
	if body, _ := v.get(link, http.StatusOK); !strings.Contains(body, `lang="es"`) {
		t.Errorf("the door is\n%s", body)
	}
	_, page := v.post(link, nil, http.StatusSeeOther)
	if body, _ := v.get(page, http.StatusOK); !strings.Contains(body, `lang="es"`) {
		t.Errorf("the page is\n%s", body)
	}
	body, _ := v.post(page, choose("short"), http.StatusUnprocessableEntity)
	if !strings.Contains(body, `lang="es"`) || !strings.Contains(body, "15") {
		t.Errorf("the refusal is\n%s", body)
	}
}

func TestT67RecoverySkipsNothing(t *testing.T) {
	h := newHall(t)
	token := h.SignIn(portalhouse.Customers, portalhouse.Ana)
	before := h.name(portalhouse.Ana)
	if err := h.Store.PutAuthenticator(t.Context(), portal.Authenticator{
		Holder: portal.Holder{Portal: portalhouse.Customers, Subject: portalhouse.Ana}, Secret: []byte("sealed"),
		Added: h.Clock.Now(),
	}, portal.Told{Deed: engine.Deed{At: h.Clock.Now(), Kind: "portal.factor_set", Actor: "test"}}); err != nil {
		t.Fatal(err)
	}
	h.Put(portalhouse.Ana, engine.Fields{"email": "ana@new.example"})
	v := h.browser()
	_, page := v.post(h.link("forgot", "ana@new.example"), nil, http.StatusSeeOther)
	v.post(page, choose(another), http.StatusSeeOther)
	if _, signedIn := v.cookies["ps-customers"]; signedIn {
		t.Error("choosing a password signed in")
	}
	if _, err := h.Gate.Viewer(t.Context(), portalhouse.Customers, token); err == nil {
		t.Error("a session outlived the password")
	}
	if next, ok := h.signsIn(another); !ok || next != portal.NextSecond {
		t.Errorf("signing in leads to %q, %v", next, ok)
	}
	told := ""
	for _, event := range h.Events() {
		if event.Type == engine.PortalPasswordSet {
			told = string(event.Data)
		}
	}
	if !strings.Contains(told, `"old_address":"`+before+`"`) {
		t.Errorf("told %s", told)
	}
}

func TestT68LinkAsksBeforeItSwitches(t *testing.T) {
	h := newHall(t)
	v := h.browser()
	v.cookies["ps-customers"] = h.SignIn(portalhouse.Customers, portalhouse.Bob)
	_, page := v.post(h.link("mail-link", h.name(portalhouse.Ana)), nil, http.StatusSeeOther)
	body, _ := v.get(page, http.StatusOK)
	if !strings.Contains(body, h.name(portalhouse.Ana)) || !strings.Contains(body, h.name(portalhouse.Bob)) {
		t.Errorf("the page is\n%s", body)
	}
	who := func() engine.Ref {
		viewer, err := h.Gate.Viewer(t.Context(), portalhouse.Customers, v.cookies["ps-customers"])
		if err != nil {
			t.Fatal(err)
		}
		return viewer.Ref()
	}
	v.post(page, nil, http.StatusOK) // without having read who is signed in
	if who() != portalhouse.Bob {
		t.Error("the browser was taken over without a word")
	}
	v.post(page, url.Values{"now": {h.name(portalhouse.Bob)}}, http.StatusSeeOther)
	if who() != portalhouse.Ana {
		t.Error("the link did not sign in")
	}
}
