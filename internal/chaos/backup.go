package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"postern/internal/rig"
)

// restored is what `postern restore --json` tells.
type restored struct {
	Events int `json:"events_after"` // that came after the backup
	Held   int `json:"held_runs"`
	Put    int `json:"unknown_deliveries"` // put aside
	Uses   int `json:"uses_counted"`
}

// backupRestore makes a backup under load, lets more happen, kills, and restores: by turns what came after the backup
// is run or skipped.
func backupRestore(ctx context.Context, t *trial) error {
	for round := range t.rounds {
		after := []string{"skip", "run"}[round%2]
		if err := backupOnce(ctx, t, round, after); err != nil {
			return fmt.Errorf("--after-backup=%s: %w", after, err)
		}
	}
	return nil
}

// backupOnce plays one round in a house of its own.
func backupOnce(ctx context.Context, t *trial, round int, after string) (err error) {
	s := newSiege(t)
	s.folder = filepath.Join(t.folder, fmt.Sprint(round))
	s.sink.anyLink = after == "run" // what was sent since the backup is sent again, with new links
	s.slowMails()
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, ownBroker, "urgent")
	if err != nil {
		return err
	}
	s.tellSome(ctx, inBatch) // over and done when the backup is made
	if _, err := s.arrived(ctx); err != nil {
		return err
	}
	old := s.teller.made.Load()
	saved, err := s.backUp(ctx)
	if err != nil {
		return err
	}
	// What was done before stays done, whatever is restored; of what came since, once more or not at all.
	for n := old + 1; n <= s.teller.made.Load(); n++ {
		s.ledger.uncertain(recordOfTicket(n), after == "run", mailed, filled)
	}
	if err := s.useLink(ctx, recordOfTicket(1)); err != nil {
		return err
	}
	time.Sleep(s.dice.upTo(randomTime))
	s.house.kill()
	s.broke(after)
	began := time.Now()
	text, err := s.house.command(ctx, "restore", saved, "--after-backup", after, "--json")
	if err != nil {
		return err
	}
	var told restored
	if err := json.Unmarshal(text, &told); err != nil {
		return fmt.Errorf("read what restore tells: %w", err)
	}
	if err := s.house.start(ctx); err != nil {
		return err
	}
	s.recovered(time.Since(began))
	return s.afterRestore(ctx, after, told)
}

// useLink uses a link after the backup, and waits until that is told: the stream is where a restore learns of it.
func (s *siege) useLink(ctx context.Context, record string) error {
	if err := s.follow(ctx, &http.Transport{}, record); err != nil {
		return err
	}
	return rig.Await(ctx, func() bool { return s.ledger.count(record, used) > 0 })
}

// backUp has a backup made while tickets are told, and more told after it.
func (s *siege) backUp(ctx context.Context) (folder string, err error) {
	folder = filepath.Join(s.folder, "saved")
	s.load(ctx)
	time.Sleep(s.dice.upTo(randomTime))
	_, err = s.house.command(ctx, "backup", folder)
	time.Sleep(s.dice.upTo(randomTime))
	s.unload()
	return folder, err
}

// afterRestore sees that new tickets are handled, that the link that was used stays used, and how much was skipped.
func (s *siege) afterRestore(ctx context.Context, after string, told restored) error {
	s.say("%s: %d events came after the backup; put aside %d runs and %d messages, %d uses counted again",
		after, told.Events, told.Held, told.Put, told.Uses)
	v := &visitor{siege: s, client: &http.Client{Timeout: requestTime}, link: s.sink.link(recordOfTicket(1))}
	if _, err := v.expect(ctx, http.MethodGet, v.link, nil, http.StatusGone); err != nil {
		return fmt.Errorf("a link that was used after the backup: %w", err)
	}
	s.tellSome(ctx, inBatch/2)
	err := rig.Await(ctx, func() bool { return len(s.ledger.missing()) == 0 && s.ledger.quiet() > quietTime })
	if err != nil {
		return fmt.Errorf("after the restore: %w", err)
	}
	doubts, err := s.house.doubts(ctx)
	if err != nil {
		return err
	}
	for _, d := range doubts {
		s.ledger.uncertain(d.Record, false, doubted)
	}
	without := s.ledger.spared(mailed)
	if may := told.Events + told.Held + told.Put; after == "skip" && without > may {
		s.blame("%d tickets have no mail, but %d events came after the backup or were put aside", without, may)
	}
	if after == "run" && without > len(doubts) {
		s.blame("%d tickets have no mail, %d are in doubt", without, len(doubts))
	}
	sums, wrong := s.ledger.audit(doubts)
	s.add(sums)
	for _, what := range wrong {
		s.blame("%s", what)
	}
	return nil
}
