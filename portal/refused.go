package portal

import (
	"errors"
	"time"
)

// Why the gate does not let somebody through.
var (
	// ErrRefused (401): the sign-in is refused. There is one answer for a name that is not known, a wrong password, a
	// subject who may not sign in and strangers who have to wait, so that nobody learns which it is.
	ErrRefused = errors.New("the name or the password is not right")
	// ErrSignedOut (401): there is no such session (any more), or its subject may not be signed in now.
	ErrSignedOut = errors.New("you are signed out")
	// ErrNoPortal (404): there is no portal by that name.
	ErrNoPortal = errors.New("there is no such portal")
	// ErrPassed (410): what led here was used or is over.
	ErrPassed = errors.New("this was used already, or took too long")
	// ErrMethod (403): the portal does not let people sign in this way.
	ErrMethod = errors.New("this portal does not let you sign in this way")
	// ErrMalformed (400): what came can be no name, nonce or proof at all.
	ErrMalformed = errors.New("this cannot be read")
	// ErrNoAppKey (404): there is no such app key.
	ErrNoAppKey = errors.New("there is no such app key")
)

// BusyError (503) says that too many passwords are being checked at once, or too much is looked for.
type BusyError struct{ RetryAfter time.Duration }

// Error is a sentence for logs.
func (*BusyError) Error() string { return "there is too much to do at the moment" }

// CrowdedError (429) says that too much was tried from one address. It is told before anything is looked at, so it
// tells nothing of names.
type CrowdedError struct{ Wait time.Duration }

// Error is a sentence for logs.
func (c *CrowdedError) Error() string {
	return "too much was tried from this address; the next try in " + c.Wait.String()
}

// WeakError (422) says why a password is not taken.
type WeakError struct{ Code string }

// Why a password is not taken. The codes are part of the API, and each has a label, password.<code>.
const (
	WeakShort  = "short"  // less than MinPassword characters
	WeakLong   = "long"   // more than MaxPassword bytes
	WeakCommon = "common" // one of those that are tried first
	WeakName   = "name"   // made of their name, or the portal's
	WeakSame   = "same"   // the one that they have
	WeakText   = "text"   // has characters that a password cannot have
)

// Error is a sentence for logs.
func (w *WeakError) Error() string { return "the password is refused: " + w.Code }
