package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Secret is a reference to a password or key: a configuration names where it is and never holds it.
type Secret struct {
	Env  string `yaml:"env"`  // name of the environment variable that holds it
	File string `yaml:"file"` // path of the file that holds it, a final line break not counted
}

// MissingSecret is the error of Reveal where the variable or file that a secret names is not to be had here. Another
// machine may have it.
type MissingSecret struct{ cause error }

func (m MissingSecret) Error() string { return m.cause.Error() }

// Unwrap is why it is not to be had.
func (m MissingSecret) Unwrap() error { return m.cause }

// In returns the secret with a relative file meant from a folder: that of the configuration.
func (s Secret) In(folder string) Secret {
	if s.File != "" && !filepath.IsAbs(s.File) {
		s.File = filepath.Join(folder, s.File)
	}
	return s
}

// IsZero tells whether no secret is named.
func (s Secret) IsZero() bool { return s == Secret{} }

// Reveal reads the secret; "" for none. A place that holds none is an error, which names the place, never a value; one
// that is not to be had here is a MissingSecret.
func (s Secret) Reveal() (string, error) {
	switch {
	case s.Env != "" && s.File != "":
		return "", errors.New("a secret names either env or file, not both")
	case s.Env != "":
		value := os.Getenv(s.Env)
		if value == "" {
			return "", MissingSecret{fmt.Errorf("environment variable %s is not set", s.Env)}
		}
		return value, nil
	case s.File != "":
		data, err := os.ReadFile(s.File)
		if err != nil {
			return "", MissingSecret{fmt.Errorf("read secret: %w", err)}
		}
		value := strings.TrimRight(string(data), "\r\n")
		if value == "" {
			return "", fmt.Errorf("secret file %s is empty", s.File)
		}
		return value, nil
	}
	return "", nil
}

// SecretSource finds a named secret of the configuration. What it gives goes into keys and requests and
// is never kept.
type SecretSource func(name string) (value []byte, ok bool)

// Sealer encrypts what must not be readable at rest.
type Sealer interface {
	// Seal encrypts plain so that only Open with the same purpose reads it.
	Seal(purpose string, plain []byte) ([]byte, error)
	// Open fails when the bytes were changed or sealed for another purpose.
	Open(purpose string, sealed []byte) ([]byte, error)
}
