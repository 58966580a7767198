package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"postern/bench/floor"
	"postern/internal/rig"
)

const (
	doorTime  = 2 * time.Second // of hammering in a full round
	doorWidth = 8               // connections
)

// landingTrial opens the page of a link over and over, over kept connections. Nobody else wants anything. The floor
// looks up a link and a record by index and fills a template of as many bytes.
func landingTrial() trial {
	return doorTrial("landing", figure{"landing_get_vs_floor", atLeast(0.5), over("GET/s")}, request{"GET", 200})
}

// postTrial passes the door of links over and over, each time as another visitor. The floor looks up a link by index
// and stores a flow in a transaction that it shares, as Postern does, with the requests that wait for it.
func postTrial() trial {
	return doorTrial("post", figure{"door_post_vs_floor", atLeast(0.5), over("POST/s")}, request{"POST", 303})
}

// request is what is asked of a link over and over, and the status that is the right answer.
type request struct {
	method string
	status int
}

func doorTrial(name string, f figure, r request) trial {
	return trial{
		name: name, sides: [2]string{"postern", "floor"}, figures: []figure{f},
		open: func(ctx context.Context, b *bench) (stand, error) {
			s, err := newSink()
			if err != nil {
				return nil, err
			}
			d := &doors{bench: b, sink: s, request: r}
			return d, d.open(ctx)
		},
	}
}

// doors is the stand of doorTrial: both sides are running all the time.
type doors struct {
	bench   *bench
	sink    *sink
	request request
	postern *rig.Child
	floor   *rig.Child
	address string // of the floor
	links   []string
}

func (d *doors) close() {
	for _, child := range []*rig.Child{d.postern, d.floor} {
		if child != nil {
			child.Kill()
		}
	}
	d.sink.close()
}

func (d *doors) open(ctx context.Context) error {
	mail, err := bookOf("mail")
	if err != nil {
		return err
	}
	p, err := d.bench.place(d.sink, mail, "")
	if err != nil {
		return err
	}
	if d.postern, _, err = d.bench.ready(ctx, p); err != nil {
		return err
	}
	if d.links, err = mailedLinks(ctx, d.sink, p.NATSURL(), 1, d.bench.events(2000)); err != nil {
		return err
	}
	c := &caller{address: p.Web}
	defer c.close()
	status, page, err := c.call("GET", "/l/"+d.links[0], nil)
	if err == nil && status != 200 {
		err = fmt.Errorf("the door answers %d", status)
	}
	if err != nil {
		return err
	}
	ports, err := rig.FreePorts(1)
	if err != nil {
		return err
	}
	folder, err := d.bench.fresh()
	if err != nil {
		return err
	}
	d.address = ports[0]
	d.floor, err = d.bench.floor("door", "-listen", d.address, "-folder", folder, "-size", strconv.Itoa(len(page.body)))
	if err != nil {
		return err
	}
	return rig.Await(ctx, func() bool {
		c := &caller{address: d.address}
		defer c.close()
		status, _, err := c.call("GET", "/l/"+floor.Token(0), nil)
		return err == nil && status == 200
	})
}

// mailedLinks makes links by events, and reads their tokens in the mails.
func mailedLinks(ctx context.Context, s *sink, url string, first, count int) ([]string, error) {
	s.begin(1, true)
	if err := publish(ctx, url, tickets(first, count, "HelpDesk", all)); err != nil {
		return nil, err
	}
	if _, err := s.await(ctx, count); err != nil {
		return nil, err
	}
	if len(s.links) != count {
		return nil, fmt.Errorf("%d links came for %d events", len(s.links), count)
	}
	return s.links, nil
}

func (d *doors) measure(ctx context.Context, side int) (sample, error) {
	address, child, token := d.postern.Place.Web, d.postern, func(n int) string { return d.links[n%len(d.links)] }
	profile := func() error { return nil }
	if side == 1 {
		address, child, token = d.address, d.floor, floor.Token
	} else {
		profile = d.bench.profiled(ctx, child.Place)
	}
	s, err := d.bench.hammer(child, address, d.request, token)
	if err != nil {
		return nil, err
	}
	return s, profile()
}

// hammer sends requests as fast as they are answered for a while.
func (b *bench) hammer(child *rig.Child, address string, r request, token func(int) string) (sample, error) {
	before, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	took, err := r.hammer(address, token, time.Duration(float64(doorTime)*min(b.scale+0.02, 1)))
	if err != nil {
		return nil, err
	}
	all := time.Since(begin)
	after, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	return sample{
		r.method + "/s": float64(len(took)) / all.Seconds(),
		"CPU-s/1000":    (after - before).Seconds() / float64(len(took)) * 1000,
		"p50-ms":        percentile(took, 50), "p99-ms": percentile(took, 99),
	}, nil
}

// hammer returns how many milliseconds each request took.
func (r request) hammer(address string, token func(int) string, duration time.Duration) ([]float64, error) {
	var next atomic.Int64
	var mu sync.Mutex
	var took []float64
	var failure error
	var group sync.WaitGroup
	end := time.Now().Add(duration)
	for range doorWidth {
		group.Go(func() {
			c := &caller{address: address}
			defer c.close()
			var mine []float64
			var failed error
			for begin := time.Now(); begin.Before(end) && failed == nil; begin = time.Now() {
				failed = r.send(c, token(int(next.Add(1))))
				mine = append(mine, time.Since(begin).Seconds()*1000)
			}
			mu.Lock()
			defer mu.Unlock()
			took, failure = append(took, mine...), errors.Join(failure, failed)
		})
	}
	group.Wait()
	return took, failure
}

// send asks once, as somebody without cookies.
func (r request) send(c *caller, token string) error {
	var headers []string
	if r.method == "POST" {
		headers = []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}
	}
	status, _, err := c.call(r.method, "/l/"+token, nil, headers...)
	if err == nil && status != r.status {
		err = fmt.Errorf("%s was answered with %d", r.method, status)
	}
	return err
}
