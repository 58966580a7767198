package memory

import (
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
)

func TestBus(t *testing.T) {
	enginetest.TestBus(t, func(*testing.T) engine.Bus { return NewBus(time.Now) })
}
