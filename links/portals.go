package links

import (
	"context"
	"net/http"
	"time"

	"postern/engine"
)

// Portals proves visitors by what they enrolled in a portal, or by their being signed in to one. An error says that
// nobody can tell; that something proves nothing is no error.
type Portals interface {
	// ProveCode tells whether a code is what the subject's authenticator shows now. One that is right is used up: again
	// says that the one that was right last is right once more, since the same button was pressed twice.
	ProveCode(ctx context.Context, portal string, subject engine.Ref, code string, again bool) (bool, error)
	// BeginPasskey begins asking for a passkey of the subject: options is what the browser's script needs, JSON. What
	// comes with another binding proves nothing. Where the subject has none the visitor sees no difference.
	BeginPasskey(ctx context.Context, portal string, subject engine.Ref, binding []byte) (token string, options []byte,
		err error)
	// ProvePasskey tells whether the answer of the browser's script is right. A token takes one answer.
	ProvePasskey(ctx context.Context, portal string, subject engine.Ref, binding []byte, token, answer string) (bool,
		error)
	// SignedIn is who is signed in to the portal in the browser that a request comes from, and when they last proved
	// who they are; the zero Ref for nobody.
	SignedIn(r *http.Request, portal string) (subject engine.Ref, proved time.Time, err error)
	// SignInPath is where one signs in to a portal and is led back to a path of ours.
	SignInPath(portal, back string) string
	// SecurityPath is where one sets up what proves one.
	SecurityPath(portal string) string
}
