package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	_ "modernc.org/sqlite" // to measure tables

	"postern/internal/rig"
)

// settleTime is how long a fresh process is left alone before its memory is read.
const settleTime = time.Second

// sizesTrial has no goal: it tells how soon Postern is ready and how much memory it has then, with nothing in its
// database, and with links that are alive.
func sizesTrial() trial {
	return trial{
		name: "sizes", sides: [2]string{"empty", "links"},
		open: func(ctx context.Context, b *bench) (stand, error) {
			s, err := newSink()
			if err != nil {
				return nil, err
			}
			z := &sizes{bench: b, sink: s, count: b.events(20_000)}
			return z, z.open(ctx)
		},
	}
}

// sizes is the stand of sizesTrial.
type sizes struct {
	bench *bench
	sink  *sink
	book  book
	full  rig.Place // whose database has links
	count int       // of them
	table float64   // bytes of their table and its indexes
	file  float64   // bytes of the database
	empty float64   // bytes of memory of an empty one, in the last round
}

func (z *sizes) close() { z.sink.close() }

func (z *sizes) open(ctx context.Context) (err error) {
	if z.book, err = bookOf("mail"); err != nil {
		return err
	}
	if z.full, err = z.bench.place(z.sink, z.book, ""); err != nil {
		return err
	}
	child, _, err := z.bench.ready(ctx, z.full)
	if err != nil {
		return err
	}
	defer child.Kill()
	if _, err := mailedLinks(ctx, z.sink, z.full.NATSURL(), 1, z.count); err != nil {
		return fmt.Errorf("%w\n%s", err, child.Tail())
	}
	if err := child.Stop(stopTime); err != nil {
		return err
	}
	z.table, z.file, err = tableBytes(ctx, z.full, "links")
	return err
}

// tableBytes asks a database that nobody has open how many bytes a table has with its indexes, and how many all have.
func tableBytes(ctx context.Context, p rig.Place, table string) (part, whole float64, err error) {
	db, err := sql.Open("sqlite", "file:"+p.Data()+"/postern.db?mode=ro")
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, `SELECT
		coalesce(sum(pgsize) FILTER (WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = ?)), 0), sum(pgsize)
		FROM dbstat`, table).Scan(&part, &whole)
	return part, whole, err
}

func (z *sizes) measure(ctx context.Context, side int) (sample, error) {
	p := z.full
	if side == 0 {
		var err error
		if p, err = z.bench.place(z.sink, z.book, ""); err != nil {
			return nil, err
		}
	}
	child, took, err := z.bench.ready(ctx, p)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	time.Sleep(settleTime)
	rss, err := rssOf(child.PID())
	if err != nil {
		return nil, err
	}
	s := sample{"ready-ms": took.Seconds() * 1000, "idle-MiB": rss / (1 << 20)}
	if side == 0 {
		z.empty = rss
	} else {
		n := float64(z.count)
		s["memory-B/link"], s["link-B"], s["database-B/match"] = (rss-z.empty)/n, z.table/n, z.file/n
	}
	return s, child.Stop(stopTime)
}
