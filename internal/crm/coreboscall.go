package crm

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // coreBOS's own way to prove a key
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

// maxAnswer bounds an answer: a hundred records with all their fields are well below.
const maxAnswer = 16 << 20

// session is a sign-in, used by one call at a time, as coreBOS itself would have it.
type session struct {
	name string // empty until somebody signs in
	user string // id of the user
}

// request is one call of the web service.
type request struct {
	operation string
	values    map[string]string

	changes bool              // it changes something without an element
	element map[string]string // of a write: the fields
	module  string            // of a create
	owner   string            // of a create: the field that is the user where it is not given
}

func (r request) writes() bool { return r.changes || r.element != nil }

// call does a request in a session and reads its result. A session that ended is renewed once. Errors carry verdicts.
func (c *Corebos) call(ctx context.Context, r request, into any) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	var s *session
	select {
	case s = <-c.free:
	case <-ctx.Done():
		return fmt.Errorf("wait for a session: %w", ctx.Err())
	}
	defer func() { c.free <- s }()
	for renewed := false; ; renewed = true {
		if s.name == "" {
			if err := c.signIn(ctx, s); err != nil {
				return fmt.Errorf("sign in to the CRM: %w", err)
			}
		}
		err := c.send(ctx, r, s, into)
		ended := refusedWith(err, codeNoSession)
		if ended || ctx.Err() != nil {
			s.name = "" // the CRM may still be busy with it, and would let the next call wait
		}
		if !ended || renewed {
			return err
		}
	}
}

// signIn opens a session by proving the access key.
func (c *Corebos) signIn(ctx context.Context, s *session) error {
	var challenge struct {
		Token string `json:"token"`
	}
	ask := request{operation: "getchallenge", values: map[string]string{"username": c.config.User}}
	if err := c.send(ctx, ask, &session{}, &challenge); err != nil {
		return signInVerdict(err)
	}
	proof := md5.Sum([]byte(challenge.Token + c.key)) //nolint:gosec // as above
	var opened struct {
		Session string `json:"sessionName"`
		User    string `json:"userId"`
	}
	prove := request{operation: "login", values: map[string]string{
		"username": c.config.User, "accessKey": hex.EncodeToString(proof[:]),
	}}
	if err := c.send(ctx, prove, &session{}, &opened); err != nil {
		return signInVerdict(err)
	}
	if opened.Session == "" {
		return errors.New("the CRM gave no session")
	}
	s.name, s.user = opened.Session, opened.User
	return nil
}

// send does one exchange.
func (c *Corebos) send(ctx context.Context, r request, s *session, into any) error {
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				written.Store(true)
			}
		},
	})
	req, err := c.request(ctx, r, s)
	if err != nil {
		return fmt.Errorf("%s: %w", r.operation, err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return r.lost(written.Load(), bare(err))
	}
	defer resp.Body.Close()
	if err := r.checkStatus(resp); err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return r.lost(true, bare(err))
	}
	return r.open(body, into)
}

// request writes a call. Reads go by GET, which may be sent again when a connection turns out to be closed; the session
// goes in a header there, out of the logs of web servers. Writes and sign-ins go by POST.
func (c *Corebos) request(ctx context.Context, r request, s *session) (*http.Request, error) {
	values := url.Values{"operation": {r.operation}}
	for name, value := range r.values {
		values.Set(name, value)
	}
	if !r.writes() && r.operation != "login" {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+"?"+values.Encode(), nil)
		if err == nil && s.name != "" {
			req.Header.Set("Corebos-Authorization", s.name)
		}
		return req, err
	}
	if r.writes() {
		values.Set("sessionName", s.name)
	}
	if r.element != nil {
		element, err := json.Marshal(r.elementFor(s.user))
		if err != nil {
			return nil, err
		}
		values.Set("element", string(element))
	}
	if r.module != "" {
		values.Set("elementType", r.module)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, strings.NewReader(values.Encode()))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, err
}

// elementFor is the element of a write by a user, who owns a new record that has no owner.
func (r request) elementFor(user string) map[string]string {
	if r.owner == "" || r.element[r.owner] != "" {
		return r.element
	}
	element := maps.Clone(r.element)
	element[r.owner] = user
	return element
}

// open reads the envelope of an answer.
func (r request) open(body []byte, into any) error {
	var envelope struct {
		Success bool            `json:"success"`
		Result  json.RawMessage `json:"result"`
		Error   *refusal        `json:"error"`
	}
	if len(body) > maxAnswer {
		return r.lost(true, fmt.Errorf("the CRM's answer is longer than %d bytes", maxAnswer))
	}
	if err := json.Unmarshal(body, &envelope); err != nil || (!envelope.Success && envelope.Error == nil) {
		return r.lost(true, errors.New("the CRM answered with something else than its web service does"))
	}
	if !envelope.Success {
		envelope.Error.operation = r.operation
		return envelope.Error.verdict(r.writes())
	}
	decoder := json.NewDecoder(bytes.NewReader(envelope.Result))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return r.lost(true, fmt.Errorf("the CRM's answer cannot be read: %w", err))
	}
	return nil
}
