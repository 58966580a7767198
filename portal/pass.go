package portal

import (
	"net/http"

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
	// Pass is the passage that this browser began under an id. It fails with ErrPassed where there is none, or its
	// link can no longer be used. The request's cookies and context are all that is looked at.
	Pass(r *http.Request, flow string) (Pass, error)
}
