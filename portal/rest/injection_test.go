package rest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/portal/portaltest"
	"postern/portal/portaltest/house"
	"postern/portal/rest"
)

// Nothing that stands anywhere in an address gives a record beyond the policy, an error of the server's, or a slow
// answer.
func TestT75NothingEscapesFromAnAddress(t *testing.T) {
	w := newWorld(t)
	token := w.SignIn(house.Customers, house.Ana)
	foreign := []string{"17x3", "17x4", "17x6", "Globex", "Bob's own", "secret of", "hidden", "sqlite"}
	for _, text := range portaltest.Payloads() {
		value, part := url.QueryEscape(text), url.PathEscape(text)
		for _, path := range []string{
			"/records/HelpDesk?q=" + value, "/records/HelpDesk?sort=" + value, "/records/HelpDesk?after=" + value,
			"/records/HelpDesk?fields=" + value, "/records/HelpDesk?limit=" + value,
			"/records/HelpDesk?" + value + "=1", "/records/HelpDesk?filter[ticket_title][eq]=" + value,
			"/records/HelpDesk?filter[ticket_title][like]=" + value,
			"/records/HelpDesk?filter[parent_id][in]=" + value, "/records/HelpDesk?filter[rank][gt]=" + value,
			"/records/HelpDesk?filter[" + value + "][ne]=1", "/records/HelpDesk?filter[ticket_title][" + value + "]=1",
			"/records/" + part, "/records/HelpDesk/" + part, "/records/HelpDesk/17x1/related/" + part,
			"/modules/" + part,
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, rest.Prefix+house.Customers+path, nil)
			r.Header.Set("Authorization", "Bearer "+token)
			recorder, began := httptest.NewRecorder(), time.Now()
			w.api.ServeHTTP(recorder, r)
			body := recorder.Body.String()
			leaks := func(word string) bool { return strings.Contains(body, word) && !strings.Contains(text, word) }
			took := time.Since(began)
			if recorder.Code >= 500 || took > 2*time.Second || slices.ContainsFunc(foreign, leaks) {
				t.Errorf("%.80s answers %d after %s: %.200s", path, recorder.Code, took, body)
			}
		}
	}
}
