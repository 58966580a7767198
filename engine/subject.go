package engine

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
)

// Partitions is the number of shares the records are divided into. It is stored with the data; a
// store made with another number refuses to open.
const Partitions = 64

// Domain is the first token of a subject: who tells.
const (
	DomainCRM     = "crm"     // crm.<module>.<verb>.<key>: changes of records
	DomainPostern = "postern" // postern.<noun>.<verb>.<key>: what Postern itself did
)

// Address is a NATS subject of the contract taken apart.
type Address struct {
	Domain string
	Noun   string // the module, or our own noun
	Verb   string
	Key    string // the record's id, unescaped; "" on a keyless subject
}

// ParseAddress takes a subject apart. The stream may have put "p.<partition>." before it.
func ParseAddress(subject string) (Address, error) {
	tokens := strings.Split(subject, ".")
	if len(tokens) > 2 && tokens[0] == "p" {
		tokens = tokens[2:]
	}
	if len(tokens) < 3 || len(tokens) > 4 || (tokens[0] != DomainCRM && tokens[0] != DomainPostern) {
		return Address{}, fmt.Errorf("subject %q is not crm.<module>.<verb>.<key>", subject)
	}
	a := Address{Domain: tokens[0], Noun: tokens[1], Verb: tokens[2]}
	if len(tokens) == 3 {
		return a, nil
	}
	key, err := unescapeKey(tokens[3])
	if err != nil {
		return Address{}, fmt.Errorf("subject %q: %w", subject, err)
	}
	a.Key = key
	return a, nil
}

// Address is where the event is published: record events under crm, ours under postern.
func (e *Event) Address() Address {
	noun, verb, _ := strings.Cut(e.Type, ".")
	ref := e.Ref()
	if e.IsRecord() {
		return Address{Domain: DomainCRM, Noun: ref.Module, Verb: verb, Key: ref.ID}
	}
	return Address{Domain: DomainPostern, Noun: noun, Verb: verb, Key: ref.ID}
}

// Subject is the NATS subject of the address, the key with every byte outside [A-Za-z0-9_-] as %XX.
func (a Address) Subject() string {
	s := a.Domain + "." + a.Noun + "." + a.Verb
	if a.Key == "" {
		return s
	}
	return s + "." + escapeKey(a.Key)
}

// Partition is the share the address belongs to: FNV-1a (32 bit) over noun and escaped key modulo
// Partitions, the same number that the server's partition(64, 2, 4) gives.
func (a Address) Partition() int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(a.Noun + escapeKey(a.Key)))
	return int(h.Sum32() % Partitions)
}

// PlainToken tells whether a word can stand as one token of a subject: module names and verbs must.
func PlainToken(word string) bool {
	for i := range len(word) {
		if !plainByte(word[i]) {
			return false
		}
	}
	return word != ""
}

func plainByte(c byte) bool {
	return c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
}

func escapeKey(key string) string {
	if PlainToken(key) {
		return key
	}
	var b strings.Builder
	for i := range len(key) {
		if plainByte(key[i]) {
			b.WriteByte(key[i])
			continue
		}
		fmt.Fprintf(&b, "%%%02X", key[i])
	}
	return b.String()
}

func unescapeKey(token string) (string, error) {
	if !strings.Contains(token, "%") {
		return token, nil
	}
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		if token[i] != '%' {
			b.WriteByte(token[i])
			continue
		}
		if i+2 >= len(token) {
			return "", fmt.Errorf("key %q ends inside an escape", token)
		}
		raw, err := hex.DecodeString(token[i+1 : i+3])
		if err != nil {
			return "", fmt.Errorf("key %q has the escape %q, which is not %%XX", token, token[i:i+3])
		}
		b.Write(raw)
		i += 2
	}
	return b.String(), nil
}
