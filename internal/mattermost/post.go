package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"postern/engine"
)

// Post is a message in a channel.
type Post struct {
	ID        string `json:"id,omitempty"`
	ChannelID string `json:"channel_id,omitempty"`
	Message   string `json:"message"` // Markdown
	PendingID string `json:"pending_post_id,omitempty"`
	Props     Props  `json:"props,omitzero"`
}

// Props is what a post holds beside its text.
type Props struct {
	Attachments []Attachment `json:"attachments,omitempty"`
	// Delivery is our own name for the message, by which it is found again.
	Delivery string `json:"postern_delivery,omitempty"`
}

// Attachment is a part below the text of a post.
type Attachment struct {
	Fallback string   `json:"fallback,omitempty"`
	Actions  []Action `json:"actions,omitempty"`
}

// Action is a button.
type Action struct {
	ID          string      `json:"id"` // letters and digits only, or a press leads nowhere
	Type        string      `json:"type"`
	Name        string      `json:"name"` // what stands on it
	Integration Integration `json:"integration"`
}

// Integration is what the server does when the button is pressed: it posts to an address, with the context, which the
// users' programs are never shown.
type Integration struct {
	URL     string          `json:"url"`
	Context json.RawMessage `json:"context"` // an object
}

// Press is what the server posts to that address.
type Press struct {
	UserID    string          `json:"user_id"`
	UserName  string          `json:"user_name"`
	ChannelID string          `json:"channel_id"`
	PostID    string          `json:"post_id"`
	Context   json.RawMessage `json:"context"`
}

// Pressed is what is answered to a Press.
type Pressed struct {
	Update    *Update `json:"update,omitempty"`         // what the post becomes; nil leaves it as it is
	Ephemeral string  `json:"ephemeral_text,omitempty"` // is shown to who pressed, and to nobody else
}

// Update is what a post becomes: all of it, so that without attachments there are no buttons.
type Update struct {
	Message string `json:"message"`
	Props   Props  `json:"props"`
}

// Hook is an incoming webhook. It is safe for concurrent use.
type Hook struct {
	Address   func() (string, error) // is read for each message: whoever knows it may post
	Transport http.RoundTripper
	Now       func() time.Time
}

// noHook is what a server calls that there is no such hook.
const noHook = "web.incoming_webhook.invalid.app_error"

// hooked is a message as an incoming webhook takes it.
type hooked struct {
	Channel     string       `json:"channel,omitempty"` // by name; that of the hook if it is not said
	Text        string       `json:"text"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Props       Props        `json:"props,omitzero"`
}

// Post sends a message to a channel by its name, or to that of the hook itself. leave is called when the connection
// stands and nothing is written yet. What came of it has no id, so it can never be changed or found again.
func (h *Hook) Post(ctx context.Context, channel string, post Post, leave func()) error {
	address, err := h.Address()
	if err != nil {
		return engine.Misconfigured(err)
	}
	body := hooked{
		Channel: channel, Text: post.Message, Attachments: post.Props.Attachments,
		Props: Props{Delivery: post.Props.Delivery},
	}
	request, err := newRequest(ctx, http.MethodPost, address, body)
	if err != nil {
		return err
	}
	answer, err := exchange(h.Transport, request, h.Now, leave)
	answered, refused := errors.AsType[*Error](err)
	switch {
	case refused && (answered.ID == noHook || channel == "" && answered.Status == http.StatusNotFound):
		return engine.Misconfigured(answered)
	case err != nil:
		return err
	case strings.TrimSpace(string(answer)) != "ok":
		return engine.Unknown(errors.New("mattermost did not answer ok"))
	}
	return nil
}
