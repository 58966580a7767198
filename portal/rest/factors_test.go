package rest_test

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/passkey/passkeytest"
	"postern/internal/totp"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// object writes a body of texts: name, value, name, value.
func object(pairs ...string) string {
	body := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		body[pairs[i]] = pairs[i+1]
	}
	text, _ := json.Marshal(body)
	return string(text)
}

// said is a text of an answer; "" for none.
func (r reply) said(name string) string {
	text, _ := r.value[name].(string)
	return text
}

// options are what a browser is given.
func (r reply) options() []byte {
	var body struct{ Options json.RawMessage }
	_ = json.Unmarshal([]byte(r.text), &body)
	return body.Options
}

// codes are the recovery codes of an answer.
func (r reply) codes() (codes []string) {
	list, _ := r.value["recovery_codes"].([]any)
	for _, code := range list {
		codes = append(codes, code.(string))
	}
	return codes
}

// goesOn keeps what an answer lets a program or a browser go on with.
func (c *client) goesOn(r reply) reply {
	if token := r.said("token"); token != "" {
		c.token = token
	}
	for _, cookie := range (&http.Response{Header: r.header}).Cookies() {
		kept := []*http.Cookie{}
		for _, old := range c.cookies {
			if old.Name != cookie.Name {
				kept = append(kept, old)
			}
		}
		if cookie.MaxAge >= 0 {
			kept = append(kept, cookie)
		}
		c.cookies = kept
	}
	return r
}

// app is somebody's authenticator.
type app struct {
	world  *world
	secret []byte
}

func (a app) code() string { return totp.Code(a.secret, totp.Step(a.world.Clock.Now())) }

// setsUp sets an authenticator up below a path; more is what else the bodies hold.
func (c *client) setsUp(at string, more ...string) (app, reply) {
	c.t.Helper()
	setup := c.want(200, "POST", at+"/authenticator/challenge", object(more...))
	if uri := setup.said("uri"); !strings.HasPrefix(uri, "otpauth://totp/My%20Acme:ana") {
		c.t.Errorf("the app is given %s", uri)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).
		DecodeString(strings.ReplaceAll(setup.said("secret"), " ", ""))
	if err != nil {
		c.t.Fatal(err)
	}
	made := app{c.world, secret}
	again := c.refused(422, "wrong", "POST", at+"/authenticator",
		object(append(more, "token", setup.said("token"), "code", "000000")...))
	if again.value["parameter"] != "code" || again.said("token") == setup.said("token") {
		c.t.Errorf("a wrong code is answered %s", again.text)
	}
	c.refused(410, "passed", "POST", at+"/authenticator",
		object(append(more, "token", setup.said("token"), "code", made.code())...))
	return made, c.goesOn(c.want(201, "POST", at+"/authenticator",
		object(append(more, "token", again.said("token"), "code", made.code())...)))
}

// makesKey makes a passkey below a path.
func (c *client) makesKey(at string, more ...string) (*passkeytest.Device, reply) {
	c.t.Helper()
	device := passkeytest.New(c.t, base)
	asked := c.want(200, "POST", at+"/challenge", object(more...))
	return device, c.goesOn(c.want(201, "POST", at, object(append(more, "token", asked.said("token"),
		"answer", string(device.Make(asked.options())), "name", "My  telephone")...)))
}

// uses answers with a passkey; the asked path is at/challenge.
func (c *client) uses(device *passkeytest.Device, at string, more ...string) reply {
	c.t.Helper()
	asked := c.want(200, "POST", at+"/challenge", object(more...))
	return c.send("POST", at, object(append(more, "token", asked.said("token"),
		"answer", string(device.Use(asked.options())))...))
}

