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

// AppKeyMost is how long an app key may be good for, and AppKeyLife how long it is where nobody says.
const (
	AppKeyMost = 2 * 366 * 24 * time.Hour
	AppKeyLife = 365 * 24 * time.Hour
)

// MakeAppKey makes a key of 256 bits that a program signs in with by a name, and acts as a subject. The secret is shown
// once. Errors: ErrNoPortal, ErrMalformed, engine.ErrNoRecord, ErrUnavailable.
func (g *Gate) MakeAppKey(
	ctx context.Context, portal, client string, subject engine.Ref, life time.Duration, actor string,
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
	return key, secret, g.with.Store.MakeAppKey(ctx, key, engine.Deed{
		At: now, Kind: engine.DeedAppKeyMade, Actor: actor, Subject: subject.String(),
		Detail: "portal " + portal + " key " + id.String(),
	})
}

// App is a program that may sign in, with the secrets that it may do so by.
type App struct {
	Client  string
	Subject engine.Ref
	Key     engine.ID
	Secret  string
}

// Apps are the keys that stand for a client's name. A name that none stands for gets one that nobody knows the secret
// of, so that checking it costs as much. Errors: ErrNoPortal.
func (g *Gate) Apps(ctx context.Context, portal, client string) ([]App, error) {
	p, err := g.portal(portal)
	if err != nil {
		return nil, err
	}
	var apps []App
	now := g.with.Clock.Now()
	if client != "" {
		keys, err := g.with.Store.AppKeys(ctx, p.Name, client)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if !k.Revoked.IsZero() || !now.Before(k.Expires) {
				continue
			}
			secret, err := g.with.Sealer.Open(AppKeyPurpose(portal, k.ID), k.Sealed)
			if err != nil {
				return nil, err
			}
			apps = append(apps, App{Client: k.Client, Subject: k.Subject, Key: k.ID, Secret: string(secret)})
		}
	}
	if len(apps) == 0 {
		secret, _, err := g.newToken()
		if err != nil {
			return nil, err
		}
		apps = append(apps, App{Client: client, Secret: secret})
	}
	return apps, nil
}

// LetAppIn signs a program in whose digest was right for one of its keys. It needs no second factor. Errors:
// ErrRefused, ErrUnavailable.
func (g *Gate) LetAppIn(ctx context.Context, portal string, app App, caller Caller) (SignedIn, error) {
	p, err := g.portal(portal)
	if err != nil {
		return SignedIn{}, err
	}
	if app.Key.IsZero() {
		return SignedIn{}, ErrRefused
	}
	who, err := g.byRef(ctx, p, app.Subject)
	if errors.Is(err, engine.ErrNoRecord) {
		return SignedIn{}, ErrRefused
	}
	if err != nil {
		return SignedIn{}, err
	}
	now := g.with.Clock.Now()
	if err := g.with.Store.UsedAppKey(ctx, app.Key, now); err != nil {
		return SignedIn{}, err
	}
	return g.letIn(ctx, entry{person: who, method: MethodAppKey, second: true, caller: caller})
}

// RevokeAppKey ends a key, and the sessions of programs that act as its subject. Errors: ErrNoPortal, ErrNoAppKey.
func (g *Gate) RevokeAppKey(ctx context.Context, portal string, id engine.ID, actor string) error {
	p, err := g.portal(portal)
	if err != nil {
		return err
	}
	now := g.with.Clock.Now()
	return g.with.Store.RevokeAppKey(ctx, p.Name, id, now, engine.Deed{
		At: now, Kind: engine.DeedAppKeyRevoked, Actor: actor, Subject: "app-key:" + id.String(),
		Detail: "portal " + p.Name,
	})
}
