package tasks

import (
	"strings"

	"postern/engine"
)

// callAuth is how a call proves who calls: one of its keys. Secrets are names under secrets of the configuration.
type callAuth struct {
	// Bearer is the name of a secret that is sent as Authorization: Bearer.
	Bearer string `yaml:"bearer"`
	// Basic is a user with the name of the secret that is the password.
	Basic *basicAuth `yaml:"basic"`
	// Header is a header that carries a secret.
	Header *headerAuth `yaml:"header"`
	// OAuth2 gets a token by client credentials, and keeps it while it is good.
	OAuth2 *oauth2Auth `yaml:"oauth2"`
	// HMAC signs the call by RFC 9421 with hmac-sha256.
	HMAC *hmacAuth `yaml:"hmac"`
}

type basicAuth struct {
	// User is the name of the user.
	User string `yaml:"user,required"`
	// Password is the name of the secret that is the password.
	Password string `yaml:"password,required"`
}

type headerAuth struct {
	// Name is that of the header, such as X-Api-Key.
	Name string `yaml:"name,required"`
	// Secret is the name of the secret that it carries.
	Secret string `yaml:"secret,required"`
}

type oauth2Auth struct {
	// TokenURL is the address that gives tokens.
	TokenURL string `yaml:"token_url,required"`
	// Client is the id of the client.
	Client string `yaml:"client,required"`
	// Secret is the name of the secret of the client.
	Secret string `yaml:"secret,required"`
	// Scope is what the token is asked for.
	Scope string `yaml:"scope"`
}

type hmacAuth struct {
	// Secret is the name of the secret that signs.
	Secret string `yaml:"secret,required"`
	// KeyID is the name that the receiver knows the key by.
	KeyID string `yaml:"key_id"`
}

// check is the auth as a call carries it; nil for none.
func (a callAuth) check(scope engine.CheckScope) *engine.CallAuth {
	var found []*engine.CallAuth
	var at []string
	add := func(key string, auth engine.CallAuth) { found, at = append(found, &auth), append(at, key) }
	if a.Bearer != "" {
		add("bearer", engine.CallAuth{Kind: engine.AuthBearer, Secret: a.Bearer})
	}
	if b := a.Basic; b != nil {
		add("basic.password", engine.CallAuth{Kind: engine.AuthBasic, Secret: b.Password, User: b.User})
	}
	if h := a.Header; h != nil {
		add("header.secret", engine.CallAuth{Kind: engine.AuthHeader, Secret: h.Secret, Name: h.Name})
	}
	if o := a.OAuth2; o != nil {
		add("oauth2.secret", engine.CallAuth{
			Kind: engine.AuthOAuth2, Secret: o.Secret, TokenURL: o.TokenURL, Client: o.Client, Scope: o.Scope,
		})
	}
	if h := a.HMAC; h != nil {
		add("hmac.secret", engine.CallAuth{Kind: engine.AuthHMAC, Secret: h.Secret, KeyID: h.KeyID})
	}
	for i, auth := range found {
		scope.Secret("auth."+at[i], auth.Secret)
		checkAuth(scope, auth)
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return found[0]
	}
	for i := range at {
		at[i], _, _ = strings.Cut(at[i], ".")
	}
	scope.Complain("auth", "a call proves itself in one way; here are "+strings.Join(at, " and "))
	return nil
}

// checkAuth sees to what stands beside the secret.
func checkAuth(scope engine.CheckScope, auth *engine.CallAuth) {
	switch auth.Kind {
	case engine.AuthBasic:
		if strings.ContainsFunc(auth.User, isControl) || strings.Contains(auth.User, ":") {
			scope.Complain("auth.basic.user", "a user's name holds no colon and no line break")
		}
	case engine.AuthHeader:
		if why := engine.HeaderComplaint(auth.Name); why != "" && !strings.EqualFold(auth.Name, "Authorization") {
			scope.Complain("auth.header.name", why)
		}
	case engine.AuthOAuth2:
		checkConstantURL(scope, "auth.oauth2.token_url", auth.TokenURL)
	case engine.AuthHMAC:
		quoted := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
		if strings.ContainsFunc(auth.KeyID, quoted) {
			scope.Complain("auth.hmac.key_id", "the name of a key holds plain characters only, and no quotes")
		}
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
