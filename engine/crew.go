package engine

import "sync"

// crew does what runs beside the loops: messages that are being sent, effects that are being tried.
type crew struct {
	sync.WaitGroup
	inline   bool // in a rehearsal: what is launched is done before the launch returns
	launched int  // inline: how many there were
}

// launch does something in a goroutine of its own.
func (c *crew) launch(do func()) {
	if c.inline {
		c.launched++
		do()
		return
	}
	c.Go(do)
}
