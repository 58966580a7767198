package engine

import (
	"encoding/binary"
	"io"
	"time"
)

// jitter adds up to a fifth to a pause, so that what failed together is not tried again together. Without
// randomness the pause stays as it is.
func jitter(pause time.Duration, random io.Reader) time.Duration {
	var raw [8]byte
	spread := uint64(pause / 5)
	if _, err := io.ReadFull(random, raw[:]); err != nil || spread == 0 {
		return pause
	}
	return pause + time.Duration(binary.NativeEndian.Uint64(raw[:])%spread) // below a fifth of it
}
