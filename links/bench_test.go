package links_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// What the door itself costs, without a connection: the page of a link, and letting a visitor in.
func BenchmarkDoor(b *testing.B) {
	h := newHouse(b)
	_, address := h.mint("ticket")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		b.Run(method, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request := httptest.NewRequestWithContext(b.Context(), method, address, nil)
				request.Header.Set("Accept-Language", "en-GB,en;q=0.9")
				answer := httptest.NewRecorder()
				h.door.ServeHTTP(answer, request)
				if answer.Code >= http.StatusBadRequest {
					b.Fatalf("answered %d", answer.Code)
				}
			}
		})
	}
}
