package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// probeEvery is the time between two syncs of the probe: rarely enough to be no load itself.
const probeEvery = 20 * time.Millisecond

// probe syncs a small file now and then while something is measured. What waits for the disk cannot be faster than
// that, and on a machine that others use the disk may be slow for their sake.
type probe struct {
	stop  context.CancelFunc
	ended chan struct{}
	took  []float64 // milliseconds
	err   error
}

func startProbe(ctx context.Context, folder string) *probe {
	ctx, stop := context.WithCancel(ctx)
	p := &probe{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = p.run(ctx, filepath.Join(folder, "probe"))
	}()
	return p
}

func (p *probe) run(ctx context.Context, path string) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	page := make([]byte, 4096)
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		begin := time.Now()
		if _, err := file.Write(page); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return err
		}
		p.took = append(p.took, time.Since(begin).Seconds()*1000)
	}
}

// tell ends the probe and adds what one sync took.
func (p *probe) tell(s sample) error {
	p.stop()
	<-p.ended
	s["sync-p50-ms"], s["sync-p99-ms"] = percentile(p.took, 50), percentile(p.took, 99)
	return p.err
}
