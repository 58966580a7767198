// Package keys holds the root secret and everything derived from it.
//
// The secret lives in a file that only its owner can read, beside the database and never in it: either one alone
// opens nothing. A file holds one or more generations, each named by one base32 character; what was made under a
// generation carries its name, so a new generation can take over while the old one is still understood.
//
// Nobody but this package sees the secret. The others get views that can do one job: Mint makes the tokens of links,
// Door recognises them and cannot make any, Seal encrypts.
package keys

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// secretBytes is the size of a generation's secret: 256 bits.
const secretBytes = 32

// firstGeneration names the generation that Create makes.
const firstGeneration = 'a'

// auditName begins the line of the audit's key.
const auditName = "audit"

const fileHead = "# Postern's root secret. Keep a copy in a safe place, apart from the copies of the database.\n"

// Root is the secret of every generation in a key file, the current one last.
type Root struct {
	generations []generation
	audit       []byte // what the audit is signed with since the first generation was retired; nil before
}

type generation struct {
	id     byte
	secret [secretBytes]byte
}

// NewRoot makes a root secret that is kept nowhere, of one generation of 256 bits read from random: whatever is made
// with it is worth nothing once the process is gone.
func NewRoot(random io.Reader) (Root, error) {
	first := generation{id: firstGeneration}
	if _, err := io.ReadFull(random, first.secret[:]); err != nil {
		return Root{}, fmt.Errorf("read random bits: %w", err)
	}
	return Root{generations: []generation{first}}, nil
}

// Create makes a key file with a first generation of 256 bits read from random. It fails with fs.ErrExist
// where a file is already: a secret is never overwritten.
func Create(path string, random io.Reader) (Root, error) {
	root, err := NewRoot(random)
	if err != nil {
		return Root{}, fmt.Errorf("create key file: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return Root{}, fmt.Errorf("create key file: %w", err)
	}
	_, err = file.WriteString(root.text())
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return Root{}, errors.Join(fmt.Errorf("create key file: %w", err), os.Remove(path))
	}
	return root, nil
}

// Open reads a key file. It fails with fs.ErrNotExist where there is none, and refuses a file that others
// than its owner can read or write. Its errors name lines, never what is on them.
func Open(path string) (Root, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Root{}, fmt.Errorf("open key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Root{}, fmt.Errorf("open key file: %s has mode %#o, so others can reach it: chmod 600", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Root{}, fmt.Errorf("open key file: %w", err)
	}
	root, err := parse(string(text))
	if err != nil {
		return Root{}, fmt.Errorf("open key file: %s: %w", path, err)
	}
	return root, nil
}

// text is what a key file holds; parse reads it.
func (r Root) text() string {
	var b strings.Builder
	b.WriteString(fileHead)
	if r.audit != nil {
		fmt.Fprintf(&b, "%s %x\n", auditName, r.audit)
	}
	for _, g := range r.generations {
		fmt.Fprintf(&b, "%c %x\n", g.id, g.secret)
	}
	return b.String()
}

// parse reads lines of a generation's name, a space and its secret in hexadecimal digits, and maybe one of the audit's
// key. Lines that begin with # are for people.
func parse(text string) (Root, error) {
	var root Root
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if digits, ok := strings.CutPrefix(line, auditName+" "); ok {
			var err error
			if root.audit, err = parseSecret(digits); err != nil {
				return Root{}, fmt.Errorf("line %d: %w", number, err)
			}
			continue
		}
		g, err := parseGeneration(line)
		if err != nil {
			return Root{}, fmt.Errorf("line %d: %w", number, err)
		}
		if root.holds(g.id) {
			return Root{}, fmt.Errorf("line %d: generation %c is there twice", number, g.id)
		}
		root.generations = append(root.generations, g)
	}
	if len(root.generations) == 0 {
		return Root{}, errors.New("holds no secret: restore it from a copy")
	}
	return root, nil
}

func parseGeneration(line string) (generation, error) {
	name, digits, _ := strings.Cut(line, " ")
	if len(name) != 1 || !strings.Contains(alphabet, name) {
		return generation{}, errors.New("does not begin with a generation's name, one of " + alphabet)
	}
	secret, err := parseSecret(digits)
	if err != nil {
		return generation{}, err
	}
	return generation{id: name[0], secret: [secretBytes]byte(secret)}, nil
}

func parseSecret(digits string) ([]byte, error) {
	secret, err := hex.DecodeString(digits[:min(len(digits), 2*secretBytes)])
	if err != nil || len(digits) != 2*secretBytes {
		return nil, fmt.Errorf("the secret is not %d hexadecimal digits", 2*secretBytes)
	}
	return secret, nil
}

func (r Root) holds(id byte) bool {
	for _, g := range r.generations {
		if g.id == id {
			return true
		}
	}
	return false
}
