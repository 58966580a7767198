package links_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"postern/engine"
)

// T21: what is revoked is over with the next request, wherever the visitor stands.
func TestT21RevokedInTheMiddle(t *testing.T) {
	for _, where := range []string{"before the act", "after it"} {
		p := newPost(t)
		_, address := p.mint("answer", func(terms *engine.LinkTerms) { terms.Record, terms.Preset = question, "yes" })
		v := p.visitor()
		page := v.open(address)
		page.expect(t, http.StatusOK, "Confirm")
		last := page
		if where == "after it" {
			last = v.submit(page, nil)
			last.expect(t, http.StatusOK, "Saved")
		}
		order := engine.Order{By: "ann", At: p.clock.Now().Add(time.Second)}
		if n, err := p.store.RevokeBefore(t.Context(), order.At, order); err != nil || n == 0 {
			t.Fatalf("%d revoked, %v", n, err)
		}
		unknown := append(slices.Clone(recordData), "This link does not work")
		v.get(last.path).expect(t, http.StatusNotFound, unknown...)
		v.submit(page, nil).expect(t, http.StatusNotFound, unknown...)
		v.get(address).expect(t, http.StatusNotFound, unknown...)
	}
}
