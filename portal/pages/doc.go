// Package pages is the portal as people see it in a browser: every page is shown by GET and changed by POST, works
// without a script, and says what it says in the language of whoever is signed in, else of the browser. It asks only
// the desk for records and only the gate for who somebody is.
//
// A page is added as a topic, in a file of its own:
//
//	// sessions is the topic of where somebody is signed in.
//	func sessions() topic {
//		return topic{
//			name:  "sessions",           // labels/sessions/{en,es,nl,ar}.json: codes that begin with portal.sessions.
//			pages: []string{"sessions"}, // files/sessions.html, which defines "main" with .Body and .Say
//			routes: []route{{
//				path: "sessions",        // below /portal/<portal>/
//				get:  showSessions,      // func(c *call) (answer, error)
//				post: endSession,        // its answer is mostly answer{goTo: c.path("sessions")}
//			}},
//		}
//	}
//
// and a line in topics. A route is for who is signed in, unless it is open: c.viewer then says who that is. What a
// handler returns as an error becomes the calm page that refusals names for it; ErrSignedOut leads to signing in and
// back. Forms are read by pages.ReadForm, controls are drawn by what internal/forms makes. A page with a script names
// it in the topic's scripts and in the scripts of its answer: only then the browser may run any.
package pages
