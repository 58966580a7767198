package links

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"postern/engine"
)

// errChanged is that a factor sends to no other address than the link was sent to.
var errChanged = errors.New("the recipient's address has changed")

// sendLimits are how often codes and second links are sent to one address.
func sendLimits(key string) []Limit {
	return []Limit{
		{Key: key, Most: 1, Per: time.Minute},
		{Key: key, Most: 3, Per: 15 * time.Minute},
		{Key: key, Most: 5, Per: time.Hour},
		{Key: key, Most: 10, Per: 24 * time.Hour},
	}
}

// sendFactor sends a code or a second link to where the CRM says that the recipient is reached now. Where that is
// nowhere, the visitor is shown the same, and the operators are told.
func (d *Door) sendFactor(c *call, p passage, o owed) (answer, error) {
	before, err := d.challengeOf(c, p, o)
	if err != nil {
		return answer{}, err
	}
	next, err := d.next(c, p, o, before)
	if errors.Is(err, ErrWait) {
		return d.factorAgain(c, p, o, "")
	}
	if err != nil {
		return answer{}, err
	}
	asking, err := d.asks(c, p, o, next)
	if errors.Is(err, errChanged) {
		return d.refuseChanged(c, p, o)
	}
	if err != nil {
		return answer{}, err
	}
	asking.Before = before.ID
	wait, err := d.with.Store.Ask(c.Context(), asking)
	switch {
	case errors.Is(err, ErrNoChallenge), errors.Is(err, ErrWait): // another request was faster: the page says of what
		return answer{goTo: o.path}, nil
	case err != nil:
		return answer{}, fmt.Errorf("ask for a proof: %w", err)
	case wait > 0:
		return d.factorLater(c, p, o, c.now.Add(wait))
	}
	d.with.Sends.Expedite()
	if !before.ID.IsZero() {
		return d.factorPage(c, p, o, "challenge.resent") // nothing else on the page would tell
	}
	return answer{goTo: o.path}, nil
}

// refuseChanged sends nothing, since the recipient's address is another than when the link was sent.
func (d *Door) refuseChanged(c *call, p passage, o owed) (answer, error) {
	deed := engine.Deed{
		At: c.now, Kind: engine.DeedLinkChallenged, Actor: "link:" + p.link.ID.String(),
		Subject: p.link.Record.String(), Detail: o.factor.Name + ": another address, nothing sent",
	}
	if err := d.with.Store.Note(c.Context(), deed); err != nil {
		return answer{}, err
	}
	reply, err := d.factorPage(c, p, o, "challenge.changed")
	reply.status = http.StatusForbidden
	return reply, err
}

// asks makes what is stored of a challenge, with its messages.
func (d *Door) asks(c *call, p passage, o owed, ch Challenge) (Asking, error) {
	asking := Asking{
		Challenge: ch, Principal: Principal(p.link, o.factor.Name), Record: p.link.Record, Detail: o.factor.Name,
		At: c.now,
	}
	env, err := d.surroundings(c, p, o.factor.To)
	if err != nil {
		return Asking{}, err
	}
	sent, err := d.wayOf(c, p.link)
	if err != nil {
		return Asking{}, err
	}
	channels := o.channels(sent)
	ways, told, err := d.ways(p, o, env, channels)
	if err != nil {
		return Asking{}, err
	}
	if len(ways) == 0 {
		asking.Challenge.Way = first(channels)
		asking.Detail += ": no address"
		asking.Limits = sendLimits("send:" + asking.Principal)
		d.with.Logger.WarnContext(c.Context(), "there is no address to send a proof to", "factor", o.factor.Name,
			"record", p.link.Record.String(), "route", o.factor.To.String())
		return asking, nil
	}
	asking.Challenge.Way = ways[0].Channel
	asking.Limits = sendLimits("send:" + d.addressKey(ways[0].Recipient))
	message, err := d.factorMessage(c, p, asking.Challenge, ways)
	if err != nil {
		return Asking{}, err
	}
	asking.Messages = append(asking.Messages, message)
	if !told || sent.Recipient.Address == "" {
		return asking, nil
	}
	asking.Detail += ": another address"
	notice, err := d.changedMessage(c, p, asking.Challenge, sent)
	if err != nil {
		return Asking{}, err
	}
	asking.Messages = append(asking.Messages, notice)
	return asking, nil
}
