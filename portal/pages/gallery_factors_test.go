package pages

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"postern/engine"
	"postern/internal/passkey/passkeytest"
	"postern/portal"
	"postern/portal/portaltest/house"
)

var (
	inSession = regexp.MustCompile(`name="session" value="([^"]+)"`)
	inOptions = regexp.MustCompile(`data-options="([^"]+)"`)
	inID      = regexp.MustCompile(`name="id" value="([^"]+)"`)
)

// does sends a form of a page that has several.
func (p *person) does(at, do string, more ...string) shown {
	p.s.t.Helper()
	form := url.Values{"do": {do}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return p.send(http.MethodPost, at, form)
}

// factors shows how Alan sets up a second factor, and all that the page of them says.
func (g *guide) factors() {
	v := g.person(house.Customers, house.Alan)
	g.show("security-none", v.get(security), http.StatusOK)
	page := g.show("authenticator", v.does(security, "authenticator"), http.StatusOK)
	app := g.phone(page)
	page = g.show("authenticator-wrong", v.does(security, "add-authenticator", "code", "000000",
		"token", found(g.t, inToken, page)), http.StatusUnprocessableEntity)
	g.show("recovery-codes", v.does(security, "add-authenticator", "code", app.code(),
		"token", found(g.t, inToken, page)), http.StatusOK)

	device := passkeytest.New(g.t, g.url)
	page = g.show("passkey-make", v.does(security, "passkey"), http.StatusOK)
	answer := string(device.Make([]byte(found(g.t, inOptions, page))))
	page = g.show("security", v.does(security, "add-passkey", "token", found(g.t, inToken, page), "answer", answer),
		http.StatusOK)
	id := found(g.t, inID, page)
	g.also("security-renamed", v.does(security, "rename", "id", id, "name", "The blue key at home"), http.StatusOK)
	page = v.does(security, "passkey")
	answer = string(device.Make([]byte(found(g.t, inOptions, page))))
	taken := v.does(security, "add-passkey", "token", found(g.t, inToken, page), "answer", answer)
	g.show("security-taken", taken, http.StatusConflict)
	g.also("security-passed", v.does(security, "add-passkey", "token", found(g.t, inToken, page), "answer", answer),
		http.StatusGone)
	g.also("security-gone", v.does(security, "remove", "id", engine.ID{7}.String()), http.StatusNotFound)

	g.Advance(engine.FreshSignIn)
	g.show("security-prove", v.get(security), http.StatusOK)
	g.show("security-prove-wrong", v.does(security, "code", "code", "000000"), http.StatusUnprocessableEntity)
	g.also("security-prove-first", v.does(security, "codes"), http.StatusForbidden)
	page = g.show("passkey-prove", v.does(security, "use"), http.StatusOK)
	answer = string(device.Use([]byte(found(g.t, inOptions, page))))
	g.also("security-proved", v.does(security, "used", "token", found(g.t, inToken, page), "answer", answer),
		http.StatusOK)
	g.limits(v, id)
}

// limits shows what cannot be done about factors.
func (g *guide) limits(v *person, id string) {
	party := g.pages.with.Gate
	g.pages.with.Gate = g.Gate // of an address that cannot have passkeys
	g.show("security-no-passkeys", v.get(security), http.StatusOK)
	g.also("security-passkeys-refused", v.does(security, "passkey"), http.StatusForbidden)
	g.pages.with.Gate = party
	var made []engine.ID
	for n := range portal.MaxPasskeys - 1 {
		made = append(made, g.hasPasskey(house.Alan, byte(n)))
	}
	g.also("security-many", v.does(security, "passkey"), http.StatusConflict)
	for _, one := range made {
		v.does(security, "remove", "id", one.String())
	}
	g.also("security-removed", v.does(security, "remove-authenticator"), http.StatusOK)
	demand := &g.Portals[house.Customers].SignIn.SecondFactor
	*demand = engine.SecondFactorRequired
	g.also("security-last", v.does(security, "remove", "id", id), http.StatusConflict)
	*demand = engine.SecondFactorOptional
}

// hasPasskey gives somebody a passkey that no device has.
func (g *guide) hasPasskey(who engine.Ref, n byte) engine.ID {
	g.t.Helper()
	id, holder := engine.ID{200, n}, portal.Holder{Portal: house.Customers, Subject: who}
	has, err := g.Store.Enrolled(g.t.Context(), holder)
	if err != nil {
		g.t.Fatal(err)
	}
	handle := []byte("handle of " + who.ID)
	if len(has.Passkeys) > 0 {
		handle = has.Passkeys[0].Handle
	}
	err = g.Store.AddPasskey(g.t.Context(), portal.Passkey{
		ID: id, Holder: holder, Handle: handle,
		Credential: []byte{200, n}, Public: []byte("key"), Name: "Telephone", Added: g.Clock.Now(),
	}, portal.Told{Deed: engine.Deed{At: g.Clock.Now(), Kind: engine.DeedPortalFactorSet, Actor: "test"}})
	if err != nil {
		g.t.Fatal(err)
	}
	return id
}

// secondStep shows what follows a password: for Bob, who has an authenticator and its codes; then with a passkey
// beside it; and for Eve, who has a passkey and nothing else.
func (g *guide) secondStep() {
	v := g.person(house.Customers, house.Bob)
	page := v.does(security, "authenticator")
	v.does(security, "add-authenticator", "code", g.phone(page).code(), "token", found(g.t, inToken, page))
	keyed := v
	g.Advance(time.Minute)
	v = g.stranger().in(g.language)
	g.show("second", v.signsIn(house.Bob), http.StatusOK)
	g.show("second-wrong", v.does(second, "code", "code", "000000"), http.StatusUnprocessableEntity)
	page = keyed.does(security, "passkey")
	answer := string(passkeytest.New(g.t, g.url).Make([]byte(found(g.t, inOptions, page))))
	keyed.does(security, "add-passkey", "token", found(g.t, inToken, page), "answer", answer)
	g.show("second-passkey", v.signsIn(house.Bob), http.StatusOK)
	g.show("passkey-second", v.does(second, "use"), http.StatusOK)
	g.signIn(house.Customers, house.Eve)
	g.hasPasskey(house.Eve, 101)
	v = g.stranger().in(g.language)
	g.show("second-passkey-only", v.signsIn(house.Eve), http.StatusOK)
	g.show("second-passkey-wrong", v.does(second, "code", "code", "000000"), http.StatusUnprocessableEntity)
}

// passkeys shows how one signs in by a passkey alone.
func (g *guide) passkeys() {
	const at = start + "/passkey"
	v := g.stranger().in(g.language)
	g.show("passkey", v.get(at), http.StatusOK)
	page := g.show("passkey-ask", v.does(at, ""), http.StatusOK)
	answer := html.UnescapeString(found(g.t, inToken, page))
	g.show("passkey-refused", v.does(at, "used", "token", answer, "answer", "{}"), http.StatusUnauthorized)
}

// enrolling shows what somebody sees who needs a second factor and has none.
func (g *guide) enrolling() {
	demand := &g.Portals[house.Customers].SignIn.SecondFactor
	*demand = engine.SecondFactorRequired
	defer func() { *demand = engine.SecondFactorOptional }()
	g.signIn(house.Customers, house.Ana)
	v := g.stranger().in(g.language)
	g.show("enrol", v.signsIn(house.Ana), http.StatusOK)
	page := v.does(enrol, "passkey")
	wrong := v.does(enrol, "add-passkey", "token", found(g.t, inToken, page), "answer", "{}")
	g.show("enrol-wrong", wrong, http.StatusUnprocessableEntity)
	g.show("enrol-authenticator", v.does(enrol, "authenticator"), http.StatusOK)
}
