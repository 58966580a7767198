package web

import "sync"

// What may be read and stored at the same time, so that a crowd costs a bounded amount of memory. A decoded event takes
// about ten times the bytes of its JSON.
const (
	roomRequests = 128
	roomBytes    = 8 << 20 // of bodies: four of the largest batches
)

// room is what requests share. Who finds none left is sent away at once: a queue would only hide the crowd.
type room struct {
	lock     sync.Mutex
	requests int
	bytes    int64
}

// claim takes room for one request with a body of so many bytes; leave gives it back. ok is false when there is none.
func (r *room) claim(bytes int64) (leave func(), ok bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.requests == roomRequests || r.bytes+bytes > roomBytes {
		return nil, false
	}
	r.requests++
	r.bytes += bytes
	return func() {
		r.lock.Lock()
		defer r.lock.Unlock()
		r.requests--
		r.bytes -= bytes
	}, true
}
