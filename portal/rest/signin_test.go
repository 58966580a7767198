package rest_test

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postern/internal/totp"
	"postern/portal"
	"postern/portal/portaltest/house"
	"postern/portal/rest"
)

const clientNonce = "0123456789abcdefghijklmn"

// scram is the client's side of RFC 5802 as the guide tells it.
func scram(t *testing.T, challenge map[string]any, name, password string) (proof, signature string) {
	t.Helper()
	salt, err := base64.StdEncoding.DecodeString(challenge["salt"].(string))
	if err != nil {
		t.Fatal(err)
	}
	rounds := int(challenge["iterations"].(float64))
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	name = strings.NewReplacer("=", "=3D", ",", "=2C").Replace(name)
	auth := fmt.Sprintf("n=%s,r=%s,r=%s,s=%s,i=%d,c=biws,r=%s", name, clientNonce, challenge["nonce"],
		challenge["salt"], rounds, challenge["nonce"])
	key := mac(salted, "Client Key")
	stored := sha256.Sum256(key)
	sign := mac(stored[:], auth)
	for i := range key {
		key[i] ^= sign[i]
	}
	return base64.StdEncoding.EncodeToString(key),
		base64.StdEncoding.EncodeToString(mac(mac(salted, "Server Key"), auth))
}

func TestSignInWithoutSendingThePassword(t *testing.T) {
	w := newWorld(t)
	w.SetPassword(house.Customers, house.Ana)
	c := w.anybody(t)
	const ask = `{"name":"ana@acme.example","nonce":"` + clientNonce + `"}`
	challenge := c.want(200, "POST", "/challenge", ask).value
	proof, signature := scram(t, challenge, "ana@acme.example", house.Password)
	answer := fmt.Sprintf(`{"nonce":%q,"proof":%q}`, challenge["nonce"], proof)
	in := c.want(200, "POST", "/login", answer)
	if in.value["signature"] != signature {
		t.Errorf("the server's signature is %v, want %s", in.value["signature"], signature)
	}
	c.refused(401, "refused", "POST", "/login", answer) // once only
	c.token, _ = in.value["token"].(string)
	who := c.want(200, "GET", "/session", "")
	subject := who.value["subject"].(map[string]any)
	if subject["id"] != "12x1" || subject["title"] != "Ana Ort" || who.value["fresh"] != true {
		t.Errorf("signed in is %s", who.text)
	}
}

func TestRefusedSignInsAreAlike(t *testing.T) {
	w := newWorld(t)
	w.SetPassword(house.Customers, house.Ana)
	w.SetPassword(house.Customers, house.Bob)
	w.Put(house.Bob, map[string]any{"portal": false})
	c := w.anybody(t)
	var first reply
	for i, body := range []string{
		`{"name":"ana@acme.example","password":"wrong"}`, `{"name":"nobody@acme.example","password":"wrong"}`,
		`{"name":"bob@globex.example","password":"` + house.Password + `"}`,
		`{"name":"eve@nobody.example","password":"` + house.Password + `"}`,
	} {
		got := c.refused(401, "refused", "POST", "/login", body)
		if i == 0 {
			first = got
		}
		if got.text != first.text || fmt.Sprint(got.header) != fmt.Sprint(first.header) {
			t.Errorf("%s answers %s %v, the first %s %v", body, got.text, got.header, first.text, first.header)
		}
	}
	for _, body := range []string{
		`{}`, `{"name":"a"}`, `{"name":"a","password":"b","more":1}`, `{"name":"a","nonce":"b"}`, `[]`, `"a"`, `{`,
		`{"name":"a","name":"ana@acme.example","password":"x"}`, `{"name":1,"password":"x"}`,
		`{"name":"a","password":"b","cookie":"yes"}`,
	} {
		c.refused(400, "malformed", "!POST", "/login", body)
	}
}

