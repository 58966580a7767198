package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/memory"
	"postern/internal/rehearsal"
	"postern/internal/store"
	"postern/links"
)

// rehearsalSecret stands for every secret of the configuration.
func rehearsalSecret(name string) ([]byte, bool) { return []byte("the secret " + name), true }

// openStage makes what one case of a test is played on: the house as serve opens it, with everything in memory, a
// clock that stands still, and dice that fall the same each time.
func openStage(ctx context.Context, cast rehearsal.Cast) (*rehearsal.Stage, error) {
	logger := slog.New(slog.DiscardHandler)
	random := rand.NewChaCha8([32]byte([]byte("a rehearsal is the same each time")))
	root, err := keys.NewRoot(random)
	if err != nil {
		return nil, err
	}
	ring, err := keys.NewRing(root)
	if err != nil {
		return nil, err
	}
	base, err := links.ParseBase("https://go.example")
	if err != nil {
		return nil, err
	}
	db, err := store.OpenMemory(ctx, cast.Clock, logger)
	if err != nil {
		return nil, err
	}
	bus, mirror := memory.NewBus(cast.Clock.Now), crm.NewMirror(db)
	minter := links.NewMinter(base, ring.Mint(), random)
	r, err := engine.Rehearse(ctx, engine.Ports{
		Bus: bus, CRM: mirror, Store: db, Minter: minter, Sealer: ring.Seal(random), Channels: cast.Channels,
		Caller: cast.Caller, Book: cast.Book, Clock: cast.Clock, Random: random, Secrets: rehearsalSecret,
		Watch: cast.Watch, Logger: logger,
	}, engine.Settings{})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	door, err := links.NewDoor(links.DoorConfig{
		Store: db, CRM: mirror, Book: r.Engine().Book, Keys: ring.Door(), Base: base, Clock: cast.Clock, Random: random,
		Logger: logger, Brand: links.Brand{Name: "Acme"},
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &rehearsal.Stage{
		Rehearsal: r, Clock: cast.Clock, Bus: bus, CRM: mirror, Desk: db, Door: door, URL: minter.URL, Close: db.Close,
	}, nil
}
