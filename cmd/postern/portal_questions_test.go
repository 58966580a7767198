package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"postern/portal"
	portalhouse "postern/portal/portaltest/house"
)

// question is a request by which strangers may try to find out about a name.
type question struct {
	name   string
	ask    func(s *timing, c class, n int) *http.Request
	status int            // of every answer
	floor  time.Duration  // of the gate
	part   time.Duration  // which part of the floor its answers take a multiple of; 0 if they are not held back
	blind  bool           // nothing is looked up before the answer
	random *regexp.Regexp // what differs from answer to answer; nil for nothing
}

// least is what every answer takes at least.
func (q question) least() time.Duration {
	if q.part == 0 {
		return 0
	}
	return q.floor / q.part
}

// questions are all the ways.
func questions() []question {
	const refused, challenge = 12 * time.Millisecond, 100 * time.Millisecond
	made := regexp.MustCompile(`"(nonce|salt)":"[^"]*"`)
	return []question{
		{name: "form, password", ask: formPassword, status: 401, floor: refused, part: 1},
		{name: "form, proof", ask: formProof, status: 401, floor: refused, part: 1},
		{name: "form, challenge", ask: formChallenge, status: 200, floor: challenge, part: 20, random: made},
		{name: "form, recovery", ask: formRecovery, status: 202, blind: true},
		{name: "REST, password", ask: restPassword, status: 401, floor: refused, part: 1},
		{name: "REST, proof", ask: restProof, status: 401, floor: refused, part: 1},
		{name: "REST, recovery", ask: restRecovery, status: 202, blind: true},
		{name: "façade, loginPortal in plaintext", ask: facadePlaintext, status: 200, floor: refused, part: 1},
	}
}

const (
	pagesPath  = "/portal/customers/"
	restPath   = "/portal/api/v1/customers/"
	facadePath = "/portal/customers/webservice.php"
)

func formPassword(s *timing, c class, _ int) *http.Request {
	return s.form(pagesPath+"sign-in", "name", c.name, "password", c.password)
}

func formProof(s *timing, c class, _ int) *http.Request {
	nonce, proof := s.proof(c)
	return s.form(pagesPath+"sign-in", "name", c.name, "nonce", nonce, "proof", proof)
}

func formChallenge(s *timing, c class, n int) *http.Request {
	return s.form(pagesPath+"sign-in/challenge", "name", c.name, "nonce", fmt.Sprintf("%024d", n))
}

func formRecovery(s *timing, c class, _ int) *http.Request {
	return s.form(pagesPath+"forgot", "name", c.name)
}

func restPassword(s *timing, c class, _ int) *http.Request {
	return s.json(restPath+"login", "name", c.name, "password", c.password)
}

func restProof(s *timing, c class, _ int) *http.Request {
	nonce, proof := s.proof(c)
	return s.json(restPath+"login", "nonce", nonce, "proof", proof)
}

func restRecovery(s *timing, c class, _ int) *http.Request {
	return s.json(restPath+"recover", "name", c.name)
}

func facadePlaintext(s *timing, c class, _ int) *http.Request {
	s.T.Helper()
	asked := url.Values{"operation": {"getchallenge"}, "username": {c.name}}
	r := s.request(http.MethodGet, facadePath+"?"+asked.Encode(), "", "")
	reply, err := s.client.Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer reply.Body.Close()
	var answered struct{ Result struct{ Token string } }
	if err := json.NewDecoder(reply.Body).Decode(&answered); err != nil || answered.Result.Token == "" {
		s.T.Fatalf("the façade gives no token: %v", err)
	}
	_, _ = io.Copy(io.Discard, reply.Body)
	return s.form(facadePath, "operation", "loginPortal", "username", c.name, "entity", "Contacts",
		"password", answered.Result.Token+c.password)
}

// proof answers a challenge of the gate.
func (s *timing) proof(c class) (nonce, proof string) {
	s.T.Helper()
	client := portalhouse.NewClient(s.T, c.name, c.password)
	challenge, err := s.Gate.Challenge(s.T.Context(), portalhouse.Customers, c.name, client.Nonce, portal.Caller{})
	if err != nil {
		s.T.Fatal(err)
	}
	return challenge.Nonce, base64.StdEncoding.EncodeToString(client.Proof(challenge).Proof)
}

func (s *timing) form(path string, pairs ...string) *http.Request {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return s.request(http.MethodPost, path, "application/x-www-form-urlencoded", values.Encode())
}

func (s *timing) json(path string, pairs ...string) *http.Request {
	s.T.Helper()
	object := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		object[pairs[i]] = pairs[i+1]
	}
	body, err := json.Marshal(object)
	if err != nil {
		s.T.Fatal(err)
	}
	return s.request(http.MethodPost, path, "application/json", string(body))
}

func (s *timing) request(method, path, media, body string) *http.Request {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	return r
}
