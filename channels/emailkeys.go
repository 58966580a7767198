package channels

import (
	"errors"
	"fmt"
	"strings"

	"postern/engine"
	"postern/internal/mail"
)

// EmailKey is a key that signs mails (DKIM, RFC 6376). Its public half is a TXT record in the DNS; postern keys dkim
// makes both.
type EmailKey struct {
	// Domain that signs: that of the sender, or one above it. The sender's if not set.
	Domain string `yaml:"domain"`
	// Name under which the DNS has the public half: <selector>._domainkey.<domain>.
	Selector string `yaml:"selector,required"`
	// Where the private half is, in PEM: RSA of 2048 bits or more, or Ed25519.
	Key engine.Secret `yaml:"key,required"`
}

// signers opens every key. The domain of each has to be that of the sender or above it: DMARC counts no other
// signature (RFC 7489, section 3.1.1).
func (e *Email) signers(outfit engine.Outfit, from string) ([]mail.Signer, error) {
	signers := make([]mail.Signer, 0, len(e.DKIM))
	named := map[string]bool{}
	for i, k := range e.DKIM {
		signer, err := k.open(outfit, from)
		if err != nil {
			return nil, fmt.Errorf("dkim[%d]: %w", i, err)
		}
		name, _ := signer.Record()
		if named[name] {
			return nil, fmt.Errorf("dkim[%d]: selector: %s is there twice", i, name)
		}
		named[name] = true
		signers = append(signers, signer)
	}
	return signers, nil
}

func (k EmailKey) open(outfit engine.Outfit, from string) (mail.Signer, error) {
	from = strings.ToLower(from)
	domain := strings.ToLower(k.Domain)
	if domain == "" {
		domain = from
	}
	if from != domain && !strings.HasSuffix(from, "."+domain) || !strings.Contains(domain, ".") {
		return mail.Signer{}, fmt.Errorf("domain: %s is neither the sender's domain %s nor above it, so the signature "+
			"would not count for it (DMARC)", domain, from)
	}
	if k.Key.IsZero() {
		return mail.Signer{}, errors.New("key: names neither env nor file")
	}
	text, err := k.Key.In(outfit.Folder).Reveal()
	if err != nil {
		return mail.Signer{}, fmt.Errorf("key: %w", err)
	}
	return mail.NewSigner(domain, k.Selector, text)
}
