package nats

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// brokerLog passes on what an operator should see of the broker's log, and listens for the end of its storage: the
// broker tells of that in no other way.
type brokerLog struct {
	logger *slog.Logger
	folder string      // of the broker's data
	fatal  chan string // the first reason to give up
	broken *breakage
}

func newBrokerLog(folder string, logger *slog.Logger) *brokerLog {
	return &brokerLog{
		logger: logger, folder: folder, fatal: make(chan string, 1), broken: &breakage{happened: make(chan struct{})},
	}
}

var _ server.Logger = (*brokerLog)(nil)

// Noticef is nothing to an operator.
func (l *brokerLog) Noticef(string, ...any) {}

// Debugf is nothing to an operator.
func (l *brokerLog) Debugf(string, ...any) {}

// Tracef is nothing to an operator.
func (l *brokerLog) Tracef(string, ...any) {}

// Warnf passes a warning on.
func (l *brokerLog) Warnf(format string, values ...any) {
	l.logger.Warn("broker warns", "reason", fmt.Sprintf(format, values...))
}

// Errorf passes an error on. After one that ends the storage, the broker takes in nothing more until it is started
// anew.
func (l *brokerLog) Errorf(format string, values ...any) {
	reason := fmt.Sprintf(format, values...)
	l.logger.Error("broker reports an error", "reason", reason)
	for _, end := range storageEnds {
		if strings.Contains(strings.ToLower(reason), end) {
			l.broken.report(fmt.Errorf("%w in %s: %s; see to the disk, then start again", errStorage, l.folder, reason))
		}
	}
}

// Fatalf would end a broker that is its own process. Here the one who waits for the start is told instead.
func (l *brokerLog) Fatalf(format string, values ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, values...):
	default:
	}
}

// storageEnds are the broker's words, in lower case, for a stream or all of JetStream that it has given up.
var storageEnds = []string{"critical write error", "will be disabled"}

// errStorage ends a Bus whose embedded broker has given its storage up, as it does on a full disk.
var errStorage = errors.New("the event stream can no longer write its files")

// breakage is the first reason why a bus is of no more use in this process. The nil one never happens.
type breakage struct {
	once     sync.Once
	happened chan struct{} // closed once reason is there
	reason   error
}

func (b *breakage) report(reason error) {
	b.once.Do(func() {
		b.reason = reason
		close(b.happened)
	})
}

// done is closed once it has happened.
func (b *breakage) done() <-chan struct{} {
	if b == nil {
		return nil
	}
	return b.happened
}

// err is the reason; nil until it happens.
func (b *breakage) err() error {
	select {
	case <-b.done():
		return b.reason
	default:
		return nil
	}
}
