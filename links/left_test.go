package links_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whoever closes the page before the answer comes has done nothing wrong, and neither has the door.
func TestWhoLeavesIsNoFailure(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, method := range []string{"GET", "POST"} {
		h.door.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, method, address, nil))
	}
	log := h.log.String()
	if strings.Contains(log, "ERROR") || !strings.Contains(log, "visitor left") {
		t.Errorf("the log says:\n%s", log)
	}
}
