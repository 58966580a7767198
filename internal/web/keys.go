package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"postern/engine"
)

// minKey is the least length of a key in bytes: shorter ones can be guessed.
const minKey = 16

// Scope is a part of the API that a key opens.
type Scope string

// The parts of the API.
const (
	ScopeEvents Scope = "events" // to publish events
	ScopeRuns   Scope = "runs"   // to list the workflows that are started by hand, and to start them
	ScopeLinks  Scope = "links"  // to make and revoke links
	ScopeCheck  Scope = "check"  // to ask what a link allows
	ScopeFiles  Scope = "files"  // to fetch the files that visitors sent
)

// scopes are all parts of the API.
func scopes() []Scope { return []Scope{ScopeEvents, ScopeRuns, ScopeLinks, ScopeCheck, ScopeFiles} }

// Key is where a bearer key is, and what it opens.
type Key struct {
	// Env is the name of the environment variable that holds it.
	Env string `yaml:"env"`
	// File is the path of the file that holds it, a final line break not counted.
	File string `yaml:"file"`
	// Scopes are the parts of the API that it opens; events and runs if none are named.
	Scopes []string `yaml:"scopes" schema:"'events'|'runs'|'links'|'check'|'files'"`
}

// In returns the key with a relative file meant from a folder.
func (k Key) In(folder string) Key {
	k.File = engine.Secret{File: k.File}.In(folder).File
	return k
}

// opens are the scopes of a key.
func (k Key) opens() ([]Scope, error) {
	if len(k.Scopes) == 0 {
		return []Scope{ScopeEvents, ScopeRuns}, nil
	}
	var opens []Scope
	for _, name := range k.Scopes {
		if !slices.Contains(scopes(), Scope(name)) {
			var known []string
			for _, scope := range scopes() {
				known = append(known, string(scope))
			}
			return nil, fmt.Errorf("scope %q is not one of %s", name, strings.Join(known, ", "))
		}
		opens = append(opens, Scope(name))
	}
	return opens, nil
}

// Keys are the bearer keys of a door, each with the name it is known by in logs. Only their hashes are kept. The zero
// value lets nobody in.
type Keys struct{ all []key }

type key struct {
	name   string
	hash   [sha256.Size]byte
	scopes []Scope
}

// NewKeys reads the keys by their names. All complaints come at once; none holds a key.
func NewKeys(named map[string]Key) (Keys, error) {
	var keys Keys
	var complaints []error
	for name, k := range named {
		text, err := engine.Secret{Env: k.Env, File: k.File}.Reveal()
		opens, wrong := k.opens()
		switch {
		case err != nil:
			complaints = append(complaints, fmt.Errorf("key %q: %w", name, err))
		case wrong != nil:
			complaints = append(complaints, fmt.Errorf("key %q: %w", name, wrong))
		case len(text) < minKey:
			complaints = append(complaints, fmt.Errorf("key %q has %d characters; at least %d are needed, "+
				"better 32 random ones", name, len(text), minKey))
		default:
			keys.all = append(keys.all, key{name: name, hash: sha256.Sum256([]byte(text)), scopes: opens})
		}
	}
	return keys, errors.Join(complaints...)
}

// who finds the key that a request shows. The time it takes tells nothing about the keys: hashes of equal length are
// compared, and always all of them.
func (k Keys) who(r *http.Request) (found key, known bool) {
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	hash := sha256.Sum256([]byte(strings.TrimSpace(shown)))
	for _, key := range k.all {
		if subtle.ConstantTimeCompare(hash[:], key.hash[:]) == 1 {
			found, known = key, true
		}
	}
	return found, known && strings.EqualFold(scheme, "Bearer")
}

// admit names the key that a request shows, or says why it may not (RFC 6750 section 3.1).
func (k Keys) admit(w http.ResponseWriter, r *http.Request, method string, scope Scope) (name string, bad *refusal) {
	if r.Method != method {
		w.Header().Set("Allow", method)
		message := "Use " + method + "."
		return "", &refusal{status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: message}
	}
	found, known := k.who(r)
	if !known {
		w.Header().Set("WWW-Authenticate", `Bearer realm="postern"`)
		const message = "Send a valid key as Authorization: Bearer …"
		return "", &refusal{status: http.StatusUnauthorized, Code: "unauthorized", Message: message}
	}
	if !slices.Contains(found.scopes, scope) {
		w.Header().Set("WWW-Authenticate",
			fmt.Sprintf(`Bearer realm="postern", error="insufficient_scope", scope=%q`, string(scope)))
		message := fmt.Sprintf("This key does not have the scope %s.", scope)
		return "", &refusal{status: http.StatusForbidden, Code: "insufficient_scope", Message: message}
	}
	return found.name, nil
}