func TestFactorsAreKept(t *testing.T) {
	w := newKeyedWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	none := c.want(200, "GET", "/factors", "")
	same(t, "at first", none.text, `{"passkeys":[],"authenticator":null,"codes_left":0,"required":false,"fresh":true,`+
		`"makes_passkeys":true}`+"\n")
	c.refused(404, "no_factor", "POST", "/factors/recovery-codes", `{}`)
	before := c.token
	_, made := c.setsUp("/factors")
	if len(made.codes()) != portal.RecoveryCodes || c.token == before {
		t.Errorf("an authenticator is answered %s", made.text)
	}
	old := &client{world: w, t: t, portal: house.Customers, token: before}
	old.refused(401, "signed_out", "GET", "/factors", "")
	device, made := c.makesKey("/factors/passkeys")
	if made.codes() != nil {
		t.Errorf("a second factor brings codes: %s", made.text)
	}
	key := c.want(200, "GET", "/factors", "").value["passkeys"].([]any)[0].(map[string]any)
	id := key["id"].(string)
	if key["name"] != "My telephone" || key["used"] != nil || !strings.HasSuffix(key["added"].(string), "Z") {
		t.Errorf("the passkey is %v", key)
	}
	c.want(204, "PATCH", "/factors/passkeys/"+id, `{"name":"Key of the office"}`)
	c.refused(400, "malformed", "PATCH", "/factors/passkeys/"+id, `{"name":""}`)
	asked := c.want(200, "POST", "/factors/passkeys/challenge", `{}`)
	c.refused(409, "passkey_taken", "POST", "/factors/passkeys", object("token", asked.said("token"),
		"answer", string(device.Make(asked.options())), "name", "again"))
	if codes := c.want(201, "POST", "/factors/recovery-codes", `{}`).codes(); len(codes) != portal.RecoveryCodes {
		t.Errorf("codes %v", codes)
	}
	bob := w.program(t, house.Customers, house.Bob)
	for _, at := range []string{id, "none"} {
		bob.refused(404, "no_factor", "PATCH", "/factors/passkeys/"+at, `{"name":"Mine"}`)
		bob.refused(404, "no_factor", "DELETE", "/factors/passkeys/"+at, "")
	}
	bob.refused(404, "no_factor", "DELETE", "/factors/authenticator", "")
	bob.refused(404, "no_factor", "POST", "/session/prove/challenge", `{}`)
	c.goesOn(c.want(200, "DELETE", "/factors/authenticator", ""))
	c.goesOn(c.want(200, "DELETE", "/factors/passkeys/"+id, ""))
	if end := c.want(200, "GET", "/factors", ""); end.text != none.text {
		t.Errorf("at last %s", end.text)
	}
}

func TestFactorsChangeAfterAFreshProof(t *testing.T) {
	w := newKeyedWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	phone, made := c.setsUp("/factors")
	device, _ := c.makesKey("/factors/passkeys")
	asked := c.want(200, "POST", "/factors/passkeys/challenge", `{}`)
	w.Advance(engine.FreshSignIn)
	if got := c.want(200, "GET", "/factors", ""); got.value["fresh"] != false {
		t.Errorf("after a while %s", got.text)
	}
	id := c.want(200, "GET", "/factors", "").value["passkeys"].([]any)[0].(map[string]any)["id"].(string)
	never := func() {
		t.Helper()
		for _, path := range []string{
			"/factors/authenticator/challenge", "/factors/passkeys/challenge", "/factors/recovery-codes",
		} {
			c.refused(403, "fresh", "POST", path, `{}`)
		}
		c.refused(403, "fresh", "POST", "/factors/passkeys",
			object("token", asked.said("token"), "answer", "{}", "name", "late"))
		c.refused(403, "fresh", "POST", "/factors/authenticator", object("token", "x", "code", "000000"))
		c.refused(403, "fresh", "DELETE", "/factors/authenticator", "")
		c.refused(403, "fresh", "DELETE", "/factors/passkeys/"+id, "")
	}
	never()
	wrong := c.refused(422, "wrong", "POST", "/session/prove", `{"code":"000000"}`)
	if wrong.value["parameter"] != "code" {
		t.Errorf("a wrong code: %s", wrong.text)
	}
	c.goesOn(c.want(200, "POST", "/session/prove", object("code", phone.code())))
	c.want(201, "POST", "/factors/recovery-codes", `{}`)
	w.Advance(engine.FreshSignIn)
	never()
	if got := c.goesOn(c.uses(device, "/session/prove")); got.status != 200 {
		t.Errorf("by passkey: %s", got.text)
	}
	c.want(200, "POST", "/factors/authenticator/challenge", `{}`)
	codes := c.want(201, "POST", "/factors/recovery-codes", `{}`).codes()
	w.Advance(engine.FreshSignIn)
	never()
	c.refused(422, "wrong", "POST", "/session/prove", object("code", made.codes()[0])) // there are new ones
	c.goesOn(c.want(200, "POST", "/session/prove", object("code", codes[0])))
	c.goesOn(c.want(200, "DELETE", "/factors/authenticator", ""))
}

const anasPassword = `{"name":"ana@acme.example","password":"` + house.Password + `"`

