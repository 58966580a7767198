package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"postern/engine"
)

// minKey is the least length of a key in bytes: shorter ones can be guessed.
const minKey = 16

// Keys are the bearer keys of a door, each with the name it is known by in logs. Only their hashes are kept. The zero
// value lets nobody in.
type Keys struct{ all []key }

type key struct {
	name string
	hash [sha256.Size]byte
}

// NewKeys reads the keys, secrets by name. All complaints come at once; none holds a key.
func NewKeys(secrets map[string]engine.Secret) (Keys, error) {
	var keys Keys
	var complaints []error
	for name, secret := range secrets {
		text, err := secret.Reveal()
		switch {
		case err != nil:
			complaints = append(complaints, fmt.Errorf("key %q: %w", name, err))
		case len(text) < minKey:
			complaints = append(complaints, fmt.Errorf("key %q has %d characters; at least %d are needed, "+
				"better 32 random ones", name, len(text), minKey))
		default:
			keys.all = append(keys.all, key{name: name, hash: sha256.Sum256([]byte(text))})
		}
	}
	return keys, errors.Join(complaints...)
}

// Who names the key that a request shows. The time it takes tells nothing about the keys: hashes of equal length are
// compared, and always all of them.
func (k Keys) Who(r *http.Request) (name string, known bool) {
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	hash := sha256.Sum256([]byte(strings.TrimSpace(shown)))
	for _, key := range k.all {
		if subtle.ConstantTimeCompare(hash[:], key.hash[:]) == 1 {
			name, known = key.name, true
		}
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return name, known
}
