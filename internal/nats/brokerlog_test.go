package nats

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"postern/engine"
)

func TestBrokerLogPassesOnTroubleAlone(t *testing.T) {
	var out bytes.Buffer
	log := newBrokerLog("data", slog.New(slog.NewTextHandler(&out, nil)))
	log.Noticef("hello %d", 1)
	log.Debugf("hello")
	log.Tracef("hello")
	if out.Len() != 0 {
		t.Errorf("noise: %s", &out)
	}
	log.Warnf("disk is %s", "slow")
	log.Errorf("disk is %s", "gone")
	log.Fatalf("first")
	log.Fatalf("second")
	if got := out.String(); !strings.Contains(got, "disk is slow") || !strings.Contains(got, "disk is gone") {
		t.Errorf("logged %s", got)
	}
	if got := <-log.fatal; got != "first" {
		t.Errorf("the reason to give up is %q", got)
	}
	if err := log.broken.err(); err != nil {
		t.Errorf("the storage is given up: %v", err)
	}
}

// A broker that gives its storage up, as on a full disk, goes on answering. The bus must not: whoever watches it would
// wait for ever.
func TestStorageGivenUpEndsTheBus(t *testing.T) {
	for name, line := range map[string]string{
		"one stream": "Filestore [POSTERN] Critical write error: write 1.blk: no space left on device",
		"all of it":  "JetStream out of space, will be DISABLED",
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			bus := open(t, Config{}, folder)
			publish(t, bus, event("1", "1"))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			taken, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- bus.Read(ctx, 0, 1, func(context.Context, []engine.Entry) error {
					close(taken)
					return nil
				})
			}()
			<-taken
			bus.server.log.Errorf("%s", line)
			bus.server.log.Errorf("Filestore [POSTERN] Critical write error: another reason, later")

			_, positionErr := bus.Position(ctx)
			for what, err := range map[string]error{
				"the reading under way": <-ended,
				"a new one":             bus.Read(ctx, 0, 1, nil),
				"Position":              positionErr,
				"Publish":               bus.Publish(ctx, event("2", "2")),
			} {
				if !errors.Is(err, errStorage) || !strings.Contains(err.Error(), line) || !strings.Contains(err.Error(), folder) {
					t.Errorf("%s ends with %v", what, err)
				}
			}
		})
	}
}
