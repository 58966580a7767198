package house

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"postern/portal"

	xdg "github.com/xdg-go/scram"
)

// Rounds is how often passwords are hashed here: as little as the protocol allows, so that tests are quick.
const Rounds = 4096

// Base is what the addresses of the portals begin with.
const Base = "https://go.acme.example"

// OpenGate opens a further gate to the portals of the world; change may alter what it works with. Several stand side by
// side as nodes do.
func (w *World) OpenGate(change ...func(*portal.GateConfig)) *portal.Gate {
	w.T.Helper()
	config := portal.GateConfig{
		Store: w.Store, CRM: w.CRM, Book: w.Book, Sealer: w.Ring.Seal(rand.Reader), Names: make([]byte, 32),
		Clock: w.Clock, Random: rand.Reader, Logger: w.Logger, Base: Base, Rounds: Rounds,
	}
	for _, c := range change {
		c(&config)
	}
	gate, err := portal.NewGate(config)
	if err != nil {
		w.T.Fatal(err)
	}
	return gate
}

// Client is a program that proves a password without sending it, by a library that knows nothing of ours.
type Client struct {
	t     testing.TB
	talk  *xdg.ClientConversation
	Name  string // as the client writes it
	Nonce string
}

// NewClient makes a client for one sign-in.
func NewClient(t testing.TB, name, password string) *Client {
	t.Helper()
	client, err := xdg.SHA256.NewClient(name, password, "")
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{t: t, talk: client.NewConversation()}
	first, err := c.talk.Step("")
	if err != nil {
		t.Fatal(err)
	}
	bare, nonce, _ := strings.Cut(strings.TrimPrefix(first, "n,,n="), ",r=")
	c.Name, c.Nonce = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(bare), nonce
	return c
}

// Proof answers a challenge.
func (c *Client) Proof(challenge portal.Challenge) portal.Proof {
	c.t.Helper()
	salt := base64.StdEncoding.EncodeToString(challenge.Salt)
	final, err := c.talk.Step(fmt.Sprintf("r=%s,s=%s,i=%d", challenge.Nonce, salt, challenge.Rounds))
	if err != nil {
		c.t.Fatal(err)
	}
	proof, err := base64.StdEncoding.DecodeString(final[strings.LastIndex(final, ",p=")+3:])
	if err != nil {
		c.t.Fatal(err)
	}
	return portal.Proof{Nonce: challenge.Nonce, Proof: proof}
}

// Believes tells whether the server has shown that it knows the verifier too.
func (c *Client) Believes(signature []byte) bool {
	_, err := c.talk.Step("v=" + base64.StdEncoding.EncodeToString(signature))
	return err == nil && c.talk.Valid()
}
