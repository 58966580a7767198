package mailtest

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
)

// scramServer is the server's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677), for one exchange.
type scramServer struct {
	passwords map[string]string
	step      int
	first     string // client-first-message-bare
	offer     string // server-first-message
	key       []byte // salted password
}

const (
	scramSalt   = "a salt of the tests"
	scramRounds = 4096
)

// Next answers the client.
func (s *scramServer) Next(response []byte) (challenge []byte, done bool, err error) {
	s.step++
	switch s.step {
	case 1:
		if len(response) == 0 { // the client waits for an empty challenge first
			s.step = 0
			return []byte{}, false, nil
		}
		return s.begin(string(response))
	case 2:
		return s.check(string(response))
	}
	return nil, true, nil
}

func (s *scramServer) begin(message string) (challenge []byte, done bool, err error) {
	s.first = strings.TrimPrefix(message, "n,,")
	user, nonce := attribute(s.first, "n"), attribute(s.first, "r")
	s.key, err = pbkdf2.Key(sha256.New, s.passwords[user], []byte(scramSalt), scramRounds, sha256.Size)
	if err != nil {
		return nil, true, err
	}
	salt := base64.StdEncoding.EncodeToString([]byte(scramSalt))
	s.offer = fmt.Sprintf("r=%s-and-ours,s=%s,i=%d", nonce, salt, scramRounds)
	return []byte(s.offer), false, nil
}

func (s *scramServer) check(final string) (challenge []byte, done bool, err error) {
	bare, proof, _ := strings.Cut(final, ",p=")
	message := s.first + "," + s.offer + "," + bare
	clientKey := sign(s.key, "Client Key")
	stored := sha256.Sum256(clientKey)
	want := make([]byte, sha256.Size)
	subtle.XORBytes(want, clientKey, sign(stored[:], message))
	if got, err := base64.StdEncoding.DecodeString(proof); err != nil || !hmac.Equal(got, want) {
		return nil, true, Refuse(535, 5, 7, 8, "the proof is wrong")
	}
	signature := base64.StdEncoding.EncodeToString(sign(sign(s.key, "Server Key"), message))
	return []byte("v=" + signature), false, nil
}

func sign(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

// attribute is the value of a one-letter attribute of a SCRAM message.
func attribute(message, name string) string {
	for part := range strings.SplitSeq(message, ",") {
		if value, ok := strings.CutPrefix(part, name+"="); ok {
			return value
		}
	}
	return ""
}
