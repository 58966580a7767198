package links

import (
	"strings"

	"postern/internal/pages"
)

// MaxURL is how long a link's address should be at most, in characters: so that a text message has room for
// a sentence beside it.
const MaxURL = 64

// URLLength is how long every link under a base is; see MaxURL.
func URLLength(base pages.Base) int { return len(linkURL(base, strings.Repeat("a", 1+tokenChars))) }

// linkURL is the whole address of a link.
func linkURL(base pages.Base, keyAndToken string) string { return base.String() + "/l/" + keyAndToken }

// mailURL is the whole address of a second link.
func mailURL(base pages.Base, keyAndToken string) string { return base.String() + "/m/" + keyAndToken }
