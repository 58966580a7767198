package mail

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"postern/internal/mail/mailtest"
	"postern/internal/peer"
)

// signers are one of each kind, made once: an RSA key takes its time.
var signers = func() []Signer {
	var made []Signer
	for selector, kind := range map[string]string{"r2026": "rsa", "e2026": "ed25519"} {
		key, err := NewKey(kind)
		if err != nil {
			panic(err)
		}
		s, err := NewSigner("acme.example", selector, string(key))
		if err != nil {
			panic(err)
		}
		made = append(made, s)
	}
	slices.SortFunc(made, func(a, b Signer) int { return strings.Compare(b.Selector, a.Selector) })
	return made
}()

// signedLetter has everything a signature may cover, and blanks where they are folded away.
func signedLetter(t testing.TB, by ...Signer) Letter {
	t.Helper()
	m := message()
	m.Content.Subject = strings.Repeat("Ihr Ticket wurde gelöst ", 8)
	m.Content.Text = "two  blanks\t tab \n\n.dot\n" + strings.Repeat("ü ", 200) + "\n\n\n"
	m.Content.Unsubscribe = "https://go.acme.example/u/" + strings.Repeat("a", 200)
	head := letterhead
	head.Signers = by
	l, err := head.Write(m)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// records is the DNS of the signers.
func records(by []Signer) map[string]string {
	zone := map[string]string{}
	for _, s := range by {
		name, text := s.Record()
		zone[name] = text
	}
	return zone
}

// verified is what go-msgauth finds of each signature: "" for a good one.
func verified(t *testing.T, raw []byte) []string {
	t.Helper()
	zone := records(signers)
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) { return []string{zone[name]}, nil },
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	var results []string
	for _, f := range found {
		result := ""
		if f.Err != nil {
			result = f.Err.Error()
		}
		results = append(results, result)
	}
	return results
}

func TestSignaturesAreGood(t *testing.T) {
	for name, by := range map[string][]Signer{"rsa": signers[:1], "ed25519": signers[1:], "both": signers} {
		t.Run(name, func(t *testing.T) {
			l := signedLetter(t, by...)
			want := make([]string, len(by))
			if got := verified(t, l.Raw); !slices.Equal(got, want) {
				t.Errorf("go-msgauth says %q\n%s", got, l.Raw)
			}
			for line := range strings.Lines(string(l.Raw)) {
				if len(line) > 300 {
					t.Errorf("line of %d characters: %s", len(line), line)
				}
			}
			if !bytes.Equal(l.Raw, signedLetter(t, by...).Raw) {
				t.Error("the same message was signed in two ways")
			}
			if !strings.Contains(string(l.Raw), fmt.Sprintf("; t=%d;", message().Created.Unix())) {
				t.Errorf("the time is not that of the delivery\n%s", l.Raw)
			}
		})
	}
}

func TestSignaturesCoverWhatMatters(t *testing.T) {
	raw := string(signedLetter(t, signers...).Raw)
	for _, field := range []string{
		"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post",
		"MIME-Version", "Content-Type",
	} {
		changed := strings.Replace(raw, "\r\n"+field+":", "\r\n"+field+": x", 1)
		if changed == raw {
			t.Fatalf("no field %s in\n%s", field, raw)
		}
		if got := verified(t, []byte(changed)); slices.Contains(got, "") {
			t.Errorf("%s was changed, and a signature is good: %q", field, got)
		}
	}
	for _, field := range []string{"From", "To", "Subject", "Date", "Reply-To", "Content-Type"} {
		changed := field + ": text/plain\r\n" + raw
		if got := verified(t, []byte(changed)); slices.Contains(got, "") {
			t.Errorf("a second %s was put in front, and a signature is good: %q", field, got)
		}
	}
	for name, changed := range map[string]string{
		"a second From":    strings.Replace(raw, "\r\nTo: ", "\r\nFrom: evil@victim.example\r\nTo: ", 1),
		"a second Subject": strings.Replace(raw, "\r\nTo: ", "\r\nSubject: evil\r\nTo: ", 1),
		"another body":     strings.Replace(raw, ".dot", ".dots", 1),
	} {
		if got := verified(t, []byte(changed)); changed == raw || slices.Contains(got, "") {
			t.Errorf("%s, and a signature is good: %q", name, got)
		}
	}
	blanks := strings.Replace(raw, "Auto-Submitted: ", "AUTO-submitted:\t  ", 1) + "\r\n\r\n"
	if got := verified(t, []byte(blanks)); !slices.Equal(got, []string{"", ""}) {
		t.Errorf("blanks as relays change them broke a signature: %q", got)
	}
}

// secondOpinion asks dkimpy for each signature of the letter on its input.
const secondOpinion = `
import dkim, json, sys
zone = json.loads(sys.argv[1])
letter = dkim.DKIM(sys.stdin.buffer.read())
for n in range(int(sys.argv[2])):
    answer = lambda name, timeout=5: zone.get(name.decode().rstrip("."), "").encode()
    print(letter.verify(idx=n, dnsfunc=answer), letter.signature_fields[b"a"].decode())
`

func TestSignaturesAreGoodByASecondOpinion(t *testing.T) {
	python := peer.PythonDKIM(t)
	zone, err := json.Marshal(records(signers))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(raw []byte) string {
		command := exec.CommandContext(t.Context(), python, "-c", secondOpinion, string(zone), "2")
		command.Stdin = bytes.NewReader(raw)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	raw := signedLetter(t, signers...).Raw
	if got, want := ask(raw), "True rsa-sha256\nTrue ed25519-sha256\n"; got != want {
		t.Errorf("dkimpy says\n%s\nwant\n%s\n%s", got, want, raw)
	}
	changed := bytes.Replace(raw, []byte("One-Click"), []byte("Two-Click"), 1)
	if got, want := ask(changed), "False rsa-sha256\nFalse ed25519-sha256\n"; got != want {
		t.Errorf("of a changed letter dkimpy says\n%s\nwant\n%s", got, want)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	short := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(small)})
	curve := mailtest.NewAuthority(t).KeyPEM
	good, err := NewKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ selector, key, want string }{
		"no selector":     {"", string(good), "selector: "},
		"a blank in it":   {"a b", string(good), "selector: "},
		"no PEM":          {"s", "hunter2!", "key: is not in PEM"},
		"something else":  {"s", "-----BEGIN X-----\naHVudGVyMg==\n-----END X-----\n", "key: is no private key"},
		"too short":       {"s", string(short), "key: an RSA key of 1024 bits is too short, it needs 2048"},
		"on another kind": {"s", string(curve), "key: is neither of RSA nor of Ed25519"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewSigner("acme.example", test.selector, test.key)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
	if _, err := NewKey("dsa"); err == nil {
		t.Error("made a key of an unknown kind")
	}
}

func BenchmarkSign(b *testing.B) {
	raw := letter(b).Raw
	for _, s := range signers {
		b.Run(s.algorithm, func(b *testing.B) {
			for b.Loop() {
				if _, err := signed(raw, []Signer{s}, message().Created); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
