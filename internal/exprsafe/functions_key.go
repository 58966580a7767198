package exprsafe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// How many random bits a value may have: with fewer it could be guessed, or come twice.
const (
	minBits = 64
	maxBits = 512
)

// keyFunctions hash, and draw from chance.
func keyFunctions() []function {
	return []function{
		{
			name: "random", args: "bits", params: []Kind{Number}, result: Text, chance: true, call: random,
			summary: "64–512 random bits in small letters and digits (base32), new each time; only in values",
			example: `len(random(130)) == 26`,
		},
		{
			name: "uuid", args: "", result: Text, chance: true, call: uuid,
			summary: "a random UUID (version 4), new each time; only in values",
			example: `uuid() matches "^[0-9a-f]{8}-[0-9a-f]{4}-4"`,
		},
		{
			name: "sha256", args: "text", params: []Kind{Text}, result: Text,
			summary: "the SHA-256 hash, in hexadecimal",
			example: `sha256("abc") startsWith "ba7816bf"`,
			call: onText(func(text string) string {
				sum := sha256.Sum256([]byte(text))
				return hex.EncodeToString(sum[:])
			}),
		},
		{
			name: "hmac", args: "secret, text, encoding?", params: []Kind{Text, Text, Text}, optional: 1, result: Text,
			summary: `HMAC-SHA-256 of the text by a secret of the configuration, "hex" or "base64"`,
			example: `len(hmac("rates", "abc")) == 64`,
			check:   hmacEncoding, prepare: keyed,
		},
	}
}

// draw reads n random bytes.
func (r *run) draw(n int) ([]byte, error) {
	source, ok := r.env[EnvRandom].(io.Reader)
	if !ok {
		return nil, fault("there is nothing random here")
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(source, data); err != nil {
		return nil, fault("nothing random could be read")
	}
	return data, r.spend(n * hashWork)
}

// random writes five bits a character, as the task fill does.
func random(r *run, args []any) (any, error) {
	bits, err := count(args[0], minBits, maxBits, "the number of random bits")
	if err != nil {
		return nil, err
	}
	length := (bits + 4) / 5
	data, err := r.draw((length*5 + 7) / 8)
	if err != nil {
		return nil, err
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(data))[:length], nil
}

// uuid is one by RFC 9562, section 5.4.
func uuid(r *run, _ []any) (any, error) {
	id, err := r.draw(16)
	if err != nil {
		return nil, err
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]), nil
}

// hashWork is what hashing a byte costs, in units of work; hashStart is what beginning to costs.
const (
	hashWork  = 2
	hashStart = 512
)

func hmacEncoding(i int, text string) *Error {
	if i != 2 {
		return nil
	}
	return choice("encoding", text, []string{"base64", "hex"})
}

// keyed makes the operation of hmac, whose first argument is the name of a secret. The name is constant
// so that lint can tell one that is not configured.
func keyed(c *compiler, args []ast.Node) (operation, *Error) {
	name, ok := constant(args, 0)
	if !ok || name.Value == "" {
		return nil, c.fail(args[0], "hmac takes the name of a configured secret in quotes: hmac(\"name\", text)")
	}
	c.uses.secrets[name.Value] = true
	secret := name.Value
	return func(r *run, args []any) (any, error) {
		find, _ := r.env[EnvSecret].(Secrets)
		if find == nil {
			return nil, fault("there are no secrets here, hmac has no key")
		}
		key, ok := find(secret)
		if !ok {
			return nil, faultf("the configuration has no secret %q, hmac has no key", secret)
		}
		if err := r.spend(hashStart + len(str(args[1]))*hashWork); err != nil {
			return nil, err
		}
		hash := hmac.New(sha256.New, key)
		hash.Write([]byte(str(args[1])))
		sum := hash.Sum(nil)
		switch str(arg(args, 2)) {
		case "", "hex":
			return hex.EncodeToString(sum), nil
		case "base64":
			return base64.StdEncoding.EncodeToString(sum), nil
		}
		return nil, fault("the encoding of hmac is hex or base64")
	}, nil
}
