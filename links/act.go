package links

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"postern/engine"
)

// newAct is an act under its key: the same thing asked for again has the same one, whatever the record has
// become meanwhile.
func newAct(p passage, name string, set engine.Fields, id engine.ID) (Act, error) {
	wanted, err := json.Marshal(set) // the keys of a map come sorted
	if err != nil {
		return Act{}, fmt.Errorf("name the act: %w", err)
	}
	h := sha256.New()
	for _, part := range []string{p.link.ID.String(), name, string(wanted)} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return Act{ID: id, Flow: p.flow.ID, Link: p.link.ID, Name: name, Key: h.Sum(nil)}, nil
}

// actor is who did it, as far as the door knows: whoever the link was sent to.
func actor(link engine.Link) string { return "link:" + cmp.Or(link.Masked, link.Landing) }
