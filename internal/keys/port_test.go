package keys_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/keys"
)

func TestPort(t *testing.T) {
	root, err := keys.Create(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.NewRing(root)
	if err != nil {
		t.Fatal(err)
	}
	enginetest.TestSealer(t, func(*testing.T) engine.Sealer { return ring.Seal(rand.Reader) })
}
