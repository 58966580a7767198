package facade

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

const ana = "ana@acme.example"

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// scram is the client's side of a sign-in, as the guide tells it: the proof, and the signature to expect.
func scram(t *testing.T, challenge map[string]any, name, nonce, text string) (proof, signature string) {
	t.Helper()
	salt64, _ := challenge["salt"].(string)
	salt, err := base64.StdEncoding.DecodeString(salt64)
	if err != nil {
		t.Fatal(err)
	}
	rounds := int(challenge["i"].(float64))
	salted, err := pbkdf2.Key(sha256.New, text, salt, rounds, 32)
	if err != nil {
		t.Fatal(err)
	}
	client := mac(salted, "Client Key")
	stored := sha256.Sum256(client)
	token := challenge["token"].(string)
	message := fmt.Sprintf("n=%s,r=%s,r=%s,s=%s,i=%d,c=biws,r=%s", name, nonce, token, salt64, rounds, token)
	for i, b := range mac(stored[:], message) {
		client[i] ^= b
	}
	server := mac(mac(salted, "Server Key"), message)
	return base64.StdEncoding.EncodeToString(client), base64.StdEncoding.EncodeToString(server)
}

// The two calls of coreBOS sign in without the password ever being sent, and the server proves itself.
func TestScram(t *testing.T) {
	w := newWorld(t)
	nonce := strings.Repeat("n", 24)
	for name, text := range map[string]string{"right": password, "wrong": password + "!"} {
		c := w.get("", "operation", "getChallenge", "username", ana, "cnonce", nonce).object(t)
		proof, signature := scram(t, c, ana, nonce, text)
		in := w.post("", "operation", "loginPortal", "username", ana, "token", c["token"].(string), "password", proof,
			"entity", "Contacts")
		again := w.post("", "operation", "loginPortal", "username", ana, "token", c["token"].(string), "password",
			proof)
		if again.code() != "INVALID_USER_CREDENTIALS" {
			t.Errorf("%s: the same proof again: %s", name, again.Body)
		}
		if name == "wrong" {
			if in.code() != "INVALID_USER_CREDENTIALS" {
				t.Errorf("a wrong password: %s", in.Body)
			}
			continue
		}
		result := in.object(t)
		user, _ := result["user"].(map[string]any)
		if result["serverSignature"] != signature || user["contactid"] != "12x1" || user["user_name"] != ana ||
			result["userId"] != "12x1" || user["language"] == nil {
			t.Errorf("the sign-in answered %s", in.Body)
		}
		session, _ := result["sessionName"].(string)
		if list := w.get(session, "operation", "listtypes"); !list.Success {
			t.Errorf("the session does not open: %s", list.Body)
		}
	}
}

// T55: md5, digests of a person's password, a sign-in by GET and a password in an address are refused, in words that
// say what to do, and nothing of what was sent is logged.
func TestT55OldWaysAreRefused(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Plaintext, c.AppKeys = true, true })
	token := w.get("", "operation", "getchallenge", "username", ana).object(t)["token"].(string)
	sum5 := md5.Sum([]byte(token + password))
	sum256, sum512 := sha256.Sum256([]byte(token+password)), sha512.Sum512([]byte(token+password))
	sent := []string{
		hex.EncodeToString(sum5[:]), hex.EncodeToString(sum256[:]), hex.EncodeToString(sum512[:]), token + password,
	}
	before := len(w.Log.String())
	for i, proof := range sent {
		for _, op := range []string{"login", "loginPortal"} {
			pairs := []string{"operation", op, "username", ana, "password", proof, "accessKey", proof}
			got := w.get("", pairs...)
			if got.code() != "AUTHENTICATION_FAILURE" || !strings.Contains(got.Error.Message, "POST") {
				t.Errorf("%s %d by GET: %s", op, i, got.Body)
			}
			if i == len(sent)-1 {
				continue
			}
			got = w.post("", pairs...)
			if got.code() != "AUTHENTICATION_FAILURE" || len(got.Error.Message) < 40 {
				t.Errorf("%s %d by POST: %s", op, i, got.Body)
			}
		}
	}
	path := "/webservice.php?" + form("operation", "login", "accessKey", token+password).Encode()
	posted := w.ask(http.MethodPost, path, "", strings.NewReader(form("username", ana).Encode()))
	if posted.code() != "AUTHENTICATION_FAILURE" {
		t.Errorf("a password in the address of a POST: %s", posted.Body)
	}
	for _, secret := range append(sent, password, ana) {
		if strings.Contains(w.Log.String()[before:], secret) {
			t.Errorf("the log has %q:\n%s", secret, w.Log.String()[before:])
		}
	}
	if !strings.Contains(w.Log.String(), "refused how a client signs in") {
		t.Error("the log does not tell that ways of signing in were refused")
	}
	off := newWorld(t)
	got := off.get("", "operation", "getchallenge", "username", ana)
	if !strings.Contains(got.Error.Message, "cnonce") {
		t.Errorf("a challenge without cnonce: %s", got.Body)
	}
}

