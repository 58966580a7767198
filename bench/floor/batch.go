package floor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// batchSize is how many events go into one batch.
const batchSize = 100

// Batch runs a broker of its own and publishes ready-made events in atomic batches of 100 over a connection inside the
// process, Width batches at the same time. What it took, in seconds, it writes to the file "took" of its folder.
func Batch(ctx context.Context, config Config) error {
	broker, err := startBroker(config.Listen, filepath.Join(config.Folder, "nats"), true)
	if err != nil {
		return err
	}
	defer func() { broker.Shutdown(); broker.WaitForShutdown() }()
	js, err := connectInside(broker)
	if err != nil {
		return err
	}
	if err := makeStream(ctx, js); err != nil {
		return err
	}
	var next atomic.Int64
	failed := make(chan error, config.Width)
	var group sync.WaitGroup
	begin := time.Now()
	for range config.Width {
		group.Go(func() {
			for {
				first := int(next.Add(batchSize)) - batchSize
				if first >= config.Events {
					return
				}
				if err := publishBatch(ctx, js, ready(first, config.Size)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	took := time.Since(begin)
	select {
	case err := <-failed:
		return err
	default:
	}
	return os.WriteFile(filepath.Join(config.Folder, "took"), fmt.Append(nil, took.Seconds()), 0o600)
}

// ready makes a batch of messages of a size in bytes.
func ready(first, size int) []*nats.Msg {
	batch := make([]*nats.Msg, batchSize)
	body := []byte(strings.Repeat("x", size))
	for i := range batch {
		batch[i] = nats.NewMsg(fmt.Sprintf("crm.HelpDesk.created.17x%d", first+i+1))
		batch[i].Data = body
		batch[i].Header.Set("Nats-Msg-Id", fmt.Sprintf("floor/%d", first+i+1))
	}
	return batch
}
