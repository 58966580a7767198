package portal

import (
	"context"
	"errors"
	"time"

	"postern/engine"
)

// AppKeyPurpose is what an app key is sealed for: it opens for no other.
func AppKeyPurpose(portal string, id engine.ID) string {
	return "portal-app-key/" + portal + "/" + id.String()
}

// MethodAppKey is how programs sign in. No portal names it among its methods: an operator makes the keys.
const MethodAppKey engine.SignInMethod = "app-key"

// AppKeySessions is how many sessions programs have of one subject at once. Those of people are counted apart.
const AppKeySessions = 20

// AppKeyMost is how long an app key may be good for, and AppKeyLife how long it is where nobody says.
const (
	AppKeyMost = 2 * 366 * 24 * time.Hour
	AppKeyLife = 365 * 24 * time.Hour
)

// MakeAppKey makes a key of 256 bits that a program signs in with by a name, and acts as a subject. The secret is shown
// once. Errors: ErrNoPortal, ErrMalformed, engine.ErrNoRecord, ErrUnavailable.
func (g *Gate) MakeAppKey(
	ctx context.Context, portal, client string, subject engine.Ref, life time.Duration, by engine.Order,
) (AppKey, string, error) {
	p, err := g.portal(portal)
	if err != nil {
		return AppKey{}, "", err
	}
	if client == "" || len(client) > MaxName || life <= 0 || life > AppKeyMost {
		return AppKey{}, "", ErrMalformed
	}
	if _, err := g.byRef(ctx, p, subject); err != nil {
		return AppKey{}, "", err
	}
	now := g.with.Clock.Now()
	id, err := engine.NewID(now, g.with.Random)
	if err != nil {
		return AppKey{}, "", err
	}
	secret, _, err := g.newToken()
	if err != nil {
		return AppKey{}, "", err
	}
	sealed, err := g.with.Sealer.Seal(AppKeyPurpose(portal, id), []byte(secret))
	if err != nil {
		return AppKey{}, "", err
	}
	key := AppKey{
		ID: id, Portal: portal, Client: client, Subject: subject, Sealed: sealed, Made: now, Expires: now.Add(life),
	}
	return key, secret, g.with.Store.MakeAppKey(ctx, key,
		by.Deed(engine.DeedAppKeyMade, subject.String(), "key "+id.String()+", "+orderText(portal, by.Reason)))
}

// AppKey signs a program in by one of the keys that stand for its name: right tells whether what it came with was made
// of a secret. It needs no second factor. A name that no key stands for is held against a secret that nobody knows, so
// that it costs as much. Errors: ErrRefused, ErrNoPortal, *CrowdedError, ErrUnavailable.
func (g *Gate) AppKey(
	ctx context.Context, portal, client string, right func(secret string) bool, caller Caller,
) (SignedIn, error) {
	p, err := g.portal(portal)
	if err != nil {
		return SignedIn{}, err
	}
	return g.evenRefusal(ctx, caller, 0, func() (SignedIn, error) {
		key, err := g.rightKey(ctx, p.Name, client, right)
		if err != nil {
			return SignedIn{}, err
		}
		who, err := g.byRef(ctx, p, key.Subject)
		if errors.Is(err, engine.ErrNoRecord) {
			return SignedIn{}, ErrRefused
		}
		if err != nil {
			return SignedIn{}, err
		}
		return g.letIn(ctx, entry{person: who, method: MethodAppKey, second: true, caller: caller, appKey: key.ID})
	})
}

// rightKey is the key of a client whose secret is right; ErrRefused if there is none.
func (g *Gate) rightKey(
	ctx context.Context, portal, client string, right func(secret string) bool,
) (found AppKey, err error) {
	secret, _, err := g.newToken()
	if err != nil {
		return found, err
	}
	right(secret)
	if client == "" {
		return found, ErrRefused
	}
	keys, err := g.with.Store.AppKeys(ctx, portal, client)
	if err != nil {
		return found, err
	}
	now := g.with.Clock.Now()
	for _, k := range keys {
		if !k.Revoked.IsZero() || !now.Before(k.Expires) {
			continue
		}
		secret, err := g.with.Sealer.Open(AppKeyPurpose(portal, k.ID), k.Sealed)
		if err != nil {
			return found, err
		}
		if right(string(secret)) {
			found = k
		}
	}
	if found.ID.IsZero() {
		return found, ErrRefused
	}
	return found, nil
}

// RevokeAppKey ends a key, and the sessions of programs that act as its subject. Errors: ErrNoPortal, ErrNoAppKey.
func (g *Gate) RevokeAppKey(ctx context.Context, portal string, id engine.ID, by engine.Order) error {
	p, err := g.portal(portal)
	if err != nil {
		return err
	}
	return g.with.Store.RevokeAppKey(ctx, p.Name, id, g.with.Clock.Now(),
		by.Deed(engine.DeedAppKeyRevoked, "app-key:"+id.String(), orderText(p.Name, by.Reason)))
}
