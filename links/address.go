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
		to, missing := o.factor.To.Recipient(env, p.landing.Modules, channel)
		if missing != nil || !o.factor.To.Records() && o.factor.To.Field.Type != engine.AddressType(channel) {
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
	kind := engine.TypePhone
	if strings.Contains(p.link.Masked, "@") {
		kind = engine.TypeEmail
	}
	if len(p.link.Audience) == 0 || way.Recipient.Ref != p.link.Recipient || engine.AddressType(way.Channel) != kind {
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
		address := strings.TrimSpace(record.Fields.Text(name))
		hash := keyedHash(d.with.Keys.Peppers, p.link.KeyID, "address", address)
		if field.Type == kind && hash != nil && hmac.Equal(hash, p.link.Audience) {
			return false
		}
	}
	return true
}

// addressKey names an address without telling it.
func (d *Door) addressKey(to engine.Recipient) string {
	peppers := d.with.Keys.Peppers
	return hex.EncodeToString(keyedHash(peppers, peppers.Current(), "send", strings.ToLower(to.Address)))
}

// carrier is how a link was sent.
type carrier struct {
	channel string // "" where nobody knows
	to      engine.Recipient
}

// carrierOf finds how a link was sent. A link that was made by hand, or whose message has been removed since, has none.
func (d *Door) carrierOf(c *call, link engine.Link) (carrier, error) {
	if link.Delivery.IsZero() {
		return carrier{}, nil
	}
	delivery, err := d.with.Store.Delivery(c.Context(), link.Delivery)
	if errors.Is(err, engine.ErrNoThing) {
		return carrier{}, nil
	}
	if err != nil {
		return carrier{}, fmt.Errorf("find the message of the link: %w", err)
	}
	to, err := d.with.Sends.Recipient(delivery)
	if err != nil {
		d.with.Logger.WarnContext(c.Context(), "the message of a link cannot be opened",
			"delivery", delivery.ID.String(), "error", err)
	}
	return carrier{channel: delivery.Channel, to: to}, nil
}

// channels are those that the factor may use: a code never goes the way that the link went.
func (o owed) channels(carrier carrier) []string {
	var channels []string
	for _, channel := range o.factor.Via {
		if o.factor.Kind != engine.FactorCode || channel != carrier.channel {
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
