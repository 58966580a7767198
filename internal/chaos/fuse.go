package main

import (
	"context"
	"sync"
	"time"
)

// The moments at which a fuse blows. Random is any instant; the others are what the world outside sees of an event's
// way.
const (
	atRandom   = "random"
	atPublish  = "publish"         // the event is on its way to the broker
	atAck      = "publish-ack"     // the broker's acknowledgement has just come
	atRcpt     = "before-data"     // the mail server has the recipient, not yet the mail
	atBody     = "before-dot"      // the sender was told to go ahead with the mail
	atDot      = "after-dot"       // the mail server has the mail, its answer is not yet written
	atAnswer   = "answered"        // the answer is on its way: not yet settled
	atTold     = "event-told"      // an event of Postern's own is in the stream
	atTaken    = "message-taken"   // the provider has the message, its answer is not yet written
	atReport   = "report"          // a report is about to leave the provider
	atReported = "report-answered" // the answer to a report has come
	atRequest  = "request-sent"    // a visitor has sent a form
	atResponse = "response-begins" // the first byte of the answer to it has come
)

// fuse kills at a moment. The goroutine that sees the moment come stands still until the process is dead.
type fuse struct {
	kill func()

	mu    sync.Mutex
	at    string // the moment it waits for; "" when not armed
	let   int    // how many such moments pass before
	blown chan struct{}
}

// arm chooses the moment for the next kill.
func (f *fuse) arm(at string, let int) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.let, f.blown = at, let, make(chan struct{})
	return f.blown
}

// pass tells the fuse that a moment has come.
func (f *fuse) pass(moment string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at != moment {
		return
	}
	if f.let--; f.let >= 0 {
		return
	}
	f.blow()
}

// blow kills, if it is still armed.
func (f *fuse) blow() {
	if f.at != "" {
		f.at = ""
		f.kill()
		close(f.blown)
	}
}

// burn waits until the fuse has blown. A random moment is one within the time; another that does not come within the
// time ends as one, and is counted so. It returns the moment at which it blew.
func (f *fuse) burn(ctx context.Context, at string, let int, within time.Duration) string {
	blown := f.arm(at, let)
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-blown:
		return at
	case <-timer.C:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at == "" {
		return at
	}
	f.blow()
	return atRandom
}
