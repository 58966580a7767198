package engine

import "sync"

// slots are the sender slots: a delivery is "sending" only while it holds one, so that after a crash
// only as many deliveries can be in doubt.
type slots struct {
	mu     sync.Mutex
	free   []int
	wakeup chan struct{} // a value waits here when the dispatcher should look
}

func newSlots(n int) *slots {
	s := &slots{wakeup: make(chan struct{}, 1)}
	for i := n; i > 0; i-- {
		s.free = append(s.free, i)
	}
	return s
}

// take returns a free slot, counted from 1.
func (s *slots) take() (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		return 0, false
	}
	slot := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	return slot, true
}

// takeAll returns every free slot.
func (s *slots) takeAll() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.free
	s.free = nil
	return all
}

func (s *slots) give(back ...int) {
	s.mu.Lock()
	s.free = append(s.free, back...)
	s.mu.Unlock()
}

// nudge makes the dispatcher look for due deliveries.
func (s *slots) nudge() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}
