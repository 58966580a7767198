package pages

import (
	"net/http"
	"net/url"
	"testing"

	"postern/portal/portaltest/house"
)

// What was done is said once, to the browser that did it; an address that somebody made says nothing.
func TestNoticeIsSaidOnce(t *testing.T) {
	s := newStage(t)
	v, other := s.person(house.Customers, house.Mia), s.person(house.Customers, house.Mia)
	for _, made := range []string{
		ticket + "?done=saved", tickets + "?done=deleted", security + "?done=removed", start + "/password?changed=1",
		start + "/sessions?ended=1",
	} {
		v.get(made).expect(t, http.StatusOK, `-class="notice"`)
	}
	s.stranger().get(signInAt+"?out=1").expect(t, http.StatusOK, `-class="notice"`)
	done := v.submit(v.get(change), url.Values{"rank": {"2"}}).expect(t, http.StatusOK, "Saved. Thank you.")
	if done.path != ticket {
		t.Errorf("a change leads to %s, want %s", done.path, ticket)
	}
	v.get(ticket).expect(t, http.StatusOK, "-Saved.")
	other.get(ticket).expect(t, http.StatusOK, "-Saved.")

	// It is kept for a minute at most, and what is no name of ours says nothing.
	if c := s.pages.cookies.Notice(house.Customers, "saved"); c.MaxAge != 60 || !c.HttpOnly {
		t.Errorf("the browser is given %s", c)
	}
	v.keeps(s.pages.cookies.Notice(house.Customers, "won"))
	v.get(ticket).expect(t, http.StatusOK, `-class="notice"`)
}
