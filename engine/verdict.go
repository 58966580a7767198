package engine

import (
	"errors"
	"time"
)

// A verdict is an error that knows what should happen next. Whatever carries none is tried again: a
// delivery by its step's policy, a step for half a minute.

type verdict struct {
	error
	kind  verdictKind
	after time.Duration
}

type verdictKind int

const (
	retry verdictKind = iota
	permanent
	unknown
	misconfigured
	busy
)

func (v *verdict) Unwrap() error { return v.error }

// Permanent marks an error that no retry can mend: the address does not exist, the content is refused.
func Permanent(err error) error { return &verdict{error: err, kind: permanent} }

// RetryAfter marks an error that is worth another try, not sooner than d from now.
func RetryAfter(err error, d time.Duration) error { return &verdict{error: err, kind: retry, after: d} }

// Unknown marks an error after which nobody can tell whether the message left: the answer was lost
// after the hand-over. It is never retried blindly.
func Unknown(err error) error { return &verdict{error: err, kind: unknown} }

// Misconfigured marks an error that concerns every message of the channel until an operator acts: a
// refused password, an untrusted certificate. It is retried, and told loudly.
func Misconfigured(err error) error { return &verdict{error: err, kind: misconfigured} }

// Busy marks an error of a channel that had no room for the message in time, a free connection say. It was
// no try, and says nothing of the provider.
func Busy(err error) error { return &verdict{error: err, kind: busy} }

// IsPermanent tells whether err or a cause of it is marked Permanent.
func IsPermanent(err error) bool { return verdictOf(err) == permanent }

// IsUnknown tells whether err or a cause of it is marked Unknown.
func IsUnknown(err error) bool { return verdictOf(err) == unknown }

// IsMisconfigured tells whether err or a cause of it is marked Misconfigured.
func IsMisconfigured(err error) bool { return verdictOf(err) == misconfigured }

// IsBusy tells whether err or a cause of it is marked Busy.
func IsBusy(err error) bool { return verdictOf(err) == busy }

// RetryDelay is the least time to wait that a RetryAfter verdict asked for; zero without one.
func RetryDelay(err error) time.Duration {
	if v, ok := errors.AsType[*verdict](err); ok {
		return v.after
	}
	return 0
}

func verdictOf(err error) verdictKind {
	if v, ok := errors.AsType[*verdict](err); ok {
		return v.kind
	}
	return retry
}
