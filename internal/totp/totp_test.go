package totp_test

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"postern/internal/totp"

	"pgregory.net/rapid"
)

// The table of RFC 6238, appendix B, for SHA-1; ours are its last six digits.
func TestRFC6238(t *testing.T) {
	secret := []byte("12345678901234567890")
	for seconds, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037",
		20000000000: "65353130",
	} {
		if got := totp.Code(secret, totp.Step(time.Unix(seconds, 0))); got != want[2:] {
			t.Errorf("at %d: %s, want %s", seconds, got, want[2:])
		}
	}
}

func TestT41OnlyLaterStepsWithinOne(t *testing.T) {
	secret := []byte("12345678901234567890")
	now := time.Date(2026, 11, 26, 9, 0, 10, 0, time.UTC)
	step := totp.Step(now)
	for name, test := range map[string]struct {
		of, last int64
		now      time.Time
		ok       bool
	}{
		"now":                           {step, 0, now, true},
		"one before":                    {step - 1, 0, now, true},
		"one after":                     {step + 1, 0, now, true},
		"two before":                    {step - 2, 0, now, false},
		"two after":                     {step + 2, 0, now, false},
		"used":                          {step, step, now, false},
		"the one before after a later":  {step - 1, step, now, false},
		"the next after one":            {step + 1, step, now, true},
		"the clock went back a minute":  {step, step, now.Add(-time.Minute), false},
		"and the step of then":          {step - 2, step, now.Add(-time.Minute), false},
		"and the first one after it":    {step + 1, step, now.Add(-time.Minute), false},
		"until the clock has caught up": {step + 1, step, now.Add(30 * time.Second), true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := totp.Match(secret, totp.Code(secret, test.of), test.last, test.now)
			if ok != test.ok || ok && got != test.of {
				t.Errorf("step %d, %v; want %v", got-step, ok, test.ok)
			}
		})
	}
}

// Whatever is typed and whatever the clock does: what is accepted is a code of a step within one of the clock's, and no
// step is accepted twice or after a later one.
func TestT41Model(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "secret")
		now := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "start"), 0)
		last := int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "answers") {
			now = now.Add(time.Duration(rapid.IntRange(-90, 90).Draw(t, "seconds")) * time.Second)
			of := totp.Step(now) + rapid.Int64Range(-3, 3).Draw(t, "step")
			code := totp.Code(secret, of)
			step, ok := totp.Match(secret, code, last, now)
			near := of >= totp.Step(now)-1 && of <= totp.Step(now)+1
			switch {
			case ok && (step <= last || step < totp.Step(now)-1 || step > totp.Step(now)+1):
				t.Fatalf("accepted step %d after %d at %d", step, last, totp.Step(now))
			case ok && totp.Code(secret, step) != code:
				t.Fatal("accepted a code as that of a step that has another")
			case !ok && near && of > last:
				t.Fatalf("refused step %d after %d at %d", of, last, totp.Step(now))
			case ok:
				last = step
			}
		}
	})
}

func TestSecretsAndAddresses(t *testing.T) {
	secret, err := totp.NewSecret(bytes.NewReader([]byte("12345678901234567890 more")))
	if err != nil || string(secret) != "12345678901234567890" {
		t.Fatalf("secret %q, %v", secret, err)
	}
	if _, err := totp.NewSecret(iotest.ErrReader(errors.New("dry"))); err == nil {
		t.Error("a secret without randomness")
	}
	if got, want := totp.Typed(secret), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"; got != want {
		t.Errorf("typed %q, want %q", got, want)
	}
	address, err := url.Parse(totp.Address(secret, "Acme: Widgets & Co", "zoe@acme.example"))
	if err != nil {
		t.Fatal(err)
	}
	if address.Scheme != "otpauth" || address.Host != "totp" || address.Path != "/Acme  Widgets & Co:zoe@acme.example" {
		t.Errorf("address %s", address)
	}
	query := address.Query()
	if query.Get("issuer") != "Acme  Widgets & Co" || query.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" ||
		strings.Contains(address.RawQuery, "+") {
		t.Errorf("query %s", address.RawQuery)
	}
}

func TestNothingMatchesWhatIsNoCode(t *testing.T) {
	for _, code := range []string{"", "1", "12345678", "abcdef", strings.Repeat("0", 1000)} {
		if _, ok := totp.Match([]byte("12345678901234567890"), code, 0, time.Unix(59, 0)); ok {
			t.Errorf("%q is accepted", code)
		}
	}
}
