package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var headerName = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]{1,64}$`)

// ownHeaders are those that a call sets itself.
var ownHeaders = []string{
	"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect",
	"signature", "signature-input", "content-digest",
}

// HeaderComplaint says why a header of a name is not for a book or a configuration to set; "" if it is.
func HeaderComplaint(name string) string {
	lower := strings.ToLower(name)
	switch {
	case !headerName.MatchString(name):
		return fmt.Sprintf("%q is no name of a header", name)
	case slices.Contains(ownHeaders, lower) || strings.HasPrefix(lower, "proxy-"):
		return "the header " + name + " is set by the call itself"
	case lower == "authorization":
		return "the header Authorization would hold a secret in the file: use auth, which names one"
	}
	return ""
}
