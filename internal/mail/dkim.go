package mail

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Signer signs letters for a domain, so that whoever receives one can look the key up in the DNS and see that it was
// not changed on its way (DKIM, RFC 6376): by RSA (RFC 8301) or Ed25519 (RFC 8463), relaxed in header and body. The
// same letter gets the same signature each time.
type Signer struct {
	Domain, Selector string

	key       crypto.Signer
	algorithm string
}

// leastRSA is the shortest RSA key that is taken, in bits (RFC 8301, section 3.2).
const leastRSA = 2048

// signedFields are the fields a signature covers, where a letter has them.
var signedFields = []string{
	"From", "Reply-To", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
	"List-Unsubscribe", "List-Unsubscribe-Post", "Content-Language", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding",
}

// oversigned are covered once more than they are there: nobody who got a letter can add a second one, or a first one
// where we write none, which a mail program might go by in place of ours (RFC 6376, section 8.15).
var oversigned = []string{"From", "To", "Subject", "Date", "Reply-To", "Content-Type"}

var selectorName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$`)

// NewSigner takes a private key in PEM: PKCS#8, or PKCS#1 for RSA.
func NewSigner(domain, selector, key string) (Signer, error) {
	if !selectorName.MatchString(selector) {
		return Signer{}, fmt.Errorf("selector: %q is no part of a domain name", selector)
	}
	parsed, err := parseKey(key)
	if err != nil {
		return Signer{}, fmt.Errorf("key: %w", err)
	}
	s := Signer{Domain: strings.ToLower(domain), Selector: selector, key: parsed, algorithm: "ed25519-sha256"}
	if private, ok := parsed.(*rsa.PrivateKey); ok {
		s.algorithm = "rsa-sha256"
		if bits := private.N.BitLen(); bits < leastRSA {
			return Signer{}, fmt.Errorf("key: an RSA key of %d bits is too short, it needs %d", bits, leastRSA)
		}
	}
	return s, nil
}

func parseKey(text string) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New(`is not in PEM: it begins with "-----BEGIN PRIVATE KEY-----"`)
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("is no private key in PKCS#8 or PKCS#1")
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errors.New("is neither of RSA nor of Ed25519")
}

// NewKey makes a private key for a [Signer], in PEM: of kind rsa, which every recipient knows, or ed25519.
func NewKey(kind string) ([]byte, error) {
	var key any
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, leastRSA)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("%q is neither rsa nor ed25519", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Record is the TXT record by which recipients find the public key: its name and its text.
func (s Signer) Record() (name, text string) {
	name = s.Selector + "._domainkey." + s.Domain
	if public, ok := s.key.Public().(ed25519.PublicKey); ok {
		return name, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	}
	der, _ := x509.MarshalPKIXPublicKey(s.key.Public()) // which works for every RSA key
	return name, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

// signed puts the signature of each signer in front of a letter. at stands in it as its time.
func signed(raw []byte, signers []Signer, at time.Time) ([]byte, error) {
	if len(signers) == 0 {
		return raw, nil
	}
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	covered := coverageOf(string(head))
	sum := sha256.Sum256(relaxedBody(body))
	var out bytes.Buffer
	for _, s := range signers {
		if err := s.sign(&out, covered, sum[:], at); err != nil {
			return nil, fmt.Errorf("sign for %s: %w", s.Domain, err)
		}
	}
	out.Write(raw)
	return out.Bytes(), nil
}

// coverage is what a signature covers of a header.
type coverage struct {
	names string // as h= lists them
	text  string // the fields in that order, relaxed, each with its line end
}

func coverageOf(head string) coverage {
	fields := map[string]string{}
	for field := range strings.SplitSeq(unfolded(head), "\r\n") {
		name, _, _ := strings.Cut(field, ":")
		fields[strings.ToLower(name)] = relaxed(field) + "\r\n"
	}
	var names, text []string
	for _, name := range signedFields {
		if field := fields[strings.ToLower(name)]; field != "" {
			names, text = append(names, name), append(text, field)
		}
	}
	return coverage{joined(append(names, oversigned...), ":"), strings.Join(text, "")}
}

// sign writes the field of a signature. It is signed as well, with its last value still missing.
func (s Signer) sign(out *bytes.Buffer, covered coverage, body []byte, at time.Time) error {
	field := fmt.Sprintf("DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n"+
		" d=%s; s=%s; t=%d;\r\n h=%s;\r\n bh=%s;\r\n b=",
		s.algorithm, s.Domain, s.Selector, at.Unix(), covered.names, base64.StdEncoding.EncodeToString(body))
	sum := sha256.Sum256([]byte(covered.text + relaxed(unfolded(field))))
	var how crypto.SignerOpts = crypto.SHA256
	if s.algorithm == "ed25519-sha256" {
		how = crypto.Hash(0) // it signs the hash as a message (RFC 8463, section 3)
	}
	// Both kinds of signature are the same each time: what is random only hides how long the work takes.
	signature, err := s.key.Sign(rand.Reader, sum[:], how)
	if err != nil {
		return err
	}
	chunks := slices.Collect(slices.Chunk([]byte(base64.StdEncoding.EncodeToString(signature)), 72))
	_, err = io.WriteString(out, field+string(bytes.Join(chunks, []byte("\r\n ")))+"\r\n")
	return err
}

// joined puts words over as many lines as they need.
func joined(words []string, by string) string {
	var out strings.Builder
	line := 0
	for i, word := range words {
		if i > 0 {
			out.WriteString(by)
		}
		if line += len(word) + len(by); line > 70 {
			out.WriteString("\r\n ")
			line = len(word)
		}
		out.WriteString(word)
	}
	return out.String()
}

// unfolded makes each field one line.
func unfolded(head string) string {
	return strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(head)
}

// relaxed is an unfolded field in the form that is signed (RFC 6376, section 3.4.2).
func relaxed(field string) string {
	name, value, _ := strings.Cut(field, ":")
	blank := func(r rune) bool { return r == ' ' || r == '\t' }
	return strings.ToLower(strings.TrimFunc(name, blank)) + ":" + strings.Join(strings.FieldsFunc(value, blank), " ")
}

// relaxedBody is a body in the form that is signed (RFC 6376, section 3.4.4): blanks are one space, none at the end of
// a line, and no empty lines at the end.
func relaxedBody(body []byte) []byte {
	out := make([]byte, 0, len(body)+2)
	full := 0 // where the last line that is not empty ends
	for line := range bytes.Lines(body) {
		line = bytes.TrimRight(bytes.TrimSuffix(line, []byte("\r\n")), " \t")
		blank := false
		for _, c := range line {
			if c == '\t' {
				c = ' '
			}
			if c != ' ' || !blank {
				out = append(out, c)
			}
			blank = c == ' '
		}
		out = append(out, "\r\n"...)
		if len(line) > 0 {
			full = len(out)
		}
	}
	return out[:full]
}
