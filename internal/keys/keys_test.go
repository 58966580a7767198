package keys

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/engine/enginetest"
)

func TestCreateThenOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	created, err := Create(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, opened, cmp.AllowUnexported(Root{}, generation{})); diff != "" {
		t.Errorf("opened another secret than was created:\n%s", diff)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	if _, err := Create(path, rand.Reader); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second Create: %v, want fs.ErrExist", err)
	}
}

func TestCreateWithoutRandomness(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	if _, err := Create(path, iotest.ErrReader(errors.New("no entropy"))); err == nil {
		t.Error("made a secret out of nothing")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left a file behind: %v", err)
	}
}

func TestOpenMissing(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	digits := strings.Repeat("5e", secretBytes)
	tests := map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable by the group": {"a " + digits, 0o640, "chmod 600"},
		"readable by all":       {"a " + digits, 0o604, "chmod 600"},
		"empty":                 {"", 0o600, "holds no secret"},
		"only a comment":        {fileHead, 0o600, "holds no secret"},
		"short":                 {"a " + digits[2:], 0o600, "line 1: the secret is not 64"},
		"long":                  {"a " + digits + "00", 0o600, "line 1: the secret is not 64"},
		"no digits":             {"# x\na " + strings.Repeat("zz", secretBytes), 0o600, "line 2: the secret is not 64"},
		"name outside base32":   {"1 " + digits, 0o600, "line 1: does not begin with a generation's name"},
		"the audit's is short":  {"audit 5e5e", 0o600, "line 1: the secret is not 64"},
		"the audit's alone":     {"audit " + digits, 0o600, "holds no secret"},
		"twice the same name":   {"a " + digits + "\na " + digits, 0o600, "line 2: generation a is there twice"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "root.key")
			if err := errors.Join(os.WriteFile(path, []byte(test.text), 0o600), os.Chmod(path, test.mode)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "5e5e") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

// rootOf reads a file with the given generations, the last the current one.
func rootOf(t *testing.T, ids string) Root {
	t.Helper()
	var text strings.Builder
	for _, id := range ids {
		text.WriteString(string(id) + " " + strings.Repeat(string("0123456789abcdef"[id%16]), 2*secretBytes) + "\n")
	}
	root, err := parse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// ringOf derives the keys of rootOf.
func ringOf(t *testing.T, ids string) *Ring {
	t.Helper()
	ring, err := NewRing(rootOf(t, ids))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestSealerPort(t *testing.T) {
	ring := ringOf(t, "a")
	enginetest.TestSealer(t, func(*testing.T) engine.Sealer { return ring.Seal(rand.Reader) })
}

func TestEveryPurposeAndGenerationHasItsOwnKey(t *testing.T) {
	ring := ringOf(t, "ab")
	seen := map[string]string{}
	for _, id := range []string{"a", "b"} {
		for purpose, hasher := range map[string]Hasher{
			forTokens: ring.Mint().Tokens, forPeppers: ring.Mint().Peppers, forVisitors: ring.Door().Visitors,
		} {
			sum, ok := hasher.Sum(id, []byte("the same text"))
			if !ok {
				t.Fatalf("%s knows no key %s", purpose, id)
			}
			if other, twice := seen[string(sum)]; twice {
				t.Errorf("%s/%s hashes like %s", purpose, id, other)
			}
			seen[string(sum)] = purpose + "/" + id
		}
	}
	if current := ring.Mint().Tokens.Current(); current != "b" {
		t.Errorf("current generation %q, want the last of the file", current)
	}
}

// Changing how keys are derived would orphan every link and every sealed message out there.
func TestDerivationStands(t *testing.T) {
	sum, _ := ringOf(t, "a").Mint().Tokens.Sum("a", []byte("postern"))
	again, _ := ringOf(t, "ab").Mint().Tokens.Sum("a", []byte("post"), []byte("ern"))
	want := []byte{0x03, 0x8a, 0x67, 0x24, 0xa5, 0x3c, 0x15, 0x46}
	if !bytes.Equal(sum, again) {
		t.Error("a second generation changed the keys of the first")
	}
	if !bytes.HasPrefix(sum, want) {
		t.Errorf("the derivation gave %x", sum[:8])
	}
}

// What is known by a lasting key is known when its generation is retired.
func TestLastingKeys(t *testing.T) {
	first := rootOf(t, "a")
	before, err := first.Lasting("addresses")
	if err != nil {
		t.Fatal(err)
	}
	root, err := first.Rotate(bytes.NewReader(bytes.Repeat([]byte{9}, secretBytes)))
	if err != nil {
		t.Fatal(err)
	}
	if root, err = root.Retire("a"); err != nil {
		t.Fatal(err)
	}
	after, err := root.Lasting("addresses")
	if err != nil || len(after) != 32 || !bytes.Equal(before, after) {
		t.Errorf("key %x became %x, %v", before, after, err)
	}
	if other, err := root.Lasting("bounces"); err != nil || bytes.Equal(other, after) {
		t.Errorf("another purpose has the same key: %v", err)
	}
	if _, err := (Root{}).Lasting("addresses"); err == nil {
		t.Error("an empty root gave a key")
	}
}

func TestRetiredGenerationKnowsNothing(t *testing.T) {
	if _, ok := ringOf(t, "b").Door().Peppers.Sum("a", []byte("x")); ok {
		t.Error("a generation that is not in the file still hashes")
	}
	if _, ok := (Hasher{}).Sum("", nil); ok {
		t.Error("the zero Hasher hashes")
	}
}

func TestNewRingOfNothing(t *testing.T) {
	if _, err := NewRing(Root{}); err == nil {
		t.Error("derived keys from an empty secret")
	}
}

func TestSealOpens(t *testing.T) {
	old, ring := ringOf(t, "a").Seal(rand.Reader), ringOf(t, "ab").Seal(rand.Reader)
	for name, plain := range map[string][]byte{"text": []byte("to z…@acme.example"), "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			sealed, err := old.Seal("delivery", plain)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ring.Open("delivery", sealed)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("opened %q, %v", got, err)
			}
			if len(plain) > 0 && bytes.Contains(sealed, plain) {
				t.Error("the plain text can be read")
			}
			again, _ := old.Seal("delivery", plain)
			if bytes.Equal(again, sealed) {
				t.Error("two seals of one text are the same: a nonce was used twice")
			}
		})
	}
}

func TestSealRefuses(t *testing.T) {
	seal := ringOf(t, "a").Seal(rand.Reader)
	sealed, err := seal.Seal("delivery", []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Open("run", sealed); !errors.Is(err, errSealed) {
		t.Errorf("opened for another purpose: %v", err)
	}
	for i := 1; i < len(sealed); i++ {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := seal.Open("delivery", changed); !errors.Is(err, errSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for n := range len(sealed) {
		if _, err := seal.Open("delivery", sealed[:n]); err == nil {
			t.Errorf("opened the first %d bytes", n)
		}
	}
	_, err = ringOf(t, "b").Seal(rand.Reader).Open("delivery", sealed)
	if err == nil || !strings.Contains(err.Error(), "key generation 'a' is not in the key file") {
		t.Errorf("a retired generation: %v", err)
	}
	if _, err := ringOf(t, "a").Seal(iotest.ErrReader(errors.New("dry"))).Seal("x", nil); err == nil {
		t.Error("sealed without a nonce")
	}
}