func TestSessionsOfABrowser(t *testing.T) {
	w := newWorld(t)
	w.SetPassword(house.Customers, house.Ana)
	c := w.anybody(t)
	in := c.want(200, "POST", "/login", `{"name":"ana@acme.example","password":"`+house.Password+`","cookie":true}`)
	if in.value["token"] != nil || in.value["session"] == nil {
		t.Errorf("a browser is told %s", in.text)
	}
	for _, cookie := range (&http.Response{Header: in.header}).Cookies() {
		if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" ||
			!strings.HasPrefix(cookie.Name, "__Host-p") {
			t.Errorf("cookie %v", cookie)
		}
		c.cookies = append(c.cookies, cookie)
	}
	c.want(200, "GET", "/session", "")
	// A page of another site has no power over what the browser is signed in with.
	const change = `{"fields":{"phone":"1"}}`
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		c.refused(403, "origin", "PATCH", "/records/Contacts/12x1", change, headers...)
		c.refused(403, "origin", "POST", "/logout", "", headers...)
		c.refused(403, "origin", "DELETE", "/sessions", "", headers...)
		c.refused(403, "origin", "POST", "/login", `{"name":"a","password":"b","cookie":true}`, headers...)
	}
	c.refused(415, "media", "!PATCH", "/records/Contacts/12x1", change, "Content-Type", "text/plain")
	c.want(200, "PATCH", "/records/Contacts/12x1", change, "Origin", base)
	c.want(200, "PATCH", "/records/Contacts/12x1", change, "Sec-Fetch-Site", "same-origin")
	// A token by Authorization is not sent by a browser on its own.
	program := &client{world: w, t: t, portal: house.Customers, token: w.SignIn(house.Customers, house.Ana)}
	program.want(200, "PATCH", "/records/Contacts/12x1", change, "Origin", "https://app.example")
	out := c.want(204, "POST", "/logout", "", "Origin", base)
	if !strings.Contains(fmt.Sprint(out.header["Set-Cookie"]), "Max-Age=0") {
		t.Errorf("the browser keeps its cookie: %v", out.header["Set-Cookie"])
	}
	c.refused(401, "signed_out", "GET", "/session", "")
	// What is sent by both counts as what was sent on purpose.
	c.token = "nonsense"
	c.refused(401, "signed_out", "GET", "/session", "")
}

func TestListOfSessions(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	other := w.anybody(t)
	in := other.want(200, "POST", "/login", `{"name":"ana@acme.example","password":"`+house.Password+`"}`)
	other.token, _ = in.value["token"].(string)
	all := c.want(200, "GET", "/sessions", "").value["sessions"].([]any)
	if len(all) != 2 {
		t.Fatalf("sessions %v", all)
	}
	for _, s := range all {
		if session := s.(map[string]any); session["current"] == nil {
			c.want(204, "DELETE", "/sessions/"+session["id"].(string), "")
		}
	}
	other.refused(401, "signed_out", "GET", "/session", "")
	c.want(200, "POST", "/session/extend", "")
	bob := w.program(t, house.Customers, house.Bob)
	mine := c.want(200, "GET", "/sessions", "").value["sessions"].([]any)[0].(map[string]any)["id"].(string)
	bob.refused(404, "no_session", "DELETE", "/sessions/"+mine, "")
	c.refused(404, "no_session", "DELETE", "/sessions/1", "")
	c.want(204, "DELETE", "/sessions", "")
	c.refused(401, "signed_out", "GET", "/session", "")
	c.want(204, "POST", "/logout", "") // once more is no error
}

func TestAnotherPassword(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	const next = "another battery of horses"
	c.refused(401, "refused", "POST", "/password", `{"password":"wrong","next":"`+next+`"}`)
	c.refused(422, "password_short", "POST", "/password", `{"password":"`+house.Password+`","next":"short"}`)
	in := c.want(200, "POST", "/password", `{"password":"`+house.Password+`","next":"`+next+`"}`)
	c.token, _ = in.value["token"].(string)
	c.want(200, "GET", "/session", "")
	c.want(200, "POST", "/login", `{"name":"ana@acme.example","password":"`+next+`"}`)
}

func TestAskingForALink(t *testing.T) {
	w := newWorld(t)
	c := w.anybody(t)
	known := c.want(202, "POST", "/recover", `{"name":"ana@acme.example"}`)
	none := c.want(202, "POST", "/recover", `{"name":"nobody@acme.example"}`)
	if known.text != none.text || fmt.Sprint(known.header) != fmt.Sprint(none.header) {
		t.Errorf("%s and %s", known.text, none.text)
	}
	c.want(202, "POST", "/link", `{"name":"ana@acme.example"}`)
}

