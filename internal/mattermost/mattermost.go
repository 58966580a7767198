// Package mattermost speaks with a Mattermost server: as a bot by its REST API of version 4, or through an incoming
// webhook.
//
// It sends each request once. An error of it has a verdict, by whether what was asked for may have been done, and
// where the server answered it holds an [Error]; it shows neither tokens nor addresses of people, nor anything else of
// what the server said than the name of its error.
package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"postern/engine"
	"postern/internal/leaving"
)

// MaxMessage is the most characters that a post takes.
const MaxMessage = 16383

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 4 << 20

// Error is what a server answered to a request that it did not carry out.
type Error struct {
	Status int
	ID     string // the server's name for it, such as api.post.create_post.root_id.app_error; "" for none
}

func (e *Error) Error() string {
	text := "mattermost answered " + strconv.Itoa(e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text += " " + name
	}
	if e.ID != "" {
		text += " (" + e.ID + ")"
	}
	return text
}

// Status is what a server answered, as far as an error holds it; 0 if it answered nothing.
func Status(err error) int {
	if answered, ok := errors.AsType[*Error](err); ok {
		return answered.Status
	}
	return 0
}

// Client is a bot. It is safe for concurrent use.
type Client struct {
	URL       string                 // of the server, without a final slash
	Token     func() (string, error) // is read for each request
	Transport http.RoundTripper
	Now       func() time.Time
}

// User is a person, or the bot itself.
type User struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	DeleteAt int64  `json:"delete_at"` // in ms; 0 while the account is active
}

// Channel is where posts stand: a public or private channel, or what two people write to each other.
type Channel struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	DeleteAt int64  `json:"delete_at"` // in ms; 0 while it is not archived
}

// Me is the bot.
func (c *Client) Me(ctx context.Context) (User, error) {
	var user User
	return user, c.ask(ctx, http.MethodGet, "/users/me", nil, &user)
}

// UserByEmail finds a person by their mail address; an Error of status 404 says that there is none.
func (c *Client) UserByEmail(ctx context.Context, address string) (User, error) {
	var user User
	return user, c.ask(ctx, http.MethodGet, "/users/email/"+url.PathEscape(address), nil, &user)
}

// Direct is the channel in which two users write to each other. It is made if there is none yet.
func (c *Client) Direct(ctx context.Context, one, other string) (Channel, error) {
	var channel Channel
	return channel, c.ask(ctx, http.MethodPost, "/channels/direct", []string{one, other}, &channel)
}

// ChannelByName finds a channel by the names of its team and its own, as they stand in its address.
func (c *Client) ChannelByName(ctx context.Context, team, name string) (Channel, error) {
	var channel Channel
	path := "/teams/name/" + url.PathEscape(team) + "/channels/name/" + url.PathEscape(name)
	return channel, c.ask(ctx, http.MethodGet, path, nil, &channel)
}

// PostsSince are the posts of a channel that were made or changed since a time, by id.
func (c *Client) PostsSince(ctx context.Context, channel string, since time.Time) (map[string]Post, error) {
	var list struct {
		Posts map[string]Post `json:"posts"`
	}
	path := "/channels/" + url.PathEscape(channel) + "/posts?since=" + strconv.FormatInt(since.UnixMilli(), 10)
	return list.Posts, c.ask(ctx, http.MethodGet, path, nil, &list)
}

// CreatePost makes a post. leave is called when the connection stands and nothing is written yet. The same PendingID
// again within 30 s is the same post.
func (c *Client) CreatePost(ctx context.Context, post Post, leave func()) (Post, error) {
	var made Post
	return made, c.send(ctx, http.MethodPost, "/posts", post, &made, leave)
}

// ask sends a request that may be sent again whatever became of it: none of its errors is in doubt.
func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	err := c.send(ctx, method, path, body, into, func() {})
	if engine.IsUnknown(err) {
		if answered, ok := errors.AsType[*Error](err); ok {
			return answered
		}
		return errors.New(err.Error()) // without its verdict
	}
	return err
}

func (c *Client) send(ctx context.Context, method, path string, body, into any, leave func()) error {
	token, err := c.Token()
	if err != nil {
		return engine.Misconfigured(err)
	}
	request, err := newRequest(ctx, method, c.URL+"/api/v4"+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := exchange(c.Transport, request, c.Now, leave)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil { // it was done all the same, and the next look will tell
		return engine.Unknown(errors.New("mattermost answered what cannot be read"))
	}
	return nil
}

// newRequest writes a request; its error is of a mistake in the program or the configuration.
func newRequest(ctx context.Context, method, address string, body any) (*http.Request, error) {
	var written bytes.Buffer
	if body != nil {
		encoder := json.NewEncoder(&written)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(body); err != nil {
			return nil, engine.Permanent(fmt.Errorf("write it as JSON: %w", err))
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, address, &written)
	if err != nil {
		return nil, engine.Misconfigured(errors.New("the address of the server cannot be read"))
	}
	request.GetBody = nil // a connection that breaks is no reason to send it twice
	request.Header.Set("User-Agent", "Postern")
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// exchange sends a request once and reads the answer.
func exchange(
	transport http.RoundTripper, request *http.Request, now func() time.Time, leave func(),
) ([]byte, error) {
	response, err := leaving.Do(transport, request, leave) //nolint:bodyclose // Body closes it
	if err != nil {
		return nil, err
	}
	body, err := leaving.Body(response, maxAnswer)
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, verdict(response, body, now()) // which a body that broke off does not change
	}
	return body, err
}

// errorID is what a server calls an error; anything else is not repeated.
var errorID = regexp.MustCompile(`^[a-z0-9_.]{1,120}$`)

// verdict is what follows from an answer that is no success.
func verdict(response *http.Response, body []byte, now time.Time) error {
	var said struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(body, &said) // a proxy's page of HTML has no name
	answered := &Error{Status: response.StatusCode}
	if errorID.MatchString(said.ID) {
		answered.ID = said.ID
	}
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable,
		status == http.StatusRequestTimeout:
		return engine.RetryAfter(answered, pause(response.Header, now))
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotImplemented,
		status < 400: // what is switched off there answers 501
		return engine.Misconfigured(answered)
	case status >= 500:
		return engine.Unknown(answered)
	}
	return engine.Permanent(answered)
}

// pause is how long the server wants to be left alone: it says so in either of two headers.
func pause(header http.Header, now time.Time) time.Duration {
	if wait := leaving.RetryAfter(header, now); wait > 0 {
		return wait
	}
	seconds, err := strconv.ParseUint(header.Get("X-Ratelimit-Reset"), 10, 12) // at most 68 min
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
