package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"postern/internal/rig"
)

// smallBroker is an embedded broker with a stream that is soon full.
const smallBroker = `{ listen: "{nats}", max_bytes: 1048576 }`

// streamFull publishes until the stream is full. The publisher is told, over NATS and HTTP, and readiness says why;
// what was acknowledged is handled, and after a purge all goes on.
func streamFull(ctx context.Context, t *trial) (err error) {
	s := newSiege(t)
	s.teller.more = map[string]string{"description": strings.Repeat("All work and no play. ", 400)}
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, smallBroker, "urgent")
	if err != nil {
		return err
	}
	for range s.rounds {
		if err := s.fillStream(ctx); err != nil {
			return err
		}
		s.broke("stream full")
		if status, err := s.postTicket(ctx); err != nil || status != http.StatusServiceUnavailable {
			return fmt.Errorf("POST /events with a full stream answers %d, %w", status, err)
		}
		err := rig.Await(ctx, func() bool { return !s.house.current().Ready(ctx) })
		if err != nil {
			return fmt.Errorf("ready with a full stream: %w", err)
		}
		// A purge takes away what has not been read yet: by Postern, and by who counts here.
		err = rig.Await(ctx, func() bool { return !s.ledger.lacks(mailed) && s.ledger.quiet() > quietTime })
		if err != nil {
			return fmt.Errorf("with a full stream, mails are missing: %w", err)
		}
		began := time.Now()
		if err := s.purge(ctx); err != nil {
			return err
		}
		s.tellSome(ctx, inBatch/2)
		if err := rig.Await(ctx, func() bool { return len(s.ledger.missing()) == 0 }); err != nil {
			return fmt.Errorf("not all came after the purge: %w", err)
		}
		s.recovered(time.Since(began))
	}
	return s.settle(ctx, 0)
}

// fillStream publishes until the broker refuses.
func (s *siege) fillStream(ctx context.Context) error {
	crm, err := rig.ConnectCRM(s.teller.url)
	if err != nil {
		return err
	}
	defer crm.Close()
	for n := 0; ctx.Err() == nil; n++ {
		err := s.publishOnce(ctx, crm)
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), "maximum bytes exceeded") {
			return fmt.Errorf("publish into a full stream: %w", err)
		}
		s.say("full after %d events: %v", n, err)
		return nil
	}
	return context.Cause(ctx)
}

func (s *siege) purge(ctx context.Context) error {
	crm, err := rig.ConnectCRM(s.teller.url)
	if err != nil {
		return err
	}
	defer crm.Close()
	stream, err := crm.Stream.Stream(ctx, streamName)
	if err != nil {
		return err
	}
	return stream.Purge(ctx)
}

// smallDisk is a file system of its own for the data folder, with this much room.
const smallDisk = "size=24m,mode=0700"

// dbFull fills the disk under the database, and every other time under the stream too. Nothing is lost, done in part or
// done twice, and when there is room again all goes on, if need be with the help of a supervisor.
func dbFull(ctx context.Context, t *trial) error {
	for round := range t.rounds {
		if err := fillDisk(ctx, t, round); err != nil {
			return err
		}
	}
	return nil
}

// fillDisk plays one round, on a disk of its own.
func fillDisk(ctx context.Context, t *trial, round int) (err error) {
	s := newSiege(t)
	s.folder = filepath.Join(t.folder, fmt.Sprint(round))
	moment, besides := "database", filepath.Join(s.folder, "stream")
	if round%2 == 1 {
		moment, besides = "database and stream", ""
	}
	var data string
	s.beforeStart = func(_ context.Context, h *house) error {
		data, h.supervise = h.place.Data(), true
		return mountDisk(data, besides)
	}
	defer func() {
		s.end(err)
		if data != "" {
			err = errors.Join(err, syscall.Unmount(data, 0))
		}
	}()
	ctx, err = s.begin(ctx, ownBroker, "urgent")
	if err != nil {
		return err
	}
	s.load(ctx)
	time.Sleep(randomTime)
	ballast, err := fillUp(data)
	if err != nil {
		s.unload()
		return err
	}
	s.broke(moment)
	time.Sleep(downTime)
	err = os.Remove(ballast)
	began := time.Now()
	s.unload()
	if err != nil {
		return err
	}
	if err := rig.Await(ctx, func() bool { return len(s.ledger.missing()) == 0 }); err != nil {
		s.say("missing after there is room again: %d", len(s.ledger.missing()))
	}
	s.recovered(time.Since(began))
	return s.settle(ctx, 0)
}

// mountDisk puts a small disk under the data folder, and the stream on a larger one if one is named.
func mountDisk(data, stream string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, smallDisk); err != nil {
		return fmt.Errorf("%w: a small disk cannot be mounted (root may): %w", errSkipped, err)
	}
	if stream == "" {
		return nil
	}
	return errors.Join(os.MkdirAll(stream, 0o700), os.Symlink(stream, filepath.Join(data, "stream")))
}

// fillUp writes a file until there is no room for another byte.
func fillUp(folder string) (path string, err error) {
	path = filepath.Join(folder, "ballast")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		_, err := file.Write(make([]byte, size))
		var failed *fs.PathError
		switch {
		case err == nil:
		case errors.As(err, &failed) && errors.Is(failed.Err, syscall.ENOSPC):
			size /= 2
		default:
			return "", err
		}
	}
	return path, nil
}
