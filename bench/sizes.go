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

// sizesTrial has no goal: it tells how soon Postern is ready and how much memory it has then, as it comes, with its own
// broker and nothing in its database; and what a link that is alive costs, with a broker elsewhere, whose memory is not
// counted.
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
	bench   *bench
	sink    *sink
	brokers []*rig.Child
	book    book
	full    rig.Place // whose database has links
	count   int       // of them
	table   float64   // bytes of their table and its indexes
	file    float64   // bytes of the database
	none    float64   // bytes of memory without links
}

func (z *sizes) close() {
	for _, broker := range z.brokers {
		broker.Kill()
	}
	z.sink.close()
}

func (z *sizes) open(ctx context.Context) (err error) {
	if z.book, err = bookOf("mail"); err != nil {
		return err
	}
	bare, _, err := z.remote(ctx)
	if err != nil {
		return err
	}
	if z.none, err = z.bench.rest(ctx, bare); err != nil {
		return err
	}
	full, url, err := z.remote(ctx)
	if err != nil {
		return err
	}
	z.full = full
	child, _, err := z.bench.ready(ctx, z.full)
	if err != nil {
		return err
	}
	defer child.Kill()
	if _, err := mailedLinks(ctx, z.sink, url, 1, z.count); err != nil {
		return fmt.Errorf("%w\n%s", err, child.Tail())
	}
	if err := child.Stop(stopTime); err != nil {
		return err
	}
	z.table, z.file, err = tableBytes(ctx, z.full, "links")
	return err
}

// remote makes a place at a broker of its own.
func (z *sizes) remote(ctx context.Context) (rig.Place, string, error) {
	broker, url, err := z.bench.broker(ctx, z.sink)
	if err != nil {
		return rig.Place{}, "", err
	}
	z.brokers = append(z.brokers, broker)
	p, err := z.bench.place(z.sink, z.book, url)
	return p, url, err
}

// rest runs Postern with nothing to do, and tells how many bytes of memory it has then.
func (b *bench) rest(ctx context.Context, p rig.Place) (float64, error) {
	child, _, err := b.ready(ctx, p)
	if err != nil {
		return 0, err
	}
	defer child.Kill()
	time.Sleep(settleTime)
	rss, err := rssOf(child.PID())
	if err != nil {
		return 0, err
	}
	return rss, child.Stop(stopTime)
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
	if side == 1 {
		rss, err := z.bench.rest(ctx, z.full)
		n := float64(z.count)
		return sample{"memory-B/link": (rss - z.none) / n, "link-B": z.table / n, "database-B/match": z.file / n}, err
	}
	p, err := z.bench.place(z.sink, z.book, "")
	if err != nil {
		return nil, err
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
	return sample{"ready-ms": took.Seconds() * 1000, "idle-MiB": rss / (1 << 20)}, child.Stop(stopTime)
}
