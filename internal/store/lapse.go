package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern/engine"
)

// Links in the order in which they expire, each with whether nobody used it: of one that only shows, whether nobody
// passed its door. Of links that count together the one that expires last stands for all.
const lapsedLinks = `SELECT ` + linkRead + `, uses = 0 AND generation > 0 AND ` + linkRevoked + ` IS NULL
		AND (max_uses > 0 OR opened IS NULL) AND NOT EXISTS (SELECT 1 FROM links AS other
			WHERE other.counts = links.counts AND (other.expires, other.id) > (links.expires, links.id))
	FROM links WHERE (expires, id) > (?, ?) AND expires <= ? ORDER BY expires, id LIMIT ?`

// Lapsed implements engine.LapseStore.
func (s *Store) Lapsed(ctx context.Context, now time.Time, limit int) (engine.Lapse, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var lapse engine.Lapse
	err := s.reads.get(ctx, "SELECT value FROM meta WHERE name = 'lapsed'", nil, []any{&lapse.From})
	if errors.Is(err, sql.ErrNoRows) {
		return engine.Lapse{To: placeOf(now.UnixMilli(), engine.ID{})}, nil
	}
	if err != nil {
		return engine.Lapse{}, fmt.Errorf("find links that expired: %w", err)
	}
	lapse.To = lapse.From
	at, id, err := parsePlace(lapse.From)
	if err != nil {
		return engine.Lapse{}, err
	}
	found := 0
	err = s.reads.each(ctx, lapsedLinks, []any{at, id[:], instant(now), limit}, func(row scan) error {
		var link engine.Link
		var unused bool
		if err := row(append(linkDest(&link), &unused)...); err != nil {
			return err
		}
		found++
		lapse.To = placeOf(link.Expires.UnixMilli(), link.ID)
		if unused {
			lapse.Unused = append(lapse.Unused, link)
		}
		return nil
	})
	if err != nil {
		return engine.Lapse{}, fmt.Errorf("find links that expired: %w", err)
	}
	lapse.More = found == limit
	return lapse, nil
}

// Lapse implements engine.LapseStore.
func (s *Store) Lapse(ctx context.Context, lapse engine.Lapse, events []*engine.Event, now time.Time) error {
	told, err := tellAll(events)
	if err != nil {
		return fmt.Errorf("tell of links that expired: %w", err)
	}
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		move := call{"UPDATE meta SET value = ? WHERE name = 'lapsed' AND value = ?", []any{lapse.To, lapse.From}}
		if lapse.From == "" {
			move = call{"INSERT INTO meta (name, value) VALUES ('lapsed', ?) ON CONFLICT DO NOTHING", []any{lapse.To}}
		}
		rows, err := tx.exec(ctx, move.query, move.args...)
		if err == nil && rows == 0 {
			return engine.ErrStale
		}
		if err != nil {
			return err
		}
		for _, link := range lapse.Unused {
			err := tx.audit(ctx, engine.Deed{
				At: now, Kind: engine.DeedLinkExpired, Actor: "postern", Subject: "link:" + link.ID.String(),
				Detail: link.Record.String(),
			})
			if err != nil {
				return err
			}
		}
		return tx.emit(ctx, told...)
	})
	if err != nil {
		return fmt.Errorf("tell of links that expired: %w", err)
	}
	return nil
}

// placeOf is a place among the links in the order in which they expire.
func placeOf(milli int64, id engine.ID) string {
	return strconv.FormatInt(milli, 10) + " " + hex.EncodeToString(id[:])
}

func parsePlace(place string) (milli int64, id engine.ID, err error) {
	number, digits, _ := strings.Cut(place, " ")
	milli, err = strconv.ParseInt(number, 10, 64)
	if err == nil {
		var raw []byte
		raw, err = hex.DecodeString(digits)
		copy(id[:], raw)
	}
	if err != nil {
		return 0, id, fmt.Errorf("read how far links were looked at: %w", err)
	}
	return milli, id, nil
}
