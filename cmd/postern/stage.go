package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/labels"
	"postern/internal/memory"
	"postern/internal/pages"
	"postern/internal/rehearsal"
	"postern/internal/store"
	"postern/links"
)

// rehearsalSecret stands for every secret of the configuration.
func rehearsalSecret(name string) ([]byte, bool) { return []byte("the secret " + name), true }

// stages makes what cases are played on, of what is the same for all of them.
type stages struct {
	mould  *store.Mould
	labels *labels.Catalogue
}

func newStages(ctx context.Context) (*stages, error) {
	texts, err := links.ShippedLabels()
	if err != nil {
		return nil, err
	}
	mould, err := store.NewMould(ctx)
	return &stages{mould: mould, labels: texts}, err
}

func (s *stages) close() { _ = s.mould.Close() }

// open makes what one case of a test is played on: the house as serve opens it, with everything in memory, a clock
// that stands still, and dice that fall the same each time.
func (s *stages) open(ctx context.Context, cast rehearsal.Cast) (*rehearsal.Stage, error) {
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
	base, err := pages.ParseBase("https://go.example")
	if err != nil {
		return nil, err
	}
	db, err := s.mould.Open(ctx, cast.Clock, logger)
	if err != nil {
		return nil, err
	}
	bus := memory.NewBus(cast.Clock.Now)
	var records engine.CRM = crm.NewMirror(db)
	if cast.Outside != nil {
		records = &lookedUp{CRM: records, outside: cast.Outside, copies: db}
	}
	minter := links.NewMinter(base, ring.Mint(), random)
	r, err := engine.Rehearse(ctx, engine.Ports{
		Bus: bus, CRM: records, Store: db, Minter: minter, Sealer: ring.Seal(random), Channels: cast.Channels,
		Carriers: cast.Carriers, Caller: cast.Caller, Book: cast.Book, Clock: cast.Clock, Random: random,
		Secrets: rehearsalSecret,
		Watch:   cast.Watch, Logger: logger,
	}, engine.Settings{})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	door, err := links.NewDoor(links.DoorConfig{
		Store: db, CRM: records, Book: r.Engine().Book, Keys: ring.Door(), Base: base, Clock: cast.Clock,
		Random: random, Logger: logger, Labels: s.labels, Brand: pages.Brand{Name: "Acme"},
		Minter: minter, Sends: r.Engine(), Carriers: cast.Carriers, Sealer: ring.Seal(random), Secrets: rehearsalSecret,
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &rehearsal.Stage{
		Rehearsal: r, Clock: cast.Clock, Bus: bus, CRM: records, Desk: db, Door: door, URL: minter.URL,
		Press: door.Press,
		Close: db.Close,
	}, nil
}

// lookedUp is the records of a stage over those of a CRM, of which it only reads.
type lookedUp struct {
	engine.CRM
	outside engine.CRM
	copies  engine.RunStore // of the stage: what is read is kept there, so that a run can write to it
}

// Get reads what the stage does not have from the CRM.
func (l *lookedUp) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	own, err := l.CRM.Get(ctx, refs...)
	if err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(slices.Clone(refs), func(ref engine.Ref) bool {
		return slices.ContainsFunc(own, func(r engine.Record) bool { return r.Ref == ref })
	})
	if len(missing) == 0 {
		return own, nil
	}
	others, err := l.outside.Get(ctx, missing...)
	if err != nil || len(others) == 0 {
		return own, err
	}
	var copies engine.Intake
	for _, r := range others {
		copies.Kept = append(copies.Kept, engine.Kept{Seq: 1, Event: &engine.Event{
			Type: engine.RecordCreated, Subject: r.String(), Change: &engine.Change{Record: r.Fields},
		}})
	}
	_, err = l.copies.Intake(ctx, copies)
	return append(own, others...), err
}

// Find looks into the CRM where the stage has nothing.
func (l *lookedUp) Find(ctx context.Context, module, field string, value any, limit int) ([]engine.Record, error) {
	own, err := l.CRM.Find(ctx, module, field, value, limit)
	if err != nil || len(own) > 0 {
		return own, err
	}
	return l.outside.Find(ctx, module, field, value, limit)
}

// List lists what the CRM has.
func (l *lookedUp) List(ctx context.Context, listing engine.Listing) (engine.Page, error) {
	return l.outside.List(ctx, listing)
}
