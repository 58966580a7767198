package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/engine"
)

var _ engine.Desk = (*Store)(nil)

const (
	listLimit = 50   // lines of a list that names no limit
	listMost  = 1000 // lines of any list
)

// endings finds an id by the end of its text: an index holds all that is read for it.
var endings = map[engine.Thing]string{
	engine.ThingRun:      "SELECT id FROM runs WHERE lower(hex(id)) LIKE ? LIMIT 2",
	engine.ThingDelivery: "SELECT id FROM deliveries WHERE lower(hex(id)) LIKE ? LIMIT 2",
	engine.ThingLetter:   "SELECT id FROM dead_letters WHERE lower(hex(id)) LIKE ? LIMIT 2",
	engine.ThingAddress:  "SELECT DISTINCT address FROM suppressions WHERE lower(hex(address)) LIKE ? LIMIT 2",
	engine.ThingLink:     "SELECT id FROM links WHERE lower(hex(id)) LIKE ? LIMIT 2",
}

// Ending implements engine.Desk.
func (s *Store) Ending(ctx context.Context, of engine.Thing, ending string) ([]engine.ID, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	digits := strings.ToLower(strings.ReplaceAll(ending, "-", ""))
	if strings.Trim(digits, "0123456789abcdef") != "" || digits == "" {
		return nil, nil
	}
	var found []engine.ID
	err := s.reads.each(ctx, endings[of], []any{"%" + digits}, func(row scan) error {
		var id ident
		err := row(&id)
		found = append(found, engine.ID(id))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find %s …%s: %w", of, ending, err)
	}
	return found, nil
}

// narrow collects the conditions of a list.
type narrow struct {
	where string
	args  []any
}

// by adds a condition unless its value is none.
func (n *narrow) by(given bool, condition string, args ...any) {
	if given {
		n.where += " AND " + condition
		n.args = append(n.args, args...)
	}
}

// states adds a condition on the state, as text: an index on one state serves only a query that names it.
func states[S ~string](n *narrow, wanted []S) error {
	if len(wanted) == 0 {
		return nil
	}
	var quoted []string
	for _, state := range slices.Compact(slices.Sorted(slices.Values(wanted))) {
		if strings.Trim(string(state), "abcdefghijklmnopqrstuvwxyz") != "" {
			return fmt.Errorf("%q is no state", state)
		}
		quoted = append(quoted, "'"+string(state)+"'")
	}
	if len(quoted) == 1 {
		n.where += " AND state = " + quoted[0]
		return nil
	}
	n.where += " AND state IN (" + strings.Join(quoted, ", ") + ")"
	return nil
}

// made adds that an id was made not before a time, and before another id. Ids begin with their time.
func (n *narrow) made(since time.Time, before engine.ID) {
	n.by(!since.IsZero(), "id >= ?", idBefore(since))
	n.by(!before.IsZero(), "id < ?", ident(before))
}

func limited(limit int) int {
	if limit <= 0 {
		return listLimit
	}
	return min(limit, listMost)
}
