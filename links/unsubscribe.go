package links

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"

	"postern/engine"
	"postern/internal/pages"
)

// What a mail program posts for its user (RFC 8058, section 3.2), and the page as well.
const (
	oneClickName  = "List-Unsubscribe"
	oneClickValue = "One-Click"
)

func unsubscribePath(token string) string { return "/u/" + token }

// unsubscribeBody asks whether messages should end, or says that they did. URL is where the one button leads.
type unsubscribeBody struct {
	State   string `json:"state"` // asked, done, undone
	Heading string `json:"heading"`
	Text    string `json:"text"`
	Masked  string `json:"masked"`
	URL     string `json:"url"`
	Button  string `json:"-"`
	Note    string `json:"-"`
}

// optOut finds what the address stands for.
func (d *Door) optOut(c *call) (engine.OptOut, error) {
	if d.with.OptOuts == nil || d.with.Hear == nil {
		return engine.OptOut{}, errUnknown
	}
	out, ok := d.with.OptOuts.read(c.PathValue("token"))
	if !ok {
		return engine.OptOut{}, ErrNoLink
	}
	c.texts = d.speech.texts("", out.Language, c.Header.Get("Accept-Language"))
	return out, nil
}

// showUnsubscribe asks. Mail scanners follow the address too, so looking changes nothing.
func (d *Door) showUnsubscribe(c *call) (answer, error) {
	out, err := d.optOut(c)
	if err != nil {
		return answer{}, err
	}
	say := c.texts.Say
	return d.unsubscribePage(c, out, unsubscribeBody{
		State: "asked", Heading: say("unsubscribe.heading"), Text: say("unsubscribe.text", "Brand", d.brand()),
		Note: say("unsubscribe.others"),
	}), nil
}

// unsubscribe ends the messages: by the button of the page, or by a mail program that shows a button of its own and
// posts what it is told, without cookies, and follows no redirects.
func (d *Door) unsubscribe(c *call) (answer, error) {
	out, err := d.optOut(c)
	if err != nil {
		return answer{}, err
	}
	form, err := readOneClick(c.Request)
	if err != nil || form.Get(oneClickName) != oneClickValue {
		return answer{}, pages.ErrMalformed
	}
	ends := engine.Suppression{
		Channel: out.Channel, Address: out.Address, Masked: masked(out), List: out.List, By: "recipient",
		Reason: engine.SuppressedOptOut, Detail: "unsubscribed by the address in a message", At: c.now,
	}
	if err := d.hear(c, engine.Heard{Channel: out.Channel, Suppress: []engine.Suppression{ends}}); err != nil {
		return answer{}, err
	}
	say := c.texts.Say
	return d.unsubscribePage(c, out, unsubscribeBody{
		State: "done", Heading: say("unsubscribe.done"), Text: say("unsubscribe.done.text"),
	}), nil
}

// resubscribe takes it back.
func (d *Door) resubscribe(c *call) (answer, error) {
	out, err := d.optOut(c)
	if err != nil {
		return answer{}, err
	}
	lifted := engine.Suppression{
		Channel: out.Channel, Address: out.Address, List: out.List, Reason: engine.SuppressedOptOut, // and no other's
	}
	if err := d.hear(c, engine.Heard{Channel: out.Channel, Lift: []engine.Suppression{lifted}}); err != nil {
		return answer{}, err
	}
	say := c.texts.Say
	return d.unsubscribePage(c, out, unsubscribeBody{
		State: "undone", Heading: say("unsubscribe.undone"), Text: say("unsubscribe.undone.text"),
	}), nil
}

// unsubscribePage has one button: it ends the messages, or once they ended takes that back.
func (d *Door) unsubscribePage(c *call, out engine.OptOut, body unsubscribeBody) answer {
	body.Masked, body.URL = masked(out), unsubscribePath(c.PathValue("token"))
	body.Button = c.texts.Say("unsubscribe.button")
	if body.State == "done" {
		body.URL += "/undo"
		body.Button = c.texts.Say("unsubscribe.undo")
	}
	return answer{page: "unsubscribe", title: body.Heading, body: body}
}

// hear hands on what a visitor wants. Each press is news: whoever changes their mind twice is heard three times.
func (d *Door) hear(c *call, heard engine.Heard) error {
	id, err := engine.RandomID(d.with.Random)
	if err != nil {
		return err
	}
	heard.Key, heard.At = "door:"+id.String(), c.now
	if err := d.with.Hear(c.Context(), heard); err != nil {
		return fmt.Errorf("hear a visitor: %w", err)
	}
	return nil
}

func masked(out engine.OptOut) string { return engine.Recipient{Address: out.Address}.Masked() }

// readOneClick reads a form in either way that RFC 8058 names.
func readOneClick(r *http.Request) (url.Values, error) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "multipart/form-data" {
		return pages.ReadForm(r)
	}
	r.Body = http.MaxBytesReader(nil, r.Body, pages.MaxBody)
	if err := r.ParseMultipartForm(pages.MaxBody); err != nil {
		return nil, pages.ErrMalformed
	}
	return url.Values(r.MultipartForm.Value), nil
}
