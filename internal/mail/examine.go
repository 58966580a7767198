package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-msgauth/dmarc"

	"postern/engine"
)

// Probe connects to the server, up to the point where it would take a letter, and says what it found: how the
// connection is protected, and until when the certificate is good.
func (p *Pool) Probe(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.server.Timeout)
	defer cancel()
	s, err := dial(ctx, &p.server)
	if err != nil {
		return "", err
	}
	defer s.leave()
	found := "in clear"
	if state, ok := s.client.GetTLSConnectionState(); ok == nil {
		until := state.PeerCertificates[0].NotAfter
		found = tls.VersionName(state.Version) + ", certificate good until " + until.Format(time.DateOnly)
	}
	if p.server.User != "" {
		found += ", logged in"
	}
	return found, nil
}

// LookupTXT asks the DNS for the texts of a name.
type LookupTXT func(ctx context.Context, name string) ([]string, error)

// Published tells whether the DNS has the public half of a signer's key: somebody else's verifier holds a letter that
// was signed by it against the record that it finds.
func (s Signer) Published(ctx context.Context, lookup LookupTXT, now time.Time) error {
	sender := "postmaster@" + s.Domain
	sample := Letterhead{From: netmail.Address{Address: sender}, Domain: s.Domain, Signers: []Signer{s}}
	letter, err := sample.Write(engine.Message{Recipient: engine.Recipient{Address: sender}, Created: now})
	if err != nil {
		return err
	}
	found, err := dkim.VerifyWithOptions(bytes.NewReader(letter.Raw), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) { return lookup(ctx, name) },
	})
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Err != nil {
			return errors.New(strings.TrimPrefix(f.Err.Error(), "dkim: "))
		}
	}
	return nil
}

// Policy is what a domain wants done with mails that claim to be from it and prove it by neither SPF nor DKIM (DMARC,
// RFC 7489).
type Policy struct {
	Domain string // whose record it is: the domain, or one above it
	Want   string // none, quarantine, reject
	Strict bool   // a signature counts for the very domain alone
}

// ErrNoPolicy says that neither a domain nor one above it has a policy.
var ErrNoPolicy = errors.New("there is no DMARC record")

// PolicyOf finds the policy of a domain, in its own record or in that of a domain above it.
func PolicyOf(ctx context.Context, domain string, lookup LookupTXT) (Policy, error) {
	for at := domain; strings.Contains(at, "."); _, at, _ = strings.Cut(at, ".") {
		record, err := dmarc.LookupWithOptions(at, &dmarc.LookupOptions{
			LookupTXT: func(name string) ([]string, error) { return lookup(ctx, name) },
		})
		if errors.Is(err, dmarc.ErrNoPolicy) {
			continue
		}
		if err != nil {
			return Policy{}, errors.New(strings.TrimPrefix(err.Error(), "dmarc: "))
		}
		want := string(record.Policy)
		if at != domain && record.SubdomainPolicy != "" {
			want = string(record.SubdomainPolicy)
		}
		return Policy{Domain: at, Want: want, Strict: record.DKIMAlignment == dmarc.AlignmentStrict}, nil
	}
	return Policy{}, ErrNoPolicy
}