// Each way takes the second step, of a program and of a browser, which keeps nothing of what was pending.
func TestEachWayOfTheSecondStep(t *testing.T) {
	w := newKeyedWorld(t)
	ana := w.program(t, house.Customers, house.Ana)
	phone, made := ana.setsUp("/factors")
	device, _ := ana.makesKey("/factors/passkeys")
	codes := made.codes()
	for name, second := range map[string]func(c *client, more ...string) reply{
		"authenticator": func(c *client, more ...string) reply {
			w.Advance(time.Minute) // a code is good once
			return c.send("POST", "/second", object(append(more, "code", phone.code())...))
		},
		"passkey": func(c *client, more ...string) reply { return c.uses(device, "/second", more...) },
		"recovery code": func(c *client, more ...string) reply {
			code := codes[0]
			codes = codes[1:]
			return c.send("POST", "/second", object(append(more, "code", code)...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			program := w.anybody(t)
			owed := program.want(200, "POST", "/login", anasPassword+`}`)
			same(t, "ways", fmt.Sprint(owed.value["ways"]), "[authenticator passkey recovery_code]")
			program.goesOn(second(program, "pending", owed.said("pending")))
			program.want(200, "GET", "/session", "")

			browser := w.anybody(t)
			browser.goesOn(browser.want(200, "POST", "/login", anasPassword+`,"cookie":true}`))
			in := browser.goesOn(second(browser))
			if in.status != 200 || in.value["token"] != nil {
				t.Errorf("a browser is answered %d %s", in.status, in.text)
			}
			for _, cookie := range browser.cookies {
				if strings.HasPrefix(cookie.Name, "__Host-pp-") {
					t.Errorf("the browser keeps %v", cookie)
				}
			}
			browser.want(200, "GET", "/session", "")
		})
	}
}

func TestWhoHasToEnrolsBeforeTheSignIn(t *testing.T) {
	w := newKeyedWorld(t)
	w.SetPassword(house.Customers, house.Ana)
	w.Portals[house.Customers].SignIn.SecondFactor = engine.SecondFactorRequired
	browser := w.anybody(t)
	owed := browser.goesOn(browser.want(200, "POST", "/login", anasPassword+`,"cookie":true}`))
	same(t, "what follows", owed.text, `{"next":"enrol","ways":["authenticator","passkey"]}`+"\n")
	browser.refused(401, "signed_out", "POST", "/factors/authenticator/challenge", `{}`)
	browser.refused(410, "passed", "POST", "/second", `{"code":"000000"}`)
	phone, made := browser.setsUp("/enrol")
	if len(made.codes()) != portal.RecoveryCodes || made.value["token"] != nil || made.value["session"] == nil {
		t.Errorf("a browser that enrols is answered %s", made.text)
	}
	browser.want(200, "GET", "/session", "")
	last := browser.want(200, "GET", "/factors", "")
	if last.value["required"] != true {
		t.Errorf("what there is: %s", last.text)
	}
	browser.refused(409, "last_factor", "DELETE", "/factors/authenticator", "", "Origin", base)
	browser.refused(410, "passed", "POST", "/enrol/authenticator/challenge", `{}`)

	w.Advance(time.Minute)
	program := w.anybody(t)
	owed = program.want(200, "POST", "/login", anasPassword+`}`)
	pending := owed.said("pending")
	program.refused(410, "passed", "POST", "/enrol/passkey/challenge", object("pending", pending)) // there is one
	program.goesOn(program.want(200, "POST", "/second", object("pending", pending, "code", phone.code())))
	program.want(200, "GET", "/session", "")

	mia := w.anybody(t)
	w.SetPassword(house.Customers, house.Mia)
	owed = mia.want(200, "POST", "/login", `{"name":"mia@acme.example","password":"`+house.Password+`"}`)
	device, made := mia.makesKey("/enrol/passkey", "pending", owed.said("pending"))
	if len(made.codes()) != portal.RecoveryCodes {
		t.Errorf("a program that enrols is answered %s", made.text)
	}
	mia.want(200, "GET", "/session", "")
	mia.token = ""
	if in := mia.goesOn(mia.uses(device, "/passkey")); in.status != 200 || in.value["next"] != nil {
		t.Errorf("a passkey alone: %s", in.text)
	}
}

func TestNoPasskeysWithoutAnAddressForThem(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	if got := c.want(200, "GET", "/factors", ""); got.value["makes_passkeys"] != false {
		t.Errorf("what there is: %s", got.text)
	}
	c.refused(403, "no_passkeys", "POST", "/factors/passkeys/challenge", `{}`)
	c.refused(403, "no_passkeys", "POST", "/factors/passkeys", object("token", "x", "answer", "{}", "name", "Mine"))
	c.refused(403, "no_passkeys", "POST", "/session/prove/challenge", `{}`)
}
