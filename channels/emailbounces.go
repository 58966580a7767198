package channels

import (
	"context"
	"errors"
	"fmt"
	"net"

	"postern/engine"
	"postern/internal/mail"
)

// EmailBounces says where bounces come back to. Each mail then leaves from an address of its own in this domain, which
// says by itself whose bounce comes to it.
type EmailBounces struct {
	// Domain of the addresses that mails leave from, such as bounces.acme.example: its MX record leads to where this
	// listens, or to a mail server in front that passes everything for the domain on.
	Domain string `yaml:"domain,required"`
	// Address and port to listen on: 127.0.0.1:2525 for a mail server in front, :25 for the world.
	Listen string `yaml:"listen,required"`
	// What is spoken there: smtp, or lmtp, which some mail servers prefer for passing on.
	Protocol string `yaml:"protocol"`
}

// openBounces makes the return paths and their listener.
func (e *Email) openBounces(outfit engine.Outfit, hello string) error {
	e.letterhead.Bounces, e.listener = nil, nil
	if e.Bounces == nil {
		return nil
	}
	if !hostName.MatchString(e.Bounces.Domain) {
		return fmt.Errorf("domain: %q is no domain", e.Bounces.Domain)
	}
	if _, _, err := net.SplitHostPort(e.Bounces.Listen); err != nil {
		return fmt.Errorf("listen: %q is not like 127.0.0.1:2525", e.Bounces.Listen)
	}
	switch e.Bounces.Protocol {
	case "", "smtp", "lmtp":
	default:
		return fmt.Errorf("protocol: %q is neither smtp nor lmtp", e.Bounces.Protocol)
	}
	if outfit.Key == nil {
		return nil // a single mail by hand, whose bounce nobody waits for
	}
	path := mail.ReturnPath{Domain: e.Bounces.Domain, Key: outfit.Key("bounces")}
	if len(path.Key) < minSecret {
		return errors.New("there is no key to make return paths with")
	}
	e.letterhead.Bounces = &path
	if outfit.Hear != nil {
		e.listener = &mail.Listener{
			Path: path, Address: e.Bounces.Listen, LMTP: e.Bounces.Protocol == "lmtp", Hello: hello,
			Logger: outfit.Logger, Take: e.takeBounce,
		}
	}
	return nil
}

// Listen takes bounces until the context ends, if the configuration says where.
func (e *Email) Listen(ctx context.Context) error {
	if e.listener == nil {
		<-ctx.Done()
		return nil
	}
	return e.listener.Listen(ctx)
}

// takeBounce hands on what a mail said of a delivery. Whose address is suppressed follows from the delivery, not from
// the mail: anybody can write one.
func (e *Email) takeBounce(ctx context.Context, delivery engine.ID, b mail.Bounce) error {
	now := e.outfit.Clock.Now()
	heard := engine.Heard{
		Channel: e.outfit.Channel, Key: fmt.Sprintf("bounce:%s:%s:%s", delivery, b.State, b.Code), At: now,
		Report: &engine.Report{Delivery: delivery, State: b.State, Code: b.Code, Detail: b.Detail},
	}
	if b.Suppress {
		heard.Suppress = []engine.Suppression{{
			Channel: e.outfit.Channel, Reason: bounceReasons[b.State], Detail: b.Code, By: "provider", At: now,
		}}
	}
	return e.outfit.Hear(ctx, heard)
}

var bounceReasons = map[engine.DeliveryState]engine.SuppressionReason{
	engine.DeliveryBounced: engine.SuppressedBounce, engine.DeliveryComplained: engine.SuppressedComplaint,
}
