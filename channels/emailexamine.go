package channels

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/mail"
)

var _ engine.Examined = (*Email)(nil)

// lookupTime is for one question to the DNS.
const lookupTime = 5 * time.Second

// Examine logs in to the mail server, and asks the DNS for what recipients will ask it: who may send for the domain,
// whether the keys are there, and where bounces go.
func (e *Email) Examine(ctx context.Context, tools engine.ExamineTools) []engine.Finding {
	inside := net.ParseIP(e.Host)
	dns := emailDNS{tools.Resolver, e.Host == "localhost" || inside != nil && inside.IsLoopback()}
	from := mail.Domain(e.letterhead.From.Address)
	envelope := from
	if e.Bounces != nil {
		envelope = e.Bounces.Domain
	}
	findings := []engine.Finding{e.examineServer(ctx), dns.spf(ctx, envelope)}
	for _, signer := range e.letterhead.Signers {
		findings = append(findings, dns.key(ctx, signer, e.outfit.Clock.Now()))
	}
	if len(e.letterhead.Signers) == 0 {
		findings = append(findings, engine.Finding{
			What: "DKIM", Look: true, Text: "mails are not signed here; many providers sign them",
			Hint: "make a key with postern keys dkim and name it under dkim, or have your provider sign for " + from,
		})
	}
	findings = append(findings, dns.dmarc(ctx, from, e.letterhead.Signers))
	if e.Bounces != nil {
		findings = append(findings, dns.mx(ctx, e.Bounces.Domain))
	}
	if inside == nil || !inside.IsLoopback() && !inside.IsPrivate() {
		findings = append(findings, dns.ptr(ctx, e.Host))
	}
	return findings
}

func (e *Email) examineServer(ctx context.Context) engine.Finding {
	f := engine.Finding{What: fmt.Sprintf("%s:%d", e.Host, e.Port)}
	text, err := e.pool.Probe(ctx)
	if err != nil {
		f.Text = err.Error()
		f.Hint = "look at host, port, tls, user and password of the channel, and whether this machine may connect there"
		return f
	}
	f.Good, f.Text = true, text
	return f
}

// emailDNS asks the DNS about mail.
type emailDNS struct {
	resolver engine.Resolver
	local    bool // mails go to a server of this machine: who takes them on from there is not known here
}

// txt is the texts of a name; none is no error.
func (d emailDNS) txt(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	return d.resolver.LookupTXT(ctx, name)
}

func absent(err error) bool {
	missing, ok := errors.AsType[*net.DNSError](err)
	return ok && missing.IsNotFound
}

// unasked is a finding of what could not be looked up.
func unasked(what string, err error) engine.Finding {
	return engine.Finding{What: what, Text: "the DNS does not answer: " + err.Error(), Hint: "try again later"}
}

// spf looks who may send for the domain that mails leave from (RFC 7208).
func (d emailDNS) spf(ctx context.Context, domain string) engine.Finding {
	f := engine.Finding{What: "SPF", Hint: "add the TXT record of your mail provider to " + domain +
		", such as v=spf1 include:provider.example -all"}
	texts, err := d.txt(ctx, domain)
	if err != nil && !absent(err) {
		return unasked("SPF", err)
	}
	var records []string
	for _, text := range texts {
		if text == "v=spf1" || strings.HasPrefix(text, "v=spf1 ") {
			records = append(records, text)
		}
	}
	switch {
	case len(records) == 0:
		f.Look, f.Text = d.local, "nothing says who may send for "+domain
	case len(records) > 1:
		f.Text = fmt.Sprintf("%s has %d records, which count as none", domain, len(records))
		f.Hint = "put them into one"
	case strings.Contains(records[0]+" ", " +all ") || strings.Contains(records[0]+" ", " all "):
		f.Text, f.Hint = domain+" lets everybody send", "end the record with -all or ~all"
	default:
		return engine.Finding{What: "SPF", Good: true, Text: domain + ": " + records[0]}
	}
	return f
}

// key looks whether the DNS has the public half of a key.
func (d emailDNS) key(ctx context.Context, signer mail.Signer, now time.Time) engine.Finding {
	name, record := signer.Record()
	f := engine.Finding{What: "DKIM " + signer.Selector}
	if err := signer.Published(ctx, d.txt, now); err != nil {
		f.Text = "a signature does not hold: " + err.Error()
		f.Hint = fmt.Sprintf("publish as TXT of %s: %s", name, record)
		return f
	}
	f.Good, f.Text = true, name+" has our key"
	return f
}

// dmarc looks what recipients are to do with mails that prove nothing, and whether ours prove enough.
func (d emailDNS) dmarc(ctx context.Context, from string, signers []mail.Signer) engine.Finding {
	f := engine.Finding{What: "DMARC"}
	policy, err := mail.PolicyOf(ctx, from, d.txt)
	switch {
	case errors.Is(err, mail.ErrNoPolicy):
		f.Look, f.Text = d.local, err.Error()+" for "+from
		f.Hint = fmt.Sprintf("publish as TXT of _dmarc.%s: v=DMARC1; p=none; rua=mailto:dmarc@%[1]s", from)
		return f
	case err != nil:
		f.Text, f.Hint = "_dmarc of "+from+": "+err.Error(), "mend the record"
		return f
	}
	f.Good, f.Text = true, fmt.Sprintf("%s wants: %s", policy.Domain, policy.Want)
	if !policy.Strict || len(signers) == 0 {
		return f
	}
	for _, signer := range signers {
		if strings.EqualFold(signer.Domain, from) {
			return f
		}
	}
	f.Good, f.Text = false, f.Text+", strictly (adkim=s), and no key signs for "+from
	f.Hint = "add a key whose domain is " + from + ", or take adkim=s out of the record"
	return f
}

// mx looks where bounces go.
func (d emailDNS) mx(ctx context.Context, domain string) engine.Finding {
	f := engine.Finding{What: "bounces"}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	hosts, err := d.resolver.LookupMX(ctx, domain)
	switch {
	case err != nil && !absent(err):
		return unasked("bounces", err)
	case len(hosts) == 0:
		f.Text = domain + " has no MX record, so no bounce finds its way"
		f.Hint = "point the MX record of " + domain + " to this machine, or to a server that passes its mail on here"
		return f
	}
	f.Good, f.Text = true, domain+" is served by "+strings.TrimSuffix(hosts[0].Host, ".")
	return f
}

// ptr looks whether the server's address has a name that leads back to it, which recipients want of who sends.
func (d emailDNS) ptr(ctx context.Context, host string) engine.Finding {
	f := engine.Finding{What: "PTR"}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	addresses, err := d.resolver.LookupIPAddr(ctx, host)
	if err != nil || len(addresses) == 0 {
		f.Text, f.Hint = host+" has no address", "look at host of the channel"
		return f
	}
	ip := addresses[0].IP
	if ip.IsLoopback() || ip.IsPrivate() {
		f.Good, f.Text = true, host+" is inside: by which address mails leave is not known here"
		return f
	}
	names, err := d.resolver.LookupAddr(ctx, ip.String())
	if err != nil && !absent(err) {
		return unasked("PTR", err)
	}
	for _, name := range names {
		back, _ := d.resolver.LookupIPAddr(ctx, name)
		for _, address := range back {
			if address.IP.Equal(ip) {
				f.Good, f.Text = true, fmt.Sprintf("%s is %s, and back", ip, strings.TrimSuffix(name, "."))
				return f
			}
		}
	}
	f.Text = fmt.Sprintf("%s has no name that leads back to it", ip)
	f.Hint = "if mails leave by this address, have its owner give it such a name"
	return f
}
