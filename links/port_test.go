package links_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/keys"
	"postern/links"
)

func TestMinterPort(t *testing.T) {
	root, err := keys.Create(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.NewRing(root)
	if err != nil {
		t.Fatal(err)
	}
	base, err := links.ParseBase("https://go.example")
	if err != nil {
		t.Fatal(err)
	}
	enginetest.TestMinter(t, func(*testing.T) engine.LinkMinter { return links.NewMinter(base, ring.Mint(), rand.Reader) })
}
