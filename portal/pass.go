package portal

import (
	"errors"
	"net/http"
	"time"

	"postern/engine"
)

// Pass is a visitor's passage through a link into a portal: they have passed its door, and have not used it yet.
type Pass struct {
	Flow  engine.ID
	Link  engine.Link // its Record is the subject's
	Opens engine.Opens
}

// Passes finds passages; the door of links keeps them.
type Passes interface {
	// Pass is the passage that this browser began under an id. It fails with ErrPassOver where there is none, or its
	// link can no longer be used; the request's cookies and context are all that is looked at.
	Pass(r *http.Request, flow string) (Pass, error)
}

// ErrPassOver says that a link into a portal is good for nothing more: it was used, it expired, a later one or a
// sign-in ended it, or it was opened in another browser.
var ErrPassOver = errors.New("the link is over")

// Claim uses a link into a portal up, in the one transaction of what it is used for. A store refuses it with
// ErrPassOver, nothing done, where the link is not live, was used, or was made before what ended those before it.
type Claim struct {
	Visit engine.ID // of the visit that it becomes in the link's story
	Pass  Pass
	Used  *engine.Event // link.used
	At    time.Time
}