// T56: coreBOS's plaintext mode is off at first; on, it works over TLS or on this machine, and over plain HTTP it is
// refused.
func TestT56Plaintext(t *testing.T) {
	off := newWorld(t, func(c *Config) { c.AppKeys = true })
	token := off.get("", "operation", "getchallenge", "username", ana).object(t)["token"].(string)
	got := off.post("", "operation", "login", "username", ana, "accessKey", token+password)
	if got.code() != "AUTHENTICATION_FAILURE" {
		t.Errorf("switched off: %s", got.Body)
	}
	w := newWorld(t, plaintext)
	if session := w.session(ana, password); len(session) < 40 {
		t.Errorf("switched on, the session is %q", session)
	}
	for name, way := range map[string]struct {
		peer, forwarded string
		tls, taken      bool
	}{
		"by TLS":                   {peer: "203.0.113.9:4711", tls: true, taken: true},
		"plain from elsewhere":     {peer: "203.0.113.9:4711"},
		"plain through a proxy":    {peer: "127.0.0.1:4711", forwarded: "http"},
		"by TLS through a proxy":   {peer: "127.0.0.1:4711", forwarded: "https", taken: true},
		"a stranger says by TLS":   {peer: "203.0.113.9:4711", forwarded: "https"},
		"on this machine":          {peer: "[::1]:4711", taken: true},
		"from nobody knows where":  {peer: "@"},
		"the known proxy, by TLS":  {peer: "198.51.100.1:443", forwarded: "https", taken: true},
		"the known proxy, in ways": {peer: "198.51.100.1:443", forwarded: "ftp"},
	} {
		w.facade.with.Secure = true
		w.facade.with.Proxied = func(a netip.Addr) bool { return a.String() == "198.51.100.1" }
		token := w.get("", "operation", "getchallenge", "username", ana).object(t)["token"].(string)
		body := form("operation", "login", "username", ana, "accessKey", token+password).Encode()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://my.acme.example/webservice.php",
			strings.NewReader(body))
		if way.tls {
			r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://my.acme.example/webservice.php",
				strings.NewReader(body))
		}
		r.RemoteAddr = way.peer
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if way.forwarded != "" {
			r.Header.Set("X-Forwarded-Proto", way.forwarded)
		}
		answer := httptest.NewRecorder()
		w.facade.ServeHTTP(answer, r)
		if taken := strings.Contains(answer.Body.String(), `"success":true`); taken != way.taken {
			t.Errorf("%s: taken %t: %s", name, taken, answer.Body)
		}
	}
}

// Programs sign in by the digest of a token and an app key, while somebody lets them and the key is good.
func TestAppKeys(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.AppKeys = true })
	by := engine.Order{By: "test", At: w.Clock.Now()}
	key, secret, err := w.gate.MakeAppKey(t.Context(), house.Customers, "warehouse", house.Ana, time.Hour, by)
	if err != nil {
		t.Fatal(err)
	}
	try := func(secret string, long, sendToken bool) reply {
		token := w.get("", "operation", "getchallenge", "username", "warehouse").object(t)["token"].(string)
		pairs := []string{"operation", "loginPortal", "username", "warehouse"}
		if sendToken {
			pairs = append(pairs, "token", token)
		}
		if sum := sha512.Sum512([]byte(token + secret)); long {
			return w.post("", append(pairs, "password", hex.EncodeToString(sum[:]))...)
		}
		sum := sha256.Sum256([]byte(token + secret))
		return w.post("", append(pairs, "password", hex.EncodeToString(sum[:]))...)
	}
	for _, long := range []bool{false, true} {
		in := try(secret, long, true)
		if !in.Success {
			t.Fatalf("the right key: %s", in.Body)
		}
		session, _ := in.object(t)["sessionName"].(string)
		if got := w.get(session, "operation", "retrieve", "id", "17x1"); !got.Success {
			t.Errorf("what the program may see: %s", got.Body)
		}
		if got := try(secret+"x", long, true); got.code() != "INVALID_USER_CREDENTIALS" {
			t.Errorf("a wrong key: %s", got.Body)
		}
		if got := try(secret, long, false); got.code() != "AUTHENTICATION_FAILURE" {
			t.Errorf("without the token: %s", got.Body)
		}
	}
	if got := try(password, false, true); got.code() != "INVALID_USER_CREDENTIALS" {
		t.Errorf("a password: %s", got.Body)
	}
	w.facade.with.AppKeys = false
	w.facade.with.Plaintext = true
	if got := try(secret, false, true); got.code() != "AUTHENTICATION_FAILURE" {
		t.Errorf("switched off: %s", got.Body)
	}
	w.facade.with.AppKeys = true
	if err := w.gate.RevokeAppKey(t.Context(), house.Customers, key.ID, by); err != nil {
		t.Fatal(err)
	}
	if got := try(secret, false, true); got.code() != "INVALID_USER_CREDENTIALS" {
		t.Errorf("a key that was revoked: %s", got.Body)
	}
}

