package links

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"postern/engine"
	"postern/internal/keys"
	"postern/internal/pages"
)

// clockSlack is how far the clock of the node that answers may be behind the one that mints.
const clockSlack = time.Minute

// Minter makes links and derives their addresses.
type Minter struct {
	base   pages.Base
	keys   keys.Mint
	random io.Reader
}

var _ engine.LinkMinter = (*Minter)(nil)

// NewMinter returns a Minter of links under base. random gives the ids of links; it must not be guessable.
func NewMinter(base pages.Base, mint keys.Mint, random io.Reader) *Minter {
	return &Minter{base: base, keys: mint, random: random}
}

// Mint makes a link with a fresh id under the current keys. It fails on terms that no link may have and
// when random cannot be read; there is no weaker substitute.
func (m *Minter) Mint(_ context.Context, terms engine.LinkTerms, now time.Time) (engine.Link, error) {
	life := cmp.Or(terms.Expires, terms.Landing.Expires)
	if err := checkTerms(terms, life); err != nil {
		return engine.Link{}, err
	}
	id := terms.ID
	if id.IsZero() {
		var err error
		if id, err = engine.RandomID(m.random); err != nil {
			return engine.Link{}, err
		}
	}
	link := engine.Link{
		ID: id, Generation: 1, KeyID: m.keys.Tokens.Current(),
		Landing: terms.Landing.Name, LandingVersion: terms.Landing.Version, Preset: terms.Preset,
		Record: terms.Record, Recipient: terms.Recipient, Masked: terms.Masked, Language: terms.Language,
		NotBefore: now.Add(-clockSlack), Expires: now.Add(life), MaxUses: terms.Landing.Uses,
		Run: terms.Run, Workflow: terms.Workflow, Cause: terms.Cause, Created: now,
		Delivery: terms.Delivery, Counts: terms.Counts,
	}
	link.External = keyedHash(m.keys.Peppers, link.KeyID, "external", terms.External)
	link.Audience = keyedHash(m.keys.Peppers, link.KeyID, "address", terms.Address)
	token, err := m.token(link)
	if err != nil {
		return engine.Link{}, err
	}
	link.Digest, _ = digest(m.keys.Peppers, link.KeyID, token)
	return link, nil
}

// Renew is the link as its next generation, with a token of its own: its use count and the record stay, its life begins
// anew, and the browser that opens it first may be another one. The token of the generation before then opens nothing.
func (m *Minter) Renew(link engine.Link, life time.Duration, now time.Time) (engine.Link, error) {
	link.Generation++
	link.NotBefore, link.Expires = now.Add(-clockSlack), now.Add(life)
	link.Bound = nil
	token, err := m.token(link)
	if err != nil {
		return engine.Link{}, err
	}
	link.Digest, _ = digest(m.keys.Peppers, link.KeyID, token)
	return link, nil
}

// checkTerms refuses links that would never end or lead nowhere.
func checkTerms(terms engine.LinkTerms, life time.Duration) error {
	switch {
	case life <= 0:
		return fmt.Errorf("a link to landing %s needs a time after which it expires", terms.Landing.Name)
	case terms.Preset != "" && terms.Landing.Action(terms.Preset) == nil:
		return fmt.Errorf("landing %s has no action %q", terms.Landing.Name, terms.Preset)
	case terms.Record.IsZero():
		return fmt.Errorf("a link to landing %s needs a record", terms.Landing.Name)
	}
	return nil
}

// URL is the address of a link. It fails when the keys the link was made with are no longer there.
func (m *Minter) URL(link engine.Link) (string, error) {
	token, err := m.token(link)
	if err != nil {
		return "", err
	}
	return linkURL(m.base, link.KeyID+token), nil
}

// token is derived each time it is needed and kept nowhere.
func (m *Minter) token(link engine.Link) (string, error) {
	token, ok := deriveToken(m.keys.Tokens, link.KeyID, link.ID, link.Generation)
	if !ok {
		return "", fmt.Errorf("derive token: key generation %q is not in the key file", link.KeyID)
	}
	return token, nil
}
