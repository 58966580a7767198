package engine

import "sync"

// slots are the sender slots: a delivery is "sending" only while it holds one, so that after a crash
// only as many deliveries can be in doubt. A channel holds no more of them than it can use at a time.
type slots struct {
	mu     sync.Mutex
	free   []int
	width  map[string]int // how many a channel may hold
	held   map[string]int // how many it holds
	hungry bool           // due deliveries wait for a slot
	wakeup chan struct{}  // a value waits here when the dispatcher should look
}

func newSlots(n int, channels map[string]Channel) *slots {
	s := &slots{width: map[string]int{}, held: map[string]int{}, wakeup: make(chan struct{}, 1)}
	for i := n; i > 0; i-- {
		s.free = append(s.free, i)
	}
	for name, channel := range channels {
		s.width[name] = n
		if narrow, ok := channel.(Narrow); ok {
			s.width[name] = max(narrow.Width(), 1)
		}
	}
	return s
}

// take gives a channel one slot, counted from 1, if there is one for it.
func (s *slots) take(channel string) (int, bool) {
	taken := s.takeUpTo(channel, 1)
	if len(taken) == 0 {
		return 0, false
	}
	return taken[0], true
}

// takeUpTo gives a channel as many slots as it may hold, at most n. A channel that is not configured
// may hold one: what waits for it fails with a reason.
func (s *slots) takeUpTo(channel string, n int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = max(min(n, len(s.free), max(s.width[channel], 1)-s.held[channel]), 0)
	at := len(s.free) - n
	taken := append([]int(nil), s.free[at:]...)
	s.free = s.free[:at]
	s.held[channel] += n
	return taken
}

// give takes slots back from deliveries that are over, and wakes the dispatcher if others wait.
func (s *slots) give(channel string, back ...int) {
	s.putBack(channel, back)
	s.mu.Lock()
	hungry := s.hungry
	s.mu.Unlock()
	if hungry {
		s.nudge()
	}
}

// putBack takes slots back that were not used.
func (s *slots) putBack(channel string, back []int) {
	s.mu.Lock()
	s.free = append(s.free, back...)
	s.held[channel] -= len(back)
	s.mu.Unlock()
}

// starve notes that due deliveries wait for a slot of a channel. If one has become free meanwhile, the
// dispatcher is to look again.
func (s *slots) starve(channel string) {
	s.mu.Lock()
	s.hungry = true
	room := len(s.free) > 0 && s.held[channel] < max(s.width[channel], 1)
	s.mu.Unlock()
	if room {
		s.nudge()
	}
}

// sated forgets who was waiting: the dispatcher is about to find out.
func (s *slots) sated() {
	s.mu.Lock()
	s.hungry = false
	s.mu.Unlock()
}

// nudge makes the dispatcher look for due deliveries.
func (s *slots) nudge() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}
