package scram

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	xdg "github.com/xdg-go/scram"
)

const (
	minNonce   = 24 // characters of base64: 144 bits
	maxNonce   = 128
	nonceBytes = 24
)

// Errors of an exchange.
var (
	ErrNonce = errors.New("a nonce has 24 to 128 characters between ! and ~, and no comma")
	ErrProof = errors.New("the proof is not right")
)

// Exchange is a conversation after its first message. It holds no secret, but what it was begun with must not be
// exchanged: it is to be kept where clients cannot write.
type Exchange struct {
	Name   string `json:"name"`   // as the client wrote it
	Client string `json:"client"` // its nonce
	Server string `json:"server"` // ours
}

// Begin starts a conversation with a nonce of 192 bits. It fails with ErrNonce.
func Begin(name, nonce string, random io.Reader) (Exchange, error) {
	bad := func(r rune) bool { return r < '!' || r > '~' || r == ',' }
	if len(nonce) < minNonce || len(nonce) > maxNonce || strings.ContainsFunc(nonce, bad) {
		return Exchange{}, ErrNonce
	}
	own := make([]byte, nonceBytes)
	if _, err := io.ReadFull(random, own); err != nil {
		return Exchange{}, fmt.Errorf("make a nonce: %w", err)
	}
	return Exchange{Name: name, Client: nonce, Server: base64.StdEncoding.EncodeToString(own)}, nil
}

// Nonce is the client's and ours, one after the other.
func (x Exchange) Nonce() string { return x.Client + x.Server }

// clientFirst is the first message of the client.
func (x Exchange) clientFirst() string {
	return "n,,n=" + strings.NewReplacer("=", "=3D", ",", "=2C").Replace(x.Name) + ",r=" + x.Client
}

// First is the server's first message.
func (x Exchange) First(v Verifier) (string, error) {
	_, first, err := x.conversation(v)
	return first, err
}

// Finish judges the client's last message, c=biws,r=<nonce>,p=<proof>, and returns the server's. It fails with
// ErrProof, whatever is wrong.
func (x Exchange) Finish(v Verifier, final string) (string, error) {
	conversation, _, err := x.conversation(v)
	if err != nil {
		return "", err
	}
	answer, err := conversation.Step(final)
	if err != nil || !conversation.Valid() {
		return "", ErrProof
	}
	return answer, nil
}

// Prove judges a proof by itself and returns the signature that proves the server to the client, 32 bytes. It fails
// with ErrProof.
func (x Exchange) Prove(v Verifier, proof []byte) ([]byte, error) {
	final := "c=biws,r=" + x.Nonce() + ",p=" + base64.StdEncoding.EncodeToString(proof)
	answer, err := x.Finish(v, final)
	if err != nil {
		return nil, err
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(answer, "v="))
	if err != nil {
		return nil, fmt.Errorf("read our own signature: %w", err)
	}
	return signature, nil
}

// conversation is one that has seen the client's first message, with the server's answer.
func (x Exchange) conversation(v Verifier) (*xdg.ServerConversation, string, error) {
	stored := xdg.StoredCredentials{
		KeyFactors: xdg.KeyFactors{Salt: string(v.Salt), Iters: v.Rounds}, StoredKey: v.Stored, ServerKey: v.Server,
	}
	lookup := func(string) (xdg.StoredCredentials, error) { return stored, nil }
	server, err := xdg.SHA256.NewServer(lookup)
	if err != nil {
		return nil, "", fmt.Errorf("begin a conversation: %w", err)
	}
	conversation := server.WithNonceGenerator(func() string { return x.Server }).NewConversation()
	first, err := conversation.Step(x.clientFirst())
	if err != nil {
		return nil, "", fmt.Errorf("begin a conversation: %w", err)
	}
	return conversation, first, nil
}
