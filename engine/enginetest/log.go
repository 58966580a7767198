package enginetest

import (
	"strings"
	"sync"
)

// Log is what a logger writes to: a text that can be searched while it grows.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to the text.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is the text so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
