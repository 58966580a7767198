package links_test

import (
	"crypto/rand"
	"testing"

	"postern/internal/keys"
)

// take has everything in the house work with another root.
func (h *house) take(root keys.Root, err error) {
	h.t.Helper()
	if err == nil {
		err = h.ring.Take(root)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.root = root
}

// T05: links of the generation before open as ever, those of a retired one are like links that never were.
func TestT05KeysAreRotated(t *testing.T) {
	h := newHouse(t)
	_, old := h.mint("ticket")
	within := h.visitor()
	visit := within.open(old)
	h.take(h.root.Rotate(rand.Reader))
	link, fresh := h.mint("ticket")
	if link.KeyID != "b" {
		t.Errorf("a new link is of generation %s", link.KeyID)
	}
	for name, address := range map[string]string{"old": old, "new": fresh} {
		page := h.visitor().open(address)
		page.expect(t, 200, "TT42")
		if t.Failed() {
			t.Fatalf("the %s link does not open", name)
		}
	}
	within.get(visit.path).expect(t, 200, "TT42")

	h.take(h.root.Retire("a"))
	h.visitor().get(old).expect(t, 404, "This link does not work")
	within.get(visit.path).expect(t, 404)
	h.visitor().open(fresh).expect(t, 200, "TT42")
}
