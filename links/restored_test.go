package links_test

import (
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// A link that was sent after the backup is no riddle to who follows it, for as long as it would have lived.
func TestLinkThatTheBackupDoesNotKnow(t *testing.T) {
	h := newHouse(t, func(c *links.DoorConfig) { c.Restored = c.Clock.Now() })
	unknown := "/l/a" + "abcdefghijklmnopqrstuvwxyz"
	h.visitor().get(unknown).expect(t, 410, "expired")
	h.visitor().get("/l/a"+"too-short").expect(t, 404)
	h.clock.Advance(engine.MaxExpires + time.Second)
	h.visitor().get(unknown).expect(t, 404)
}
