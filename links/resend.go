package links

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"postern/engine"
)

// errByHand is that no message is kept that carries a link, so that it cannot be sent again.
var errByHand = errors.New("no message that carries the link is kept: whoever made it can make another")

// Renewal are links of a message as their next generation, and that message once more.
type Renewal struct {
	Links   []engine.Link
	Message *engine.Delivery
	Deed    engine.Deed
	Note    string // for the history of the link that Deed is about; "" for none
}

// sendAgain sends the message of a link that has expired, or was replaced by a later one, once more to the address that
// it went to: whoever asks has held it in their hands. A link that lives is sent as it is.
func (d *Door) sendAgain(c *call) (answer, error) {
	link, refused := d.tokenOf(c)
	if refused != nil && !errors.Is(refused, ErrReplaced) {
		return answer{}, refused
	}
	switch live := Live(link, c.now); {
	case live == nil && refused == nil:
		return answer{goTo: tokenPath(c)}, nil
	case live != nil && !errors.Is(live, ErrExpired):
		return answer{}, live
	case refused == nil:
		refused = live
	}
	landing, err := d.landing(c.Context(), link)
	if err != nil {
		return answer{}, err
	}
	if err := d.unchanged(c, link, landing); err != nil {
		return answer{}, err
	}
	if landing.Opens != nil { // the address may be another's by now: the portal sends to the one that the record has
		return answer{}, refused
	}
	message, err := d.messageOf(c.Context(), link)
	if errors.Is(err, errByHand) {
		return answer{}, refused // its page says whom to ask
	}
	if err != nil {
		return answer{}, err
	}
	wait, err := d.with.Store.Admit(c.Context(), sendLimits("resend:"+message.ID.String()), c.now)
	if err != nil {
		return answer{}, fmt.Errorf("send link again: %w", err)
	}
	if wait > 0 {
		return againLater(c, wait), nil
	}
	deed := engine.Deed{
		At: c.now, Kind: engine.DeedLinkResent, Actor: "link:" + link.ID.String(), Subject: "link:" + link.ID.String(),
	}
	over := func(l engine.Link) bool { return errors.Is(Live(l, c.now), ErrExpired) }
	if err := d.renew(c.Context(), message, Renewal{Deed: deed}, over); err != nil {
		return answer{}, err
	}
	heading, text := c.texts.Say("resend.sent.heading"), c.texts.Say("resend.sent.text", "Masked", link.Masked)
	return answer{page: "resent", title: heading, body: resentBody{Heading: heading, Text: text}}, nil
}

// againLater asks for patience.
func againLater(c *call, wait time.Duration) answer {
	until := c.now.Add(wait).Truncate(time.Minute).Add(time.Minute) // as pages tell time
	heading, text := c.texts.Say("resend.wait.heading"), c.texts.Say("resend.wait.text", "Until", nearby(c, until))
	return answer{
		status: http.StatusTooManyRequests, page: "reason", title: heading,
		body:   reasonBody{Reason: "wait", Heading: heading, Text: text},
		header: http.Header{"Retry-After": {strconv.Itoa(int(wait/time.Second) + 1)}},
	}
}

// Resend sends the message of a link once more, with all links in it as their next generation: what they were until now
// opens nothing any more. It fails with engine.ErrNoThing where there is no such link, and Permanent where it was made
// by hand, or is revoked, used up or locked. The link returned is as it is then.
func (d *Door) Resend(ctx context.Context, id engine.ID, order engine.Order) (engine.Link, error) {
	link, err := d.with.Store.LinkByID(ctx, id)
	if errors.Is(err, ErrNoLink) {
		err = engine.ErrNoThing
	} else if err == nil {
		err = d.resend(ctx, link, order)
	}
	if err == nil {
		link, err = d.with.Store.LinkByID(ctx, id)
	}
	if err != nil {
		return engine.Link{}, fmt.Errorf("send link %s again: %w", id, err)
	}
	return link, nil
}

func (d *Door) resend(ctx context.Context, link engine.Link, order engine.Order) error {
	if err := Live(link, order.At); err != nil && !errors.Is(err, ErrExpired) {
		return engine.Permanent(err)
	}
	message, err := d.messageOf(ctx, link)
	if err != nil {
		return err
	}
	return d.renew(ctx, message, Renewal{
		Deed: order.Deed(engine.DeedLinkResent, "link:"+link.ID.String(), ""), Note: order.Says("sent again"),
	}, func(engine.Link) bool { return true })
}

// messageOf is the message that carries a link.
func (d *Door) messageOf(ctx context.Context, link engine.Link) (*engine.Delivery, error) {
	if link.Delivery.IsZero() {
		return nil, engine.Permanent(errByHand)
	}
	message, err := d.with.Store.Delivery(ctx, link.Delivery)
	if errors.Is(err, engine.ErrNoThing) {
		return nil, engine.Permanent(errByHand)
	}
	return message, err
}

// renew stores the links of a message that are due for it as their next generation, with the message once more, and has
// that sent. What is revoked, used up or locked stays so.
func (d *Door) renew(ctx context.Context, message *engine.Delivery, r Renewal, due func(engine.Link) bool) error {
	seen := map[engine.ID]bool{}
	for _, named := range message.Links {
		link := named.Link
		live := Live(link, r.Deed.At)
		if seen[link.ID] || !due(link) || live != nil && !errors.Is(live, ErrExpired) {
			continue
		}
		seen[link.ID] = true
		life := link.Expires.Sub(link.NotBefore) - clockSlack
		renewed, err := d.with.Minter.Renew(link, life, r.Deed.At)
		if err != nil {
			return err
		}
		r.Links = append(r.Links, renewed)
	}
	id, err := engine.NewID(r.Deed.At, d.with.Random)
	if err != nil {
		return err
	}
	if r.Message, err = d.with.Sends.Again(message, id, r.Deed.At); err != nil {
		return fmt.Errorf("plan message: %w", err)
	}
	if err := d.with.Store.Renew(ctx, r); err != nil {
		return fmt.Errorf("renew links: %w", err)
	}
	d.with.Sends.Expedite()
	return nil
}

// resendable tells whether a page that refuses a link may offer to send it again.
func resendable(link engine.Link, now time.Time) bool {
	live := Live(link, now)
	return !link.Delivery.IsZero() && (live == nil || errors.Is(live, ErrExpired)) &&
		(link.MaxUses == 0 || hasUses(link))
}

// tokenPath is the way to the link that was asked for, as the door writes it.
func tokenPath(c *call) string {
	keyID, token, _ := parseToken(c.PathValue("token"))
	return "/l/" + keyID + token
}