// A token is for one name and one try, and for a minute.
func TestTokens(t *testing.T) {
	w := newWorld(t, plaintext)
	w.setPassword(house.Customers, house.Bob, password)
	fresh := func(name string) string {
		return w.get("", "operation", "getchallenge", "username", name).object(t)["token"].(string)
	}
	login := func(name, proof string) string {
		return w.post("", "operation", "login", "username", name, "accessKey", proof).code()
	}
	first := fresh(ana)
	if first == fresh(ana) {
		t.Error("two challenges are the same")
	}
	if got := login(ana, first+"wrong"); got != "INVALID_USER_CREDENTIALS" {
		t.Errorf("a wrong password: %s", got)
	}
	if got := login(ana, first+password); got != "INVALID_AUTH_TOKEN" {
		t.Errorf("a token that was used: %s", got)
	}
	if got := login("bob@globex.example", fresh(ana)+password); got != "INVALID_AUTH_TOKEN" {
		t.Errorf("a token of another name: %s", got)
	}
	if got := login("nobody@acme.example", fresh("nobody@acme.example")+password); got != "INVALID_USER_CREDENTIALS" {
		t.Errorf("a name that is not known: %s", got)
	}
	if got := login(ana, "bad"); got != "INVALID_USER_CREDENTIALS" {
		t.Errorf("no token at all: %s", got)
	}
	old := fresh(ana)
	w.Advance(portal.ChallengeLife + time.Second)
	if got := login(ana, old+password); got != "INVALID_AUTH_TOKEN" {
		t.Errorf("a token of more than a minute: %s", got)
	}
}

// A session is taken from the header or the body of a POST and never from an address; it is extended, and ends.
func TestSessions(t *testing.T) {
	w := newWorld(t, plaintext)
	session := w.session(ana, password)
	inAddress := w.get("", "operation", "listtypes", "sessionName", session)
	if inAddress.code() != "AUTHENTICATION_REQUIRED" || !strings.Contains(inAddress.Error.Message, "in the header") {
		t.Errorf("a session in an address: %s", inAddress.Body)
	}
	asked := []string{"operation", "query", "sessionName", session, "query", "select id from Accounts"}
	if got := w.post("", asked...); !got.Success {
		t.Errorf("a session in a form: %s", got.Body)
	}
	json := fmt.Sprintf(`{"operation":"query","sessionName":%q,"query":"select id from Accounts"}`, session)
	if got := w.ask(http.MethodPost, "/webservice.php", "", strings.NewReader(json), "Content-Type",
		"application/json"); !got.Success {
		t.Errorf("a session in JSON: %s", got.Body)
	}
	parts := "--b\r\nContent-Disposition: form-data; name=\"operation\"\r\n\r\nlisttypes\r\n--b--\r\n"
	if got := w.ask(http.MethodPost, "/webservice.php", session, strings.NewReader(parts), "Content-Type",
		"multipart/form-data; boundary=b"); !got.Success {
		t.Errorf("a form in parts: %s", got.Body)
	}
	if got := w.ask(http.MethodGet, "/portal/staff/webservice.php?operation=listtypes", session, nil); got.Success {
		t.Error("a session of one portal opens another")
	}
	for range 3 {
		w.Advance(20 * time.Minute)
		if got := w.post(session, "operation", "extendsession"); got.object(t)["sessionName"] != session {
			t.Errorf("extend: %s", got.Body)
		}
	}
	if got := w.post(session, "operation", "logout"); !got.Success {
		t.Errorf("sign out: %s", got.Body)
	}
	for _, gone := range []string{session, "", "false", "nonsense"} {
		if got := w.get(gone, "operation", "listtypes"); got.code() != "AUTHENTICATION_REQUIRED" {
			t.Errorf("the session %q: %s", gone, got.Body)
		}
	}
	if got := w.post("", "operation", "logout"); got.code() != "AUTHENTICATION_REQUIRED" {
		t.Errorf("sign out again: %s", got.Body)
	}
}

// A portal signs in its own subjects alone, and nobody asks for another portal than there are.
func TestEntities(t *testing.T) {
	w := newWorld(t, plaintext)
	got := w.post("", "operation", "loginPortal", "username", ana, "password", "x", "entity", "Employee")
	if got.code() != "INVALID_USER_CREDENTIALS" || !strings.Contains(got.Error.Message, "Contacts") {
		t.Errorf("an employee of the customers' portal: %s", got.Body)
	}
	if got := w.ask(http.MethodGet, "/portal/nowhere/webservice.php?operation=listtypes", "", nil); got.Status != 404 {
		t.Errorf("a portal that is not there: %d %s", got.Status, got.Body)
	}
	if got := w.ask(http.MethodPut, "/webservice.php", "", nil); got.Status != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d %s", got.Status, got.Body)
	}
}
