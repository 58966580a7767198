package enginetest

import (
	"bytes"
	"testing"

	"postern/engine"
)

// TestSealer holds a Sealer to its contract. open returns sealers that share their keys.
func TestSealer(t *testing.T, open func(t *testing.T) engine.Sealer) {
	plain := []byte(`{"address":"zoe@acme.example"}`)
	t.Run("what was sealed opens, with another sealer too", func(t *testing.T) {
		sealed := seal(t, open(t), plain)
		opened, err := open(t).Open("purpose", sealed)
		if err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("opened %q, %v", opened, err)
		}
	})
	t.Run("sealed bytes tell nothing, and differ each time", func(t *testing.T) {
		s := open(t)
		first, second := seal(t, s, plain), seal(t, s, plain)
		if bytes.Contains(first, []byte("zoe")) || bytes.Equal(first, second) {
			t.Errorf("sealed as %x and %x", first, second)
		}
	})
	t.Run("another purpose does not open", func(t *testing.T) {
		s := open(t)
		if _, err := s.Open("other", seal(t, s, plain)); err == nil {
			t.Error("opened for another purpose")
		}
	})
	t.Run("changed bytes do not open", func(t *testing.T) {
		s := open(t)
		sealed := seal(t, s, plain)
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if _, err := s.Open("purpose", changed); err == nil {
				t.Fatalf("byte %d was changed unnoticed", i)
			}
		}
		for n := range sealed {
			if _, err := s.Open("purpose", sealed[:n]); err == nil {
				t.Fatalf("the first %d bytes opened", n)
			}
		}
	})
}

func seal(t *testing.T, s engine.Sealer, plain []byte) []byte {
	t.Helper()
	sealed, err := s.Seal("purpose", plain)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}
