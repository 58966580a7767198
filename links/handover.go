package links

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"

	"postern/engine"
)

const (
	// statementName is the parameter of the customer's page that takes the statement.
	statementName = "postern"
	// MinSigner is the least length in bytes of a secret that signs: that of the hash (RFC 7518 section 3.2).
	MinSigner = sha256.Size
)

// Statement is what a hand-over says, as the claims of a JSON Web Token (RFC 7519): who let whom in for what, and until
// when. A page of the customer's checks it by the secret that both know.
type Statement struct {
	Issuer   string        `json:"iss"` // the door's base address
	Audience string        `json:"aud"` // scheme and host of the page
	Subject  string        `json:"sub"` // the record, "Module/id"
	Landing  string        `json:"landing"`
	ID       string        `json:"jti"` // of this statement alone: a page takes it once
	Issued   int64         `json:"iat"` // seconds since 1970
	Expires  int64         `json:"exp"`
	Fields   engine.Fields `json:"fields"` // of the record, as far as the landing tells them
}

// handOverPath is where a flow is handed over.
func handOverPath(flow engine.ID) string { return "/h/" + flow.String() }

// handOver sends the visitor on to the customer's page, with a statement that holds for a short while.
func (d *Door) handOver(c *call, p passage) (answer, error) {
	to := p.landing.HandOver
	if to == nil {
		return answer{}, errUnknown
	}
	target, ok := d.outward(c.Context(), p.landing.Name, to.To)
	if !ok {
		return answer{}, errRemoved
	}
	secret, ok := d.with.Secrets(to.Secret)
	if !ok || len(secret) < MinSigner {
		return answer{}, fmt.Errorf("hand over: secret %q of landing %s is missing or shorter than %d bytes",
			to.Secret, p.landing.Name, MinSigner)
	}
	record, err := d.read(c.Context(), p.link.Record)
	if err != nil {
		return answer{}, err
	}
	said := d.statement(c, p, target, record)
	id, err := engine.RandomID(d.with.Random)
	if err != nil {
		return answer{}, err
	}
	said.ID = id.String()
	token, err := said.sign(secret)
	if err != nil {
		return answer{}, err
	}
	err = d.with.Store.Note(c.Context(), engine.Deed{
		At: c.now, Kind: engine.DeedHandedOver, Actor: "link:" + p.link.ID.String(), Subject: p.link.Record.String(),
		Detail: target.Host,
	})
	if err != nil {
		return answer{}, fmt.Errorf("hand over: %w", err)
	}
	query := target.Query()
	query.Set(statementName, token)
	target.RawQuery = query.Encode()
	return answer{goTo: target.String()}, nil
}

// backToFlow is what a reload of the address of a hand-over leads to.
func (d *Door) backToFlow(_ *call, p passage) (answer, error) {
	return answer{goTo: flowPath(p.flow.ID)}, nil
}

func (d *Door) statement(c *call, p passage, target *url.URL, record engine.Record) Statement {
	s := Statement{
		Issuer: d.with.Base.String(), Audience: target.Scheme + "://" + target.Host, Subject: record.String(),
		Landing: p.landing.Name, Issued: c.now.Unix(), Expires: c.now.Add(p.landing.HandOver.Life).Unix(),
		Fields: engine.Fields{},
	}
	for _, name := range p.landing.HandOver.Fields {
		s.Fields[name] = record.Fields[name]
	}
	return s
}

// sign is the statement as a token in the compact form of RFC 7515, signed by HMAC-SHA-256.
func (s Statement) sign(secret []byte) (string, error) {
	claims, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("write statement: %w", err)
	}
	encoding := base64.RawURLEncoding
	signed := encoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encoding.EncodeToString(claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + encoding.EncodeToString(mac.Sum(nil)), nil
}

// outward is an address that a landing leads on to, if its host is a configured one: an old version of a landing may
// name one that no longer is.
func (d *Door) outward(ctx context.Context, landing, address string) (*url.URL, bool) {
	if address == "" {
		return nil, false
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || !slices.Contains(d.with.Hosts, u.Host) {
		d.with.Logger.WarnContext(ctx, "a landing leads to a host that web.hosts does not have", "landing", landing)
		return nil, false
	}
	return u, true
}

// outwardHosts are the hosts that forms of a landing's pages may lead on to, for their Content-Security-Policy.
func (d *Door) outwardHosts(ctx context.Context, landing *engine.Landing) (hosts []string) {
	addresses := []string{landing.After.Redirect}
	if landing.HandOver != nil {
		addresses = append(addresses, landing.HandOver.To)
	}
	for _, address := range addresses {
		if u, ok := d.outward(ctx, landing.Name, address); ok && !slices.Contains(hosts, u.Host) {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}
