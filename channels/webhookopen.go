package channels

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/outcall"
)

// webhookAuth is how a message proves who sends it: one of its keys, the words of the task call. A secret is named by
// where it is.
type webhookAuth struct {
	// Bearer is a secret that is sent as Authorization: Bearer.
	Bearer engine.Secret `yaml:"bearer"`
	// Basic is a user with the secret that is the password.
	Basic *webhookBasic `yaml:"basic"`
	// Header is a header that carries a secret.
	Header *webhookHeader `yaml:"header"`
	// OAuth2 gets a token by client credentials, and keeps it while it is good.
	OAuth2 *webhookOAuth2 `yaml:"oauth2"`
}

type webhookBasic struct {
	// User is the name of the user.
	User string `yaml:"user,required"`
	// Password is where the password is: env or file.
	Password engine.Secret `yaml:"password,required"`
}

type webhookHeader struct {
	// Name is that of the header, such as X-Api-Key.
	Name string `yaml:"name,required"`
	// Secret is where the secret is that it carries: env or file.
	Secret engine.Secret `yaml:"secret,required"`
}

type webhookOAuth2 struct {
	// TokenURL is the address that gives tokens.
	TokenURL string `yaml:"token_url,required"`
	// Client is the id of the client.
	Client string `yaml:"client,required"`
	// Secret is where the secret of the client is: env or file.
	Secret engine.Secret `yaml:"secret,required"`
	// Scope is what the token is asked for.
	Scope string `yaml:"scope"`
}

// Open checks every key and reads the secrets once, without a connection yet.
func (w *Webhook) Open(outfit engine.Outfit) error {
	if err := w.checkAddress(); err != nil {
		return err
	}
	if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, w.Method) {
		return fmt.Errorf("method: %q is not one of POST, PUT, PATCH", w.Method)
	}
	if w.Connections < 1 || w.Connections > 1000 {
		return fmt.Errorf("connections: %d is not between 1 and 1000", w.Connections)
	}
	if err := w.openHeaders(); err != nil {
		return fmt.Errorf("headers: %w", err)
	}
	if err := w.openExpect(); err != nil {
		return fmt.Errorf("expect: %w", err)
	}
	secrets, err := w.openAuth()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		key, _, _ := strings.Cut(name, ".")
		if secrets[name].IsZero() {
			return fmt.Errorf("%s: the secret is missing: env or file", key)
		}
		secrets[name] = secrets[name].In(outfit.Folder)
		if _, err := secrets[name].Reveal(); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return w.openCaller(outfit, secrets)
}

func (w *Webhook) openCaller(outfit engine.Outfit, secrets map[string]engine.Secret) (err error) {
	config := outcall.Config{Allow: w.Allow, HTTP: w.HTTP, Timeout: w.Timeout, Proxy: w.Proxy}
	for _, file := range w.CA {
		if !filepath.IsAbs(file) {
			file = outfit.Path(file)
		}
		config.CA = append(config.CA, file)
	}
	w.clock = outfit.Clock
	w.caller, err = outcall.New(config, outcall.Outfit{
		Secrets: secrets, Clock: outfit.Clock, Under: "channels." + outfit.Channel, Connections: w.Connections,
	})
	return err
}

// checkAddress sees to it that it is known where messages go.
func (w *Webhook) checkAddress() error {
	switch {
	case w.URL == "" && w.Field == "":
		return errors.New("url: is missing; or field names the field of the recipient's record that holds it")
	case w.URL != "" && w.Field != "":
		return errors.New("field: stands in place of url, not beside it")
	case w.Field != "":
		return nil
	}
	if _, err := w.proper(w.URL); err != nil {
		return fmt.Errorf("url: %w; http: [the host] lets a host be reached without TLS", err)
	}
	return nil
}

func (w *Webhook) openHeaders() error {
	w.header = http.Header{"Content-Type": {"application/json"}}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		value := w.Headers[name]
		if why := engine.HeaderComplaint(name); why != "" {
			return errors.New(why)
		}
		if strings.EqualFold(name, "Idempotency-Key") {
			return errors.New("the header " + name + " is set by the channel itself")
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New(name + " holds a line break or another control character")
		}
		w.header.Set(name, value)
		size += len(name) + len(value)
	}
	if size > engine.MaxCallHeaders {
		return fmt.Errorf("they have %d kB; at most %d are sent", size>>10, engine.MaxCallHeaders>>10)
	}
	return nil
}

func (w *Webhook) openExpect() error {
	w.expected = nil
	for _, node := range w.Expect {
		statuses, err := engine.ParseStatuses(node.Text())
		if err != nil {
			return fmt.Errorf("found %q: %w", node.Text(), err)
		}
		w.expected = append(w.expected, statuses)
	}
	if len(w.Expect) == 0 {
		w.expected = []engine.Statuses{{From: 200, To: 299}}
	}
	return nil
}

// openAuth finds the one way by which messages prove who sends them, and the secrets by the keys that name them.
func (w *Webhook) openAuth() (map[string]engine.Secret, error) {
	secrets := map[string]engine.Secret{}
	add := func(key string, secret engine.Secret, auth engine.CallAuth) {
		auth.Secret, w.auth, secrets[key] = key, &auth, secret
	}
	if a := w.Auth.Bearer; !a.IsZero() {
		add("auth.bearer", a, engine.CallAuth{Kind: engine.AuthBearer})
	}
	if a := w.Auth.Basic; a != nil {
		if strings.ContainsAny(a.User, ":\r\n") {
			return nil, errors.New("auth: a user's name holds no colon and no line break")
		}
		add("auth.basic.password", a.Password, engine.CallAuth{Kind: engine.AuthBasic, User: a.User})
	}
	if a := w.Auth.Header; a != nil {
		if why := engine.HeaderComplaint(a.Name); why != "" && !strings.EqualFold(a.Name, "Authorization") {
			return nil, errors.New("auth: " + why)
		}
		add("auth.header.secret", a.Secret, engine.CallAuth{Kind: engine.AuthHeader, Name: a.Name})
	}
	if a := w.Auth.OAuth2; a != nil {
		add("auth.oauth2.secret", a.Secret, engine.CallAuth{
			Kind: engine.AuthOAuth2, TokenURL: a.TokenURL, Client: a.Client, Scope: a.Scope,
		})
	}
	if len(secrets) > 1 {
		return nil, errors.New("auth: a message proves who sends it in one way, beside sign")
	}
	if !w.Sign.IsZero() {
		quoted := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
		if strings.ContainsFunc(w.KeyID, quoted) {
			return nil, errors.New("key_id: the name of a key holds plain characters only, and no quotes")
		}
		secrets["sign"] = w.Sign
		w.sign = &engine.CallAuth{Kind: engine.AuthHMAC, Secret: "sign", KeyID: w.KeyID}
	}
	return secrets, nil
}
