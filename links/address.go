package links

import (
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"postern/engine"
)

// ways are the channels on which the recipient has an address, and whether one of those is another than the link was
// sent to.
func (d *Door) ways(
	p passage, o owed, env *engine.Env, channels []string,
) (ways []engine.Way, changed bool, err error) {
	for _, channel := range channels {
		by, known := d.with.Carriers[channel]
		if !known || !o.factor.To.Records() && by.Type != "" && o.factor.To.Field.Type != by.Type {
			continue
		}
		to, missing := o.factor.To.Recipient(env, p.landing.Modules, by)
		if missing != nil {
			continue
		}
		way := engine.Way{Channel: channel, Recipient: to}
		moved := d.moved(p, env, way)
		changed = changed || moved
		if !moved || o.factor.Changed != engine.ChangedRefuse {
			ways = append(ways, way)
		}
	}
	if changed && len(ways) == 0 {
		return nil, true, errChanged
	}
	return ways, changed && o.factor.Changed != engine.ChangedRefuse, nil
}

// moved tells whether the recipient of the link no longer has the address that it was sent to, of the kind that is
// sent to now.
func (d *Door) moved(p passage, env *engine.Env, way engine.Way) bool {
	by := d.with.Carriers[way.Channel]
	same := by.Type != "" && by.Type == typeOf(p.link.Masked)
	if len(p.link.Audience) == 0 || way.Recipient.Ref != p.link.Recipient || !same {
		return false
	}
	record := engine.Record{Ref: env.Ref, Fields: env.Record}
	for _, route := range env.Routes {
		if route.Ref == p.link.Recipient {
			record = route
		}
	}
	module := p.landing.Modules[record.Module]
	if module == nil {
		return false
	}
	for name, field := range module.Fields {
		if field.Type == by.Type && d.sentTo(p.link, by, strings.TrimSpace(record.Fields.Text(name))) {
			return false
		}
	}
	return true
}

// sentTo tells whether a link was sent to an address, as it stands or in the form that a channel sends to.
func (d *Door) sentTo(link engine.Link, by engine.Carrier, address string) bool {
	forms := []string{address}
	if by.Proper != nil {
		if proper, err := by.Proper(address); err == nil {
			forms = append(forms, proper)
		}
	}
	for _, form := range forms {
		hash := keyedHash(d.with.Keys.Peppers, link.KeyID, "address", form)
		if hash != nil && hmac.Equal(hash, link.Audience) {
			return true
		}
	}
	return false
}

// typeOf is the type of an address by its masked form; "" for one that is neither of mail nor of a phone.
func typeOf(masked string) engine.FieldType {
	switch {
	case strings.HasSuffix(masked, "/…"):
		return ""
	case strings.Contains(masked, "@"):
		return engine.TypeEmail
	case strings.HasPrefix(masked, "…") && masked != "…":
		return engine.TypePhone
	}
	return ""
}

// addressKey names an address without telling it.
func (d *Door) addressKey(to engine.Recipient) string {
	peppers := d.with.Keys.Peppers
	return hex.EncodeToString(keyedHash(peppers, peppers.Current(), "send", strings.ToLower(to.Address)))
}

// wayOf finds how a link was sent. A link that was made by hand, or whose message has been removed since, has no way.
func (d *Door) wayOf(c *call, link engine.Link) (engine.Way, error) {
	if link.Delivery.IsZero() {
		return engine.Way{}, nil
	}
	delivery, err := d.with.Store.Delivery(c.Context(), link.Delivery)
	if errors.Is(err, engine.ErrNoThing) {
		return engine.Way{}, nil
	}
	if err != nil {
		return engine.Way{}, fmt.Errorf("find the message of the link: %w", err)
	}
	to, err := d.with.Sends.Recipient(delivery)
	if err != nil {
		d.with.Logger.WarnContext(c.Context(), "the message of a link cannot be opened",
			"delivery", delivery.ID.String(), "error", err)
	}
	return engine.Way{Channel: delivery.Channel, Recipient: to}, nil
}

// channels are those that the factor may use: a code never goes the way that the link went.
func (o owed) channels(sent engine.Way) []string {
	var channels []string
	for _, channel := range o.factor.Via {
		if o.factor.Kind != engine.FactorCode || channel != sent.Channel {
			channels = append(channels, channel)
		}
	}
	return channels
}

func first(channels []string) string {
	if len(channels) == 0 {
		return ""
	}
	return channels[0]
}
