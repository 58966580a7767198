package main

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/scram"
	"postern/internal/totp"
	"postern/portal"
	portalhouse "postern/portal/portaltest/house"
)

// robbed is a hall of whose database a thief has a copy, while somebody is in the middle of everything.
type robbed struct {
	*hall
	db       *sql.DB
	ticket   string // path of an open page behind a link that a code was asked for
	choosing string // path of an open page to choose a password on
	truths   truths
}

// truths are what opens, each of which only its owner has.
type truths struct {
	session, device, pending, appKey string
	link                             string   // path
	visitor, passer                  string   // cookies of the browsers before the two pages
	recovery                         []string // codes
	clientKey, authenticator         []byte
}

// newRobbed has Ana signed in, with an app key; Alan on the page to choose a password; Bob with an authenticator and
// before his second step; Mia with an unopened link to sign in; and somebody on the page of a ticket.
func newRobbed(t *testing.T) *robbed {
	t.Helper()
	h := &robbed{hall: newHall(t)}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.Folder, "postern.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h.db = db
	passer, v := h.browser(), h.browser()
	_, h.choosing = passer.post(h.link("forgot", h.name(portalhouse.Alan)), nil, http.StatusSeeOther)
	h.proveTicket(v)
	h.truths.passer, h.truths.visitor = passer.cookies["postern"], v.cookies["postern"]
	h.enrolBob()
	h.truths.link = h.link("mail-link", h.name(portalhouse.Mia))
	h.signInAna()
	for _, path := range []string{"forgot", "mail-link"} { // and nobody has looked at it yet
		h.browser().post("/portal/customers/"+path, url.Values{"name": {h.name(portalhouse.Mia)}}, http.StatusAccepted)
	}
	client := portalhouse.NewClient(t, h.name(portalhouse.Ana), portalhouse.Password)
	_, err = h.Gate.Challenge(t.Context(), portalhouse.Customers, client.Name, client.Nonce, portal.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	h.browser().send(http.MethodGet, facadePath+"?operation=getchallenge&username="+client.Name, nil)
	return h
}

// proveTicket follows a link to a ticket in a browser, and proves what it asks for.
func (h *robbed) proveTicket(v *visitor) {
	h.T.Helper()
	module := h.Modules["HelpDesk"]
	h.book.Landings["ticket"] = &engine.Landing{
		Name: "ticket", Module: module, Modules: h.Modules, Show: []string{"ticket_no"}, Expires: time.Hour, Uses: 5,
		Factor: &engine.Factor{
			Name: "pin", Kind: engine.FactorSecurityCode,
			Field: &engine.Route{Path: "secret", Field: module.Fields["secret"]},
		},
	}
	ref := portalhouse.Ref("HelpDesk/17x1")
	terms := engine.LinkTerms{Landing: h.book.Landings["ticket"], Record: ref}
	address := h.mint(terms)
	_, page := v.post(strings.TrimPrefix(address, "http://localhost:8080"), nil, http.StatusSeeOther)
	if strings.HasPrefix(page, "/f/") {
		_, page = v.get(page, http.StatusSeeOther)
	}
	v.post(page, url.Values{"do": {"check"}, "code": {"wrong"}}, http.StatusUnprocessableEntity)
	_, h.ticket = v.post(page, url.Values{"do": {"check"}, "code": {"secret of TT1"}}, http.StatusSeeOther)
	if body, _ := v.get(h.ticket, http.StatusOK); !strings.Contains(body, "TT1") {
		h.T.Fatalf("the ticket's page is\n%s", body)
	}
}

// enrolBob sets up an authenticator, and begins a sign-in that waits for it.
func (h *robbed) enrolBob() {
	h.T.Helper()
	ctx, customers := h.T.Context(), portalhouse.Customers
	viewer, err := h.Gate.Viewer(ctx, customers, h.SignIn(customers, portalhouse.Bob))
	if err != nil {
		h.T.Fatal(err)
	}
	keeper, err := h.Gate.Keeper(ctx, viewer)
	if err != nil {
		h.T.Fatal(err)
	}
	setup, err := h.Gate.SetUpAuthenticator(ctx, keeper, "Acme")
	if err != nil {
		h.T.Fatal(err)
	}
	typed := strings.ReplaceAll(setup.Secret, " ", "")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(typed)
	if err != nil {
		h.T.Fatal(err)
	}
	code := totp.Code(secret, totp.Step(h.Clock.Now()))
	added, _, err := h.Gate.AddAuthenticator(ctx, keeper, setup.Token, code, "Acme", portal.Caller{})
	if err != nil {
		h.T.Fatal(err)
	}
	h.Advance(2 * totp.Period)
	h.truths.authenticator, h.truths.recovery = secret, added.Codes
	h.truths.pending = h.bobBegins()
}

// bobBegins is the token of a sign-in of Bob's that waits for his second step.
func (h *robbed) bobBegins() string {
	h.T.Helper()
	in, err := h.Gate.Password(
		h.T.Context(), portalhouse.Customers, h.name(portalhouse.Bob), portalhouse.Password, portal.Caller{})
	if err != nil || in.Next != portal.NextSecond {
		h.T.Fatalf("Bob begins with %+v, %v", in, err)
	}
	return in.Pending
}

// signInAna signs Ana in, and makes an app key for her. Her key is what a client makes of her password.
func (h *robbed) signInAna() {
	h.T.Helper()
	ctx, customers := h.T.Context(), portalhouse.Customers
	h.SetPassword(customers, portalhouse.Ana)
	in, err := h.Gate.Password(ctx, customers, h.name(portalhouse.Ana), portalhouse.Password, portal.Caller{})
	if err != nil {
		h.T.Fatal(err)
	}
	h.truths.session, h.truths.device = in.Token, in.Device
	viewer, err := h.Gate.Viewer(ctx, customers, in.Token)
	if err != nil {
		h.T.Fatal(err)
	}
	keeper, err := h.Gate.Keeper(ctx, viewer)
	if err != nil {
		h.T.Fatal(err)
	}
	if _, err := h.Gate.SetUpAuthenticator(ctx, keeper, "Acme"); err != nil { // and it is not finished
		h.T.Fatal(err)
	}
	by := engine.Order{By: "test", At: h.Clock.Now()}
	_, h.truths.appKey, err = h.Gate.MakeAppKey(ctx, customers, "robot", portalhouse.Ana, time.Hour, by)
	if err != nil {
		h.T.Fatal(err)
	}
	v, err := scram.ReadVerifier(h.unsealed())
	if err != nil {
		h.T.Fatal(err)
	}
	salted, err := pbkdf2.Key(sha256.New, portalhouse.Password, v.Salt, v.Rounds, sha256.Size)
	if err != nil {
		h.T.Fatal(err)
	}
	h.truths.clientKey = mac(salted, "Client Key")
}

// unsealed is the verifier of Ana's password as it is below its seal, which a thief cannot open.
func (h *robbed) unsealed() []byte {
	h.T.Helper()
	account, err := h.Store.Account(h.T.Context(), portalhouse.Customers, portalhouse.Ana)
	if err != nil {
		h.T.Fatal(err)
	}
	purpose := portal.VerifierPurpose(portalhouse.Customers, portalhouse.Ana)
	plain, err := h.Ring.Seal(nil).Open(purpose, account.Verifier)
	if err != nil {
		h.T.Fatal(err)
	}
	return slices.Clone(plain)
}
