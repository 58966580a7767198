package engine

import (
	"context"
	"time"
)

// SuppressionDesk is the addresses that get nothing more.
type SuppressionDesk interface {
	// SuppressionLines lists them, the latest first.
	SuppressionLines(ctx context.Context, sel SuppressionSelection) ([]Suppressed, error)
	// Suppress adds one in the place of what is there for its channel, address and list. It fails with a Permanent
	// error where a recipient wants nothing more for longer: that stays.
	Suppress(ctx context.Context, s Suppressed, order Order) error
	// Unsuppress removes what is suppressed for an address, whatever the reason, and returns it; ErrNoThing if there is
	// nothing.
	Unsuppress(ctx context.Context, sel SuppressionSelection, order Order) ([]Suppressed, error)
}

// SuppressionSelection narrows the suppressions. Zero values leave all in.
type SuppressionSelection struct {
	Channel string
	ID      AddressID
	List    string
	Reason  SuppressionReason
	Since   time.Time
	Limit   int
}

// The deeds of suppressions; whose subject is address:<id>.
const (
	DeedAddressSuppressed   = "address.suppressed"
	DeedAddressUnsuppressed = "address.unsuppressed"
)

// Deed is a change of the suppression as an entry of the audit, by who wanted it: recipient, provider, or the order's.
func (s Suppressed) Deed(kind string, order Order) Deed {
	detail := s.Channel + ", " + string(s.Reason)
	if s.List != "" {
		detail += ", list " + s.List
	}
	deed := order.Deed(kind, "address:"+s.ID.String(), detail)
	if order.By == ByRecipient || order.By == ByProvider {
		deed.Actor = order.By
	}
	return deed
}

// Who may want a suppression beside operators: Suppression.By.
const (
	ByRecipient = "recipient"
	ByProvider  = "provider"
)
