package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"postern/internal/rig"
)

// crowdTrial opens pages of links while a million others are alive, and while a thousand are: that is what the slowest
// of a hundred takes on either side. On the side of the crowd 20,000 links, spread over all of its tables and indexes
// as chance has put them there, are asked for one after the other.
func crowdTrial() trial {
	return trial{
		name: "crowd", sides: [2]string{"1M", "1k"},
		figures: []figure{{"links_1m_vs_1k", atMost(1.5, 2), over("p99-ms")}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			s, err := newSink()
			if err != nil {
				return nil, err
			}
			c := &crowd{bench: b, sink: s}
			return c, c.open(ctx)
		},
	}
}

// crowd is the stand of crowdTrial: both sides are running all the time.
type crowd struct {
	bench *bench
	sink  *sink
	sides [2]*rig.Child
	links [2][]string // tokens that are asked for
}

func (c *crowd) close() {
	for _, child := range c.sides {
		if child != nil {
			child.Kill()
		}
	}
	c.sink.close()
}

func (c *crowd) open(ctx context.Context) error {
	mail, err := bookOf("mail")
	if err != nil {
		return err
	}
	mailed := [2]int{c.bench.events(20_000), c.bench.events(1000)}
	alive := [2]int{c.bench.events(1_000_000), mailed[1]}
	for side := range c.sides {
		p, err := c.bench.place(c.sink, mail, "")
		if err != nil {
			return err
		}
		if c.links[side], err = c.mail(ctx, p, mailed[side]); err != nil {
			return err
		}
		if err := multiply(ctx, p, alive[side]); err != nil {
			return fmt.Errorf("multiply links: %w", err)
		}
		if c.sides[side], _, err = c.bench.ready(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// mail lets a Postern of its own make links, and ends it.
func (c *crowd) mail(ctx context.Context, p rig.Place, count int) ([]string, error) {
	child, _, err := c.bench.ready(ctx, p)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	links, err := mailedLinks(ctx, c.sink, p.NATSURL(), 1, count)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	return links, child.Stop(stopTime)
}

// multiply copies the links of a database that nobody has open, each under an id and a digest of its own, until there
// are so many. Nobody knows the token of a copy; everything else about it is as real as the link it was copied from.
func multiply(ctx context.Context, p rig.Place, want int) error {
	db, err := sql.Open("sqlite", "file:"+p.Data()+"/postern.db")
	if err != nil {
		return err
	}
	defer db.Close()
	var have int
	var columns string
	const look = "SELECT count(*), (SELECT group_concat(name) FROM pragma_table_info('links')) FROM links"
	err = db.QueryRowContext(ctx, look).Scan(&have, &columns)
	if err != nil {
		return err
	}
	own := strings.NewReplacer(",id,", ",randomblob(16),", ",digest,", ",randomblob(32),")
	values := strings.Trim(own.Replace(","+columns+","), ",")
	copies := fmt.Sprintf(`INSERT INTO links (%s) SELECT %s FROM links CROSS JOIN
		(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)
		ORDER BY 1 LIMIT ?`, columns, values)
	_, err = db.ExecContext(ctx, copies, want/have, want-have)
	return err
}

func (c *crowd) measure(ctx context.Context, side int) (sample, error) {
	child, profile := c.sides[side], func() error { return nil }
	if side == 0 {
		profile = c.bench.profiled(ctx, child.Place)
	}
	s, err := c.bench.hammer(child, child.Place.Web, request{"GET", 200}, func(n int) string {
		return c.links[side][n%len(c.links[side])]
	})
	if err != nil {
		return nil, err
	}
	return s, profile()
}
