// Package onesignal is a client of OneSignal: it asks for a push notification to one user, and whether the key is
// taken.
//
// It is written by hand after the provider's own description, of which onesignaltest holds every request and reply
// against a copy.
package onesignal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/leaving"
)

// API is where OneSignal answers.
const API = "https://api.onesignal.com"

// maxAnswer is more than any answer that is asked for has, in bytes.
const maxAnswer = 1 << 20

// Client asks OneSignal on behalf of one app. It is safe for concurrent use.
type Client struct {
	Base      string // API, without a final slash
	App       string // the app's id
	Key       string // an App API key
	Transport http.RoundTripper
	Now       func() time.Time
}

// Notification is a push notification to the devices of one user.
type Notification struct {
	User     string        // the user's external id in OneSignal
	Key      engine.ID     // the same at every try: KeyOf
	Name     string        // shown in OneSignal's own pages only; at most 128 characters
	Language string        // of heading and text: a BCP 47 tag
	Heading  string        // "" for the app's name
	Text     string        // not ""
	URL      string        // what a press opens; "" for the app
	Collapse string        // a later notification of the same takes the place of this one; at most 64 characters
	TTL      time.Duration // how long it is kept for a device that is off; whole seconds
}

// ErrNotSubscribed is why a notification reached nobody: no device of the user takes any. Its error is Permanent.
var ErrNotSubscribed = errors.New("not subscribed: no device of the user takes notifications")

// wire is the request as the description has it.
type wire struct {
	AppID          string              `json:"app_id"`
	TargetChannel  string              `json:"target_channel"`
	IncludeAliases map[string][]string `json:"include_aliases"`
	IdempotencyKey string              `json:"idempotency_key"`
	Name           string              `json:"name,omitempty"`
	Headings       map[string]string   `json:"headings,omitempty"`
	Contents       map[string]string   `json:"contents"`
	URL            string              `json:"url,omitempty"`
	CollapseID     string              `json:"collapse_id,omitempty"`
	TTL            int64               `json:"ttl,omitempty"`
}

// answer is what comes back with 200. The errors are a list of sentences or an object, as it happens.
type answer struct {
	ID     string          `json:"id"`
	Errors json.RawMessage `json:"errors"`
}

// Notify asks for a notification, and returns OneSignal's name for it and what it complained of. It calls leave right
// before the request leaves. The same key again is the same notification, for 30 days: an Unknown error may be answered
// by another try. The error has a verdict and shows nothing of what was answered but the code.
func (c *Client) Notify(ctx context.Context, n Notification, leave func()) (id, complaint string, err error) {
	body, err := json.Marshal(wire{
		AppID: c.App, TargetChannel: "push", IncludeAliases: map[string][]string{"external_id": {n.User}},
		IdempotencyKey: n.Key.String(), Name: n.Name, Headings: inLanguages(n.Language, n.Heading),
		Contents: inLanguages(n.Language, n.Text), URL: n.URL, CollapseID: n.Collapse, TTL: int64(n.TTL.Seconds()),
	})
	if err != nil {
		return "", "", engine.Permanent(fmt.Errorf("write the notification: %w", err))
	}
	status, text, err := c.ask(ctx, http.MethodPost, c.Base+"/notifications", body, leave)
	if err != nil {
		return "", "", err
	}
	var got answer
	switch {
	case json.Unmarshal(text, &got) != nil:
		return "", "", engine.Unknown(fmt.Errorf("the answer %d cannot be read", status))
	case got.ID == "":
		return "", "", engine.Permanent(reason(got.Errors))
	}
	return got.ID, about(got.Errors), nil
}

// Check asks for the newest notification of the app, which only a key of the app is told. It sends nothing.
func (c *Client) Check(ctx context.Context) error {
	query := url.Values{"app_id": {c.App}, "limit": {"1"}}
	_, _, err := c.ask(ctx, http.MethodGet, c.Base+"/notifications?"+query.Encode(), nil, func() {})
	return err
}

// ask sends a request and returns what came with a status of success.
func (c *Client) ask(ctx context.Context, method, address string, body []byte, leave func()) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, engine.Permanent(errors.New("the request cannot be written"))
	}
	request.Header.Set("Authorization", "Key "+c.Key) // the description says bearer, and is wrong
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "Postern")
	if body != nil {
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	response, err := leaving.Do(c.Transport, request, leave)
	if err != nil {
		return 0, nil, err
	}
	if response.StatusCode/100 == 2 {
		text, err := leaving.Body(response, maxAnswer)
		return response.StatusCode, text, err
	}
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection can be used again
	_ = response.Body.Close()
	return 0, nil, c.refused(response)
}

// refused gives a status that is no success its verdict.
func (c *Client) refused(response *http.Response) error {
	code := response.StatusCode
	wait := leaving.RetryAfter(response.Header, c.Now())
	switch code {
	case http.StatusBadRequest:
		return engine.Permanent(fmt.Errorf("OneSignal refuses the notification (%d)", code))
	case http.StatusUnauthorized, http.StatusForbidden:
		return engine.Misconfigured(fmt.Errorf("OneSignal does not take the key for this app (%d)", code))
	case http.StatusNotFound:
		return engine.Misconfigured(fmt.Errorf("OneSignal does not know the app (%d)", code))
	case http.StatusTooManyRequests:
		return engine.RetryAfter(fmt.Errorf("OneSignal takes no more for now (%d)", code), wait)
	case http.StatusServiceUnavailable, http.StatusRequestTimeout: // 408: it did not wait for all of the request
		return engine.RetryAfter(fmt.Errorf("OneSignal is not available (%d)", code), wait)
	}
	if code >= 500 {
		return engine.Unknown(fmt.Errorf("OneSignal failed (%d)", code))
	}
	return engine.Permanent(fmt.Errorf("OneSignal answered %d", code))
}

// reason is why an answer of success names no notification: nothing was sent.
func reason(errs json.RawMessage) error {
	if strings.Contains(string(errs), "not subscribed") || about(errs) != "" {
		return ErrNotSubscribed
	}
	return errors.New("OneSignal sent nothing, for a reason that it tells in its dashboard")
}

// about says which errors an answer of success carries, without their text.
func about(errs json.RawMessage) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(errs, &object) == nil {
		for _, name := range []string{"invalid_aliases", "invalid_external_user_ids", "invalid_player_ids"} {
			if _, ok := object[name]; ok {
				return name
			}
		}
	}
	return ""
}

// inLanguages is a text under its language, and under en, which must be there and which every other language falls
// back to. Nil for no text.
func inLanguages(language, text string) map[string]string {
	if text == "" {
		return nil
	}
	texts := map[string]string{"en": text}
	if base, _, _ := strings.Cut(language, "-"); base != "" {
		texts[strings.ToLower(base)] = text
	}
	return texts
}
