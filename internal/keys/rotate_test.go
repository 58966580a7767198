package keys

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestRotateAndRetire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	root, err := Create(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	first, err := NewSigner(root)
	if err != nil {
		t.Fatal(err)
	}
	seal := first.Sign([]byte("all that was"))
	for _, want := range []string{"a b", "b", "b c", "c"} {
		change := func() (Root, error) { return root.Rotate(rand.Reader) }
		if names := root.Generations(); len(names) == maxGenerations {
			change = func() (Root, error) { return root.Retire(names[0]) }
		}
		next, err := change()
		if err != nil {
			t.Fatal(err)
		}
		if err := Replace(path, next); err != nil {
			t.Fatal(err)
		}
		if root, err = Open(path); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(next, root, cmp.AllowUnexported(Root{}, generation{})); diff != "" {
			t.Errorf("the file holds another root:\n%s", diff)
		}
		if got := strings.Join(root.Generations(), " "); got != want {
			t.Errorf("the generations are %s, want %s", got, want)
		}
		signer, err := NewSigner(root)
		if err != nil {
			t.Fatal(err)
		}
		if !signer.Verify([]byte("all that was"), seal) {
			t.Errorf("with %s the seals of before are not verified", want)
		}
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

func TestRotateRefuses(t *testing.T) {
	one, err := parse("a " + strings.Repeat("5e", secretBytes))
	if err != nil {
		t.Fatal(err)
	}
	two, err := one.Rotate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Rotate(rand.Reader); err == nil || !strings.Contains(err.Error(), "retire a first") {
		t.Errorf("a third generation: %v", err)
	}
	if _, err := one.Rotate(iotest.ErrReader(errors.New("no entropy"))); err == nil {
		t.Error("made a generation out of nothing")
	}
	for name, want := range map[string]string{"b": "the current generation", "x": "no generation", "": "no generation"} {
		if _, err := two.Retire(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("retire %q: %v", name, err)
		}
	}
	if got := strings.Join(two.Generations(), " "); got != "a b" {
		t.Errorf("what was refused changed the root to %s", got)
	}
	last, err := parse("7 " + strings.Repeat("5e", secretBytes))
	if err != nil {
		t.Fatal(err)
	}
	if next, err := last.Rotate(rand.Reader); err != nil || next.Generations()[1] != "a" {
		t.Errorf("after the last name comes %v, %v", next.Generations(), err)
	}
}

func TestReplaceLeavesTheFileOnAnError(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("root may write everywhere: only a folder that is not there is tried")
	}
	root, err := NewRoot(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(t.TempDir(), "gone", "root.key"), root); err == nil {
		t.Error("wrote into a folder that is not there")
	}
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "root.key", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(folder, "root.key"), root); err == nil {
		t.Error("replaced a folder")
	}
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("left %v behind", left)
	}
}

// What a process has handed out before goes on with the keys of after.
func TestViewsFollowTheRing(t *testing.T) {
	ring := ringOf(t, "a")
	mint, door, seal := ring.Mint(), ring.Door(), ring.Seal(rand.Reader)
	old, _ := mint.Tokens.Sum("a", []byte("x"))
	sealed, err := seal.Seal("delivery", []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	take := func(ids string) {
		t.Helper()
		if err := ring.Take(rootOf(t, ids)); err != nil {
			t.Fatal(err)
		}
	}
	take("ab")
	if again, ok := mint.Tokens.Sum("a", []byte("x")); !ok || !bytes.Equal(again, old) {
		t.Error("the older generation hashes otherwise")
	}
	for name, current := range map[string]string{
		"tokens": mint.Tokens.Current(), "peppers": door.Peppers.Current(), "visitors": door.Visitors.Current(),
		"codes": door.Codes.Current(),
	} {
		if current != "b" {
			t.Errorf("the current generation of %s is %s", name, current)
		}
	}
	if plain, err := seal.Open("delivery", sealed); err != nil || string(plain) != "old" {
		t.Errorf("the old seal opens as %q, %v", plain, err)
	}
	if fresh, err := seal.Seal("delivery", nil); err != nil || fresh[0] != 'b' {
		t.Errorf("a new seal is of %q, %v", fresh[:1], err)
	}
	take("b")
	if _, ok := door.Peppers.Sum("a", []byte("x")); ok {
		t.Error("a retired generation still hashes")
	}
	if _, err := seal.Open("delivery", sealed); err == nil {
		t.Error("a retired generation still opens")
	}
	if err := ring.Take(Root{}); err == nil || door.Peppers.Current() != "b" {
		t.Errorf("after an empty root, %v, the current generation is %q", err, door.Peppers.Current())
	}
}
