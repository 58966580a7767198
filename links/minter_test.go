package links_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/keys"
	"postern/internal/pages"
	"postern/internal/peer"
	"postern/links"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func newRing(t *testing.T) *keys.Ring {
	t.Helper()
	root, err := keys.Create(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.NewRing(root)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func newMinter(t *testing.T) *links.Minter { return minterOf(t, newRing(t)) }

func minterOf(t *testing.T, ring *keys.Ring) *links.Minter {
	t.Helper()
	base, err := pages.ParseBase("https://go.acme.example")
	if err != nil {
		t.Fatal(err)
	}
	return links.NewMinter(base, ring.Mint(), rand.Reader)
}

func terms() engine.LinkTerms {
	return engine.LinkTerms{Landing: book().Landings["ticket"], Record: ticket, Preset: "resolve", Language: "es"}
}

// A million tokens: all of them different, 26 characters of base32, and no bit leans to one side.
func TestT01Tokens(t *testing.T) {
	count := 1_000_000
	if peer.Race {
		count = 100_000
	}
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	minter := newMinter(t)
	seen := make(map[string]bool, count)
	var ones [26 * 5]int
	for range count {
		id, err := engine.RandomID(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		address, err := minter.URL(engine.Link{ID: id, KeyID: "a"})
		if err != nil {
			t.Fatal(err)
		}
		token, ok := strings.CutPrefix(address, "https://go.acme.example/l/a")
		if !ok || len(token) != 26 || strings.Trim(token, alphabet) != "" {
			t.Fatalf("address %q", address)
		}
		seen[token] = true
		for i := range token {
			for bit := range 5 {
				ones[i*5+bit] += strings.IndexByte(alphabet, token[i]) >> bit & 1
			}
		}
	}
	if len(seen) != count {
		t.Errorf("%d of %d tokens are the same", count-len(seen), count)
	}
	for bit, n := range ones {
		// Six standard deviations: among 130 fair bits once in a few million runs.
		if off := math.Abs(float64(n) - float64(count)/2); off > 6*math.Sqrt(float64(count))/2 {
			t.Errorf("bit %d is set in %d of %d tokens", bit, n, count)
		}
	}
}

func TestT02NoLinkWithoutRandomness(t *testing.T) {
	minter := links.NewMinter(pages.Base{}, newRing(t).Mint(), iotest.ErrReader(errors.New("no entropy")))
	if link, err := minter.Mint(t.Context(), terms(), now); err == nil {
		t.Errorf("made %+v", link)
	}
}

func TestMinterPort(t *testing.T) {
	ring := newRing(t)
	enginetest.TestMinter(t, func(t *testing.T) engine.LinkMinter { return minterOf(t, ring) })
}

func TestMint(t *testing.T) {
	minter := newMinter(t)
	link, err := minter.Mint(t.Context(), terms(), now)
	if err != nil {
		t.Fatal(err)
	}
	want := engine.Link{
		ID: link.ID, Generation: 1, KeyID: "a", Digest: link.Digest, Landing: "ticket", LandingVersion: "v1",
		Preset: "resolve", Record: ticket, Language: "es", NotBefore: now.Add(-time.Minute),
		Expires: now.Add(14 * 24 * time.Hour), MaxUses: 20, Created: now,
	}
	if diff := cmp.Diff(want, link); diff != "" {
		t.Error(diff)
	}
	if link.ID.IsZero() || len(link.Digest) != 32 {
		t.Errorf("id %s, digest %x", link.ID, link.Digest)
	}
	own := terms()
	own.Expires = time.Hour
	if link, err := minter.Mint(t.Context(), own, now); err != nil || !link.Expires.Equal(now.Add(time.Hour)) {
		t.Errorf("expires %s, %v", link.Expires, err)
	}
}

// Every retry of a message carries the same address; a resend carries another.
func TestURLIsDerived(t *testing.T) {
	minter := newMinter(t)
	link, err := minter.Mint(t.Context(), terms(), now)
	if err != nil {
		t.Fatal(err)
	}
	first, err := minter.URL(link)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := minter.URL(link)
	if first != again {
		t.Errorf("%s, then %s", first, again)
	}
	resent := link
	resent.Generation++
	if other, _ := minter.URL(resent); other == first || len(other) > links.MaxURL {
		t.Errorf("a resend gives %s", other)
	}
	if token := first[len(first)-26:]; strings.Contains(fmt.Sprintf("%+v", link), token) {
		t.Error("the link holds its token")
	}
	link.KeyID = "q"
	_, err = minter.URL(link)
	if err == nil || !strings.Contains(err.Error(), `key generation "q" is not in the key file`) {
		t.Errorf("a retired key: %v", err)
	}
}

func TestMintRefuses(t *testing.T) {
	minter := newMinter(t)
	for want, change := range map[string]func(*engine.LinkTerms){
		`has no action "explode"`:               func(l *engine.LinkTerms) { l.Preset = "explode" },
		"needs a time after which it expires":   func(l *engine.LinkTerms) { l.Landing = &engine.Landing{Name: "x"} },
		"a link to landing ticket needs a reco": func(l *engine.LinkTerms) { l.Record = engine.Ref{} },
	} {
		l := terms()
		l.Preset = ""
		change(&l)
		if _, err := minter.Mint(t.Context(), l, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
