package outcall

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"postern/engine"
)

// prove adds what says who calls, a signature last.
func (c *Caller) prove(ctx context.Context, request *http.Request, call engine.Call, sign *engine.CallAuth) error {
	for _, auth := range []*engine.CallAuth{call.Auth, sign} {
		if auth == nil {
			continue
		}
		if err := c.proveBy(ctx, request, auth, call.Request.Body); err != nil {
			return err
		}
	}
	return nil
}

func (c *Caller) proveBy(ctx context.Context, request *http.Request, auth *engine.CallAuth, body []byte) error {
	secret, err := c.secret(auth.Secret)
	if err != nil {
		return err
	}
	switch auth.Kind {
	case engine.AuthBearer:
		request.Header.Set("Authorization", "Bearer "+secret)
	case engine.AuthBasic:
		pair := base64.StdEncoding.EncodeToString([]byte(auth.User + ":" + secret))
		request.Header.Set("Authorization", "Basic "+pair)
	case engine.AuthHeader:
		request.Header.Set(auth.Name, secret)
	case engine.AuthOAuth2:
		token, err := c.token(ctx, auth, secret)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+token)
	case engine.AuthHMAC:
		sign(request, body, signature{key: []byte(secret), id: auth.KeyID, at: c.outfit.Clock.Now()})
	default:
		return engine.Permanent(fmt.Errorf("calls do not know the auth %q", auth.Kind))
	}
	return nil
}

// secret reads a secret by its name, each time anew: who changes it need not restart anything. Errors name the secret
// and where it is, never its value.
func (c *Caller) secret(name string) (string, error) {
	place, ok := c.outfit.Secrets[name]
	if !ok {
		return "", engine.Misconfigured(fmt.Errorf("there is no secret %q in the configuration", name))
	}
	value, err := place.Reveal()
	switch {
	case err != nil:
		return "", engine.Misconfigured(fmt.Errorf("secret %q: %w", name, err))
	case value == "":
		return "", engine.Misconfigured(fmt.Errorf("secret %q names neither env nor file", name))
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", engine.Misconfigured(fmt.Errorf("secret %q: %w", name, errUnprintable))
	}
	return value, nil
}

var errUnprintable = errors.New("it holds a line break or another control character")
