package links_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"postern/internal/pages"
	"postern/links"
)

// statement is what Postern says of a visitor.
type statement struct {
	Issuer   string         `json:"iss"`
	Audience string         `json:"aud"`
	Subject  string         `json:"sub"`
	Landing  string         `json:"landing"`
	ID       string         `json:"jti"`
	Expires  int64          `json:"exp"`
	Fields   map[string]any `json:"fields"`
}

var errNotLetIn = errors.New("the statement does not hold")

// letIn checks a statement. seen tells whether an id came before, and remembers it for some minutes.
func letIn(token string, secret []byte, now time.Time, seen func(id string) bool) (statement, error) {
	var head struct {
		Algorithm string `json:"alg"`
	}
	var s statement
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return s, errNotLetIn
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac.Sum(nil), signature) {
		return s, errNotLetIn
	}
	for i, into := range []any{&head, &s} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return s, errNotLetIn
		}
	}
	switch {
	case head.Algorithm != "HS256", // never what the token itself would like
		s.Issuer != "https://go.acme.example",
		s.Audience != "https://shop.acme.example",
		s.Landing != "shop",
		now.Unix() >= s.Expires,
		seen(s.ID): // each statement lets in once
		return s, errNotLetIn
	}
	return s, nil
}

// The code of the guide is the code above, and it lets in whom the door hands over, once and for two minutes.
func TestGuideToHandingOver(t *testing.T) {
	own, err := os.ReadFile("handover_guide_test.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/guide/handover.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(page), "```go\n")
	code, _, _ = strings.Cut(code, "```")
	if code == "" || !strings.Contains(string(own), code) {
		t.Error("the guide shows other code than is tested here")
	}
	base, err := pages.ParseBase("https://go.acme.example")
	if err != nil {
		t.Fatal(err)
	}
	h := handingOver(t, func(c *links.DoorConfig) { c.Base = base })
	token := h.handOver()
	once := map[string]bool{}
	seen := func(id string) bool { was := once[id]; once[id] = true; return was }
	never := func(string) bool { return false }
	got, err := letIn(token, []byte(signer), h.clock.Now(), seen)
	if err != nil || got.Subject != "HelpDesk/17x42" || got.Fields["ticket_no"] != "TT42" {
		t.Errorf("let in %+v, %v", got, err)
	}
	body, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	other := strings.Replace(string(body), "17x42", "17x43", 1)
	for name, try := range map[string]func() error{
		"a second time": func() error { _, err := letIn(token, []byte(signer), h.clock.Now(), seen); return err },
		"too late": func() error {
			_, err := letIn(token, []byte(signer), h.clock.Now().Add(2*time.Minute), never)
			return err
		},
		"another secret": func() error { _, err := letIn(token, []byte("x"), h.clock.Now(), never); return err },
		"another record": func() error {
			parts := strings.Split(token, ".")
			parts[1] = base64.RawURLEncoding.EncodeToString([]byte(other))
			_, err := letIn(strings.Join(parts, "."), []byte(signer), h.clock.Now(), never)
			return err
		},
		"no token": func() error { _, err := letIn("x", []byte(signer), h.clock.Now(), never); return err },
	} {
		if try() == nil {
			t.Errorf("%s: let in", name)
		}
	}
}
