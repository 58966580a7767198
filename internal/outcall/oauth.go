package outcall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/engine"
)

// Times of bearer tokens.
const (
	tokenMargin  = 30 * time.Second // before its end a token is no longer used, or a tenth of its life if that is less
	tokenDefault = 5 * time.Minute  // life of a token whose server does not say
)

// grant is what a token is good for.
type grant struct{ url, client, secret, scope string }

// bearer is a token of one grant. Whoever holds the turn may get a new one; the others wait for it.
type bearer struct {
	turn  chan struct{}
	value string
	until time.Time
}

func grantOf(auth *engine.CallAuth) grant {
	return grant{auth.TokenURL, auth.Client, auth.Secret, auth.Scope}
}

// token is a bearer token for client credentials (RFC 6749, section 4.4), a kept one while it is good. No two are
// asked for at the same time.
func (c *Caller) token(ctx context.Context, auth *engine.CallAuth, secret string) (string, error) {
	b := c.bearer(grantOf(auth))
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return "", fmt.Errorf("wait for a token: %w", ctx.Err())
	}
	defer func() { <-b.turn }()
	now := c.outfit.Clock.Now()
	if now.Before(b.until) {
		return b.value, nil
	}
	value, life, err := c.fetchToken(ctx, auth, secret)
	if err != nil {
		return "", err
	}
	b.value, b.until = value, now.Add(life-min(tokenMargin, life/10))
	return value, nil
}

func (c *Caller) bearer(g grant) *bearer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bearers[g] == nil {
		c.bearers[g] = &bearer{turn: make(chan struct{}, 1)}
	}
	return c.bearers[g]
}

// forget drops the token that a service refused, and tells whether another may help.
func (c *Caller) forget(auth *engine.CallAuth, header string) bool {
	if auth == nil || auth.Kind != engine.AuthOAuth2 {
		return false
	}
	b := c.bearer(grantOf(auth))
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	if "Bearer "+b.value == header {
		b.until = time.Time{}
	}
	return true
}

// fetchToken asks the token's server. Nothing has been sent to the service itself by then: no error is Unknown.
func (c *Caller) fetchToken(ctx context.Context, auth *engine.CallAuth, secret string) (string, time.Duration, error) {
	target, err := c.target(auth.TokenURL)
	if err != nil {
		return "", 0, engine.Permanent(fmt.Errorf("get a token: %w", err))
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if auth.Scope != "" {
		form.Set("scope", auth.Scope)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, engine.Permanent(errors.New("get a token: the request cannot be written"))
	}
	request.SetBasicAuth(url.QueryEscape(auth.Client), url.QueryEscape(secret))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	answer, err := c.send(request, false, Extra{})
	switch {
	case engine.IsUnknown(err):
		return "", 0, fmt.Errorf("get a token from %s: %s", target.Host, err.Error()) // without its verdict
	case err != nil:
		return "", 0, fmt.Errorf("get a token from %s: %w", target.Host, err)
	}
	return readToken(target.Host, answer)
}

// errorCode is what RFC 6749 lets a server say of what is wrong.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// readToken reads a token server's answer. Of a refusal it repeats the code, which holds no secret.
func readToken(host string, answer engine.Answer) (string, time.Duration, error) {
	var told struct {
		Token string      `json:"access_token"`
		Type  string      `json:"token_type"`
		Life  json.Number `json:"expires_in"`
		Error string      `json:"error"`
	}
	err := json.Unmarshal(answer.Body, &told)
	refusal := fmt.Errorf("get a token: %s answered %d", host, answer.Status)
	if err == nil && errorCode.MatchString(told.Error) {
		refusal = fmt.Errorf("%w %s", refusal, told.Error)
	}
	passing := []int{http.StatusTooManyRequests, http.StatusRequestTimeout}
	switch {
	case answer.Status >= 500 || slices.Contains(passing, answer.Status):
		return "", 0, refusal
	case answer.Status != http.StatusOK:
		return "", 0, engine.Misconfigured(refusal)
	case err != nil || told.Token == "" || !strings.EqualFold(told.Type, "bearer"):
		return "", 0, engine.Misconfigured(fmt.Errorf("get a token: %s did not give a bearer token", host))
	case strings.ContainsFunc(told.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "", 0, engine.Misconfigured(fmt.Errorf("get a token: %s gave one that no header can hold", host))
	}
	life := tokenDefault
	if seconds, err := strconv.Atoi(told.Life.String()); err == nil && seconds > 0 {
		life = min(time.Duration(seconds)*time.Second, 24*time.Hour)
	}
	return told.Token, life, nil
}
