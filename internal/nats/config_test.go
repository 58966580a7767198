package nats

import (
	"strings"
	"testing"

	"postern/engine"
)

func TestValidate(t *testing.T) {
	token := engine.Secret{Env: "TOKEN"}
	for name, test := range map[string]struct {
		config Config
		want   string // "" when nothing is wrong
	}{
		"defaults":                {Defaults(), ""},
		"no listener":             {Config{Listen: "off"}, ""},
		"any port":                {Config{Listen: "localhost:0"}, ""},
		"any port, as NATS says":  {Config{Listen: "127.0.0.1:-1"}, ""},
		"IPv6 loopback":           {Config{Listen: "[::1]:4222"}, ""},
		"open with a token":       {Config{Listen: "0.0.0.0:4222", Token: token}, ""},
		"open without":            {Config{Listen: "0.0.0.0:4222"}, "give a token"},
		"open by leaving it out":  {Config{Listen: ":4222"}, "give a token"},
		"open by a name":          {Config{Listen: "crm.example:4222"}, "give a token"},
		"no port":                 {Config{Listen: "127.0.0.1"}, "host:port"},
		"no number":               {Config{Listen: "127.0.0.1:nats"}, "the port is a number"},
		"beyond the ports":        {Config{Listen: "127.0.0.1:70000"}, "the port is a number"},
		"too small":               {Config{MaxBytes: 1000}, "max_bytes is 1000"},
		"negative":                {Config{MaxBytes: -1}, "max_bytes is -1"},
		"replicas embedded":       {Config{Replicas: 3}, "one machine"},
		"creds embedded":          {Config{Creds: "a.creds"}, "no url"},
		"remote":                  {Config{URL: "tls://a.example:4222, tls://b.example", Replicas: 3, Creds: "c"}, ""},
		"remote ignores listen":   {Config{URL: "nats://a.example", Listen: "0.0.0.0:4222"}, ""},
		"too many replicas":       {Config{URL: "nats://a.example", Replicas: 6}, "1 to 5"},
		"another scheme":          {Config{URL: "http://a.example"}, `"http"`},
		"no scheme":               {Config{URL: "a.example:4222"}, "nats://host:4222"},
		"no host":                 {Config{URL: "nats://"}, "no host"},
		"password in the address": {Config{URL: "nats://me:s3cret@a.example"}, "creds or token"},
		"unreadable":              {Config{URL: "nats://me:s3cret@a.example:x%zz"}, "cannot be read"},
		"two proofs":              {Config{URL: "nats://a.example", Creds: "c", Token: token}, "one of them"},
		"token in the open":       {Config{URL: "tls://a.example,nats://b.example", Token: token}, "b.example: write it as tls"},
		"creds in the open":       {Config{URL: "ws://a.example", Creds: "c"}, "wss://"},
		"token on this machine":   {Config{URL: "nats://127.0.0.1:4222", Token: token}, ""},
		"token to our listener":   {Config{URL: "nats://0.0.0.0:4222", Token: token}, ""},
		"token to an address":     {Config{URL: "nats://192.0.2.1:4222", Token: token}, "192.0.2.1: write it as tls"},
		"token behind TLS":        {Config{URL: "wss://a.example", Token: token}, ""},
		"token behind our own CA": {Config{URL: "nats://a.example", Token: token, CA: "ca.pem"}, ""},
		"cert without key":        {Config{URL: "nats://a.example", Cert: "c"}, "belong together"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.config.Validate()
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want a sentence with %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), "s3cret"):
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

func TestAllComplaintsAtOnce(t *testing.T) {
	err := Config{Listen: "0.0.0.0:4222", MaxBytes: 1, Creds: "c"}.Validate()
	for _, word := range []string{"listen", "max_bytes", "creds"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v says nothing about %s", err, word)
		}
	}
}