func TestPathsThatAreNotThere(t *testing.T) {
	w := newWorld(t)
	c := w.anybody(t)
	c.portal = "none"
	c.refused(404, "no_portal", "!GET", "/session", "")
	c.refused(404, "no_portal", "POST", "/login", `{"name":"a","password":"b"}`)
	c.portal = house.Customers
	c.refused(401, "signed_out", "!GET", "/records/HelpDesk", "")
	for _, tc := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "customers/nothing", 404, "no_path"},
		{"GET", "customers", 404, "no_path"},
		{"GET", "", 404, "no_path"},
		{"HEAD", "customers/session", 401, ""},
		{"PUT", "customers/session", 405, "no_method"},
	} {
		recorder := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), tc.method, rest.Prefix+tc.path, nil)
		w.api.ServeHTTP(recorder, r)
		if recorder.Code != tc.status || !strings.Contains(recorder.Body.String(), tc.code) {
			t.Errorf("%s %s answers %d %s", tc.method, tc.path, recorder.Code, recorder.Body)
		}
	}
}

// enrol gives Ana an authenticator, and returns what it shows at a time.
func enrol(t *testing.T, w *world) func() string {
	t.Helper()
	viewer, err := w.Gate.Viewer(t.Context(), house.Customers, w.SignIn(house.Customers, house.Ana))
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := w.Gate.Keeper(t.Context(), viewer)
	if err != nil {
		t.Fatal(err)
	}
	setup, err := w.Gate.SetUpAuthenticator(t.Context(), keeper, "Acme")
	if err != nil {
		t.Fatal(err)
	}
	typed := strings.ToUpper(strings.ReplaceAll(setup.Secret, " ", ""))
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(typed)
	if err != nil {
		t.Fatal(err)
	}
	code := func() string { return totp.Code(secret, totp.Step(w.Clock.Now())) }
	_, _, err = w.Gate.AddAuthenticator(t.Context(), keeper, setup.Token, code(), "Acme", portal.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(time.Minute) // a code is good once
	return code
}

func TestSecondStep(t *testing.T) {
	w := newWorld(t)
	code := enrol(t, w)
	c := w.anybody(t)
	const first = `{"name":"ana@acme.example","password":"` + house.Password + `"`
	owed := c.want(200, "POST", "/login", first+`}`)
	if owed.value["next"] != "second" || owed.value["token"] != nil || owed.value["session"] != nil {
		t.Fatalf("after the password alone: %s", owed.text)
	}
	pending := owed.value["pending"].(string)
	c.token = pending
	c.refused(401, "signed_out", "GET", "/session", "")
	c.token = ""
	c.refused(422, "wrong", "POST", "/second", fmt.Sprintf(`{"pending":%q,"code":"000000"}`, pending))
	in := c.want(200, "POST", "/second", fmt.Sprintf(`{"pending":%q,"code":%q}`, pending, code()))
	c.token, _ = in.value["token"].(string)
	who := c.want(200, "GET", "/session", "")
	if who.value["session"].(map[string]any)["second"] != true {
		t.Errorf("signed in as %s", who.text)
	}
	c.refused(410, "passed", "POST", "/second", fmt.Sprintf(`{"pending":%q,"code":%q}`, pending, code()))

	// A browser keeps what is pending where no script reads it.
	w.Advance(time.Minute)
	browser := w.anybody(t)
	owed = browser.want(200, "POST", "/login", first+`,"cookie":true}`)
	if owed.value["pending"] != nil {
		t.Errorf("a browser is told %s", owed.text)
	}
	browser.cookies = (&http.Response{Header: owed.header}).Cookies()
	done := browser.want(200, "POST", "/second", fmt.Sprintf(`{"code":%q,"cookie":true}`, code()))
	browser.cookies = (&http.Response{Header: done.header}).Cookies()
	browser.want(200, "GET", "/session", "")
}

func TestPasskeysAreAskedFor(t *testing.T) {
	w := newWorld(t)
	c := w.anybody(t)
	// The gate of this world has no address that browsers make passkeys for.
	c.refused(403, "no_passkeys", "POST", "/passkey/challenge", `{}`)
	c.refused(410, "passed", "POST", "/second/challenge", `{"pending":"nothing"}`)
	c.refused(400, "malformed", "!POST", "/passkey", `{"token":"a","answer":{}}`)
}
