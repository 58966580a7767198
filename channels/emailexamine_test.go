package channels

import (
	"context"
	"net"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/mail"
	"postern/internal/mail/mailtest"
)

// zone is a DNS: what a name has, and "down" for one that does not answer.
type zone struct {
	txt   map[string][]string
	mx    map[string]string
	ips   map[string]string
	names map[string]string
}

func answered[T any](name string, found map[string]T) (T, error) {
	answer, ok := found[strings.TrimSuffix(name, ".")]
	if !ok {
		return answer, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return answer, nil
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	texts, err := answered(name, z.txt)
	if len(texts) == 1 && texts[0] == "down" {
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	return texts, err
}

func (z zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	host, err := answered(name, z.mx)
	if err != nil {
		return nil, err
	}
	return []*net.MX{{Host: host + ".", Pref: 10}}, nil
}

func (z zone) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	ip, err := answered(host, z.ips)
	if err != nil {
		return nil, err
	}
	return []net.IPAddr{{IP: net.ParseIP(ip)}}, nil
}

func (z zone) LookupAddr(_ context.Context, addr string) ([]string, error) {
	name, err := answered(addr, z.names)
	if err != nil {
		return nil, err
	}
	return []string{name + "."}, nil
}

// goodZone has all that a channel with a key and bounces needs.
func goodZone(t *testing.T, key engine.Secret) zone {
	t.Helper()
	text, err := key.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := mail.NewSigner("acme.example", "a", text)
	if err != nil {
		t.Fatal(err)
	}
	name, record := signer.Record()
	return zone{
		txt: map[string][]string{
			"bounces.acme.example": {"some=other", "v=spf1 include:relay.example -all"},
			name:                   {record}, "_dmarc.acme.example": {"v=DMARC1; p=quarantine"},
		},
		mx:    map[string]string{"bounces.acme.example": "mx.acme.example"},
		ips:   map[string]string{"localhost": "192.0.2.7", "mx7.relay.example": "192.0.2.7"},
		names: map[string]string{"192.0.2.7": "mx7.relay.example"},
	}
}

func TestEmailExamines(t *testing.T) {
	server := (&mailtest.Server{TLS: "starttls", Users: map[string]string{"postern": "hunter2!"}}).Start(t)
	key := dkimKey(t, "ed25519")
	for name, test := range map[string]struct {
		zone    func(z zone)
		channel func(e *Email)
		want    map[string]string // by what was looked at; - in front of what is not good
	}{
		"all is well": {want: map[string]string{
			"localhost": "TLS 1.3, certificate good until ", "SPF": "bounces.acme.example: v=spf1 include",
			"DKIM a": "a._domainkey.acme.example has our key", "DMARC": "acme.example wants: quarantine",
			"bounces": "bounces.acme.example is served by mx.acme.example", "PTR": "192.0.2.7 is mx7.relay.example, and back",
		}},
		"nothing is there": {
			zone: func(z zone) { clear(z.txt); clear(z.mx); clear(z.names) },
			want: map[string]string{
				"SPF": "-nothing says who may send for bounces.acme.example", "DKIM a": "-a signature does not hold: no key",
				"DMARC": "-there is no DMARC record for acme.example", "bounces": "-bounces.acme.example has no MX record",
				"PTR": "-192.0.2.7 has no name that leads back to it",
			},
		},
		"nothing is configured": {
			zone:    func(z zone) { z.txt["acme.example"] = []string{"v=spf1 +all"} },
			channel: func(e *Email) { e.DKIM, e.Bounces = nil, nil },
			want:    map[string]string{"SPF": "-acme.example lets everybody send", "DKIM": "-mails are not signed here"},
		},
		"two of a kind": {
			zone: func(z zone) {
				z.txt["bounces.acme.example"] = []string{"v=spf1 -all", "v=spf1 mx -all"}
				z.txt["a._domainkey.acme.example"] = append(z.txt["a._domainkey.acme.example"], "v=DKIM1; p=")
			},
			want: map[string]string{
				"SPF": "-bounces.acme.example has 2 records, which count as none", "DKIM a": "-a signature does not hold: multiple",
			},
		},
		"another's key": {
			zone: func(z zone) {
				z.txt["a._domainkey.acme.example"] = []string{"v=DKIM1; k=ed25519; p=" + strings.Repeat("A", 43) + "="}
			},
			want: map[string]string{"DKIM a": "-a signature does not hold: "},
		},
		"strictly another domain": {
			zone:    func(z zone) { z.txt["_dmarc.acme.example"] = []string{"v=DMARC1; p=reject; sp=none; adkim=s"} },
			channel: func(e *Email) { e.From, e.DKIM[0].Domain = "a@mail.acme.example", "acme.example" },
			want:    map[string]string{"DMARC": "-acme.example wants: none, strictly (adkim=s), and no key signs for mail"},
		},
		"a broken policy": {
			zone: func(z zone) { z.txt["_dmarc.acme.example"] = []string{"v=DMARC1; p=maybe"} },
			want: map[string]string{"DMARC": "-_dmarc of acme.example: invalid policy"},
		},
		"the DNS is down": {
			zone: func(z zone) {
				for name := range z.txt {
					z.txt[name] = []string{"down"}
				}
			},
			want: map[string]string{
				"SPF": "-the DNS does not answer: ", "DKIM a": "-a signature does not hold: key unavailable",
				"DMARC": "-_dmarc of acme.example: TXT record unavailable",
			},
		},
		"a server inside": {
			zone: func(z zone) { z.ips["localhost"] = "10.1.2.3" },
			want: map[string]string{"PTR": "localhost is inside: "},
		},
		"the password is wrong": {
			channel: func(e *Email) { e.User = "somebody" },
			want:    map[string]string{"localhost": "-AUTH: 535"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			z := goodZone(t, key)
			if test.zone != nil {
				test.zone(z)
			}
			e := openedIn(t, earOfEmail(new(ear)), server.Port, server.Authority.CertFile, signing(key), comingBack,
				func(e *Email) { e.Host = "localhost" },
				func(e *Email) {
					if test.channel != nil {
						test.channel(e)
					}
				})
			defer e.Close()
			found := map[string]engine.Finding{}
			for _, f := range e.Examine(t.Context(), engine.ExamineTools{Resolver: z}) {
				what, _, _ := strings.Cut(f.What, ":")
				found[what] = f
				if f.Look && f.What != "DKIM" && f.Text != "nothing says who may send for bounces.acme.example" &&
					!strings.HasPrefix(f.Text, mail.ErrNoPolicy.Error()) || f.What == "DKIM" && !f.Look {
					t.Errorf("to look at: %+v", f)
				}
				if f.Good == (f.Hint != "") || strings.Contains(f.Text, "hunter2") {
					t.Errorf("%+v", f)
				}
			}
			for what, want := range test.want {
				text, bad := strings.CutPrefix(want, "-")
				if got := found[what]; got.Good == bad || !strings.HasPrefix(got.Text, text) {
					t.Errorf("%s: %+v, want %s", what, got, want)
				}
			}
		})
	}
	if n := len(server.Mails()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}
