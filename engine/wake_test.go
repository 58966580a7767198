package engine

import "testing"

// A run that is due may be read as it was before it went on.
func TestAStaleRunIsNotWoken(t *testing.T) {
	r := newResting()
	id := ID{1}
	nudged := func() bool {
		select {
		case <-r.wakeup:
			return true
		default:
			return false
		}
	}
	r.begin(id) // taken in, or woken
	r.look()    // it is read while a lane has it
	if r.begin(id) {
		t.Error("a run in a lane was woken")
	}
	r.done(id)
	if !nudged() {
		t.Error("nobody looks again at a run that was due while a lane had it")
	}
	if r.begin(id) {
		t.Error("a run that went on since it was read was woken as it was before")
	}
	if !nudged() {
		t.Error("nobody looks again at a run that went on since it was read")
	}
	r.look() // it is read anew
	if !r.begin(id) {
		t.Error("a run that is due was not woken")
	}
	r.looked()
	r.done(id)
	if !r.begin(id) || len(r.went) != 0 {
		t.Errorf("a run that is due was not woken, %d are remembered", len(r.went))
	}
}
