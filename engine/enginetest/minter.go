package enginetest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

// TestMinter holds a LinkMinter to its contract. open returns minters that share their keys.
func TestMinter(t *testing.T, open func(t *testing.T) engine.LinkMinter) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	terms := engine.LinkTerms{
		Landing: &engine.Landing{Name: "ticket", Version: "v1", Expires: 7 * 24 * time.Hour, Uses: 3},
		Record:  engine.Ref{Module: "HelpDesk", ID: "17x1"}, Masked: "z…@acme.example", Language: "es",
	}
	mint := func(t *testing.T, m engine.LinkMinter, terms engine.LinkTerms) engine.Link {
		t.Helper()
		link, err := m.Mint(t.Context(), terms, now)
		if err != nil {
			t.Fatal(err)
		}
		return link
	}
	t.Run("a link carries its terms", func(t *testing.T) {
		link := mint(t, open(t), terms)
		if link.Landing != "ticket" || link.LandingVersion != "v1" || link.Record != terms.Record ||
			link.MaxUses != 3 || link.Masked != terms.Masked || link.Language != "es" ||
			!link.Expires.Equal(now.Add(terms.Landing.Expires)) ||
			link.NotBefore.After(now) || link.Uses != 0 || link.ID.IsZero() {
			t.Errorf("link is %+v", link)
		}
		terms := terms
		terms.Expires = time.Hour
		if link := mint(t, open(t), terms); !link.Expires.Equal(now.Add(time.Hour)) {
			t.Errorf("own expiry gives %v", link.Expires)
		}
	})
	t.Run("the address is the same each time, from every minter", func(t *testing.T) {
		link := mint(t, open(t), terms)
		if first, again := address(t, open(t), link), address(t, open(t), link); first != again {
			t.Errorf("%s and %s", first, again)
		}
	})
	t.Run("links and generations have addresses of their own", func(t *testing.T) {
		m, seen := open(t), map[string]bool{}
		for range 100 {
			link := mint(t, m, terms)
			seen[address(t, m, link)] = true
			link.Generation++
			seen[address(t, m, link)] = true
		}
		if len(seen) != 200 {
			t.Errorf("%d addresses for 200 links", len(seen))
		}
	})
	t.Run("what is stored does not hold the token", func(t *testing.T) {
		m := open(t)
		link := mint(t, m, terms)
		token := address(t, m, link)
		token = token[strings.LastIndexByte(token, '/')+1:]
		if len(token) < 26 || len(link.Digest) < 16 || bytes.Contains(link.Digest, []byte(token)) {
			t.Errorf("token %q, digest %x", token, link.Digest)
		}
	})
}

func address(t *testing.T, m engine.LinkMinter, link engine.Link) string {
	t.Helper()
	url, err := m.URL(link)
	if err != nil {
		t.Fatal(err)
	}
	return url
}
