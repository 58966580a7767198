package pages

import (
	"context"
	"net/http"
	"testing"

	"postern/portal"
	"postern/portal/portaltest/house"
)

// wide is a desk whose CRM cannot say how many records there are, and looks through some of them for a page.
type wide struct {
	portal.Records

	only string // a search; "" for all questions
}

func (w wide) List(ctx context.Context, v portal.Viewer, q portal.Question) (portal.Listing, error) {
	listing, err := w.Records.List(ctx, v, q)
	if w.only != "" && q.Search != w.only {
		return listing, err
	}
	listing.Total, listing.Uncounted = 0, true
	if q.Search != "" && len(listing.Rows) == 0 {
		listing.Next = "further"
	}
	return listing, err
}

func (w wide) Count(ctx context.Context, v portal.Viewer, q portal.Question) (int, error) {
	if w.only != "" {
		return w.Records.Count(ctx, v, q)
	}
	return 0, &portal.Refusal{Status: http.StatusBadRequest, Code: portal.CodeWide}
}

// What the CRM does not count is not said to be nothing, and a page on which nothing was found yet leads on.
func TestListThatIsNotCounted(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Desk = wide{Records: c.Desk} })
	v := s.person(house.Customers, house.Ana)
	v.get("/portal/customers").expect(t, http.StatusOK, tickets, "-entries", "-nothing yet")
	v.get(tickets).expect(t, http.StatusOK, "TT1", "-entries", "-nothing yet")
	v.get(tickets+"?at=1").expect(t, http.StatusOK, "2 to 3", "-of 3", "-TT1")
	v.get(tickets+"?q=printer").expect(t, http.StatusOK, "TT1", "Show all", `-sum"> ·`)
	page := v.get(tickets+"?q=elephant").expect(t, http.StatusOK, "Nothing was found so far", "Show all")
	if next := link(t, page, "next"); next != "?after=further&at=0&q=elephant" {
		t.Errorf("it goes on at %s", next)
	}
}
