package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// actTrial confirms the action behind links, four visitors at a time, while Postern works off a backlog of events as
// fast as it can: half of them match and send a mail. What is measured is the POST that changes the record.
func actTrial() trial {
	return trial{
		name: "act", sides: [2]string{"postern", ""},
		figures: []figure{{"post_p99_ms_under_load", atMost(20, 1), of("act-p99-ms")}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			s, err := newSink()
			if err != nil {
				return nil, err
			}
			a := &acts{bench: b, sink: s}
			a.book, err = bookOf("mail")
			return a, err
		},
	}
}

const visitors = 4

// acts is the stand of actTrial.
type acts struct {
	bench *bench
	sink  *sink
	book  book
}

func (a *acts) close() { a.sink.close() }

func (a *acts) measure(ctx context.Context, _ int) (sample, error) {
	broker, url, err := a.bench.broker(ctx, a.sink)
	if err != nil {
		return nil, err
	}
	defer broker.Kill()
	p, err := a.bench.place(a.sink, a.book, url)
	if err != nil {
		return nil, err
	}
	child, _, err := a.bench.ready(ctx, p)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	count, backlog := a.bench.events(1000), a.bench.events(20_000)
	links, err := mailedLinks(ctx, a.sink, url, 1, count)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	a.sink.begin(1, false)
	if err := publish(ctx, url, tickets(count+1, backlog, "HelpDesk", half)); err != nil {
		return nil, err
	}
	profile := a.bench.profiled(ctx, p)
	disk := startProbe(ctx, p.Folder)
	defer disk.stop()
	v := visit(p.Web, links, func() bool { seen, _ := a.sink.seen(); return seen < backlog/2*9/10 })
	loaded, _ := a.sink.seen()
	if _, err := a.sink.await(ctx, backlog/2); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	switch {
	case v.failure != nil:
		return nil, fmt.Errorf("%w\n%s", v.failure, child.Tail())
	case len(v.acted) == 0:
		return nil, errors.New("the load was over before anybody had acted")
	}
	s := sample{
		"act-p50-ms": percentile(v.acted, 50), "act-p99-ms": percentile(v.acted, 99),
		"act-max-ms":  percentile(v.acted, 100),
		"open-p99-ms": percentile(v.opened, 99), "acts": float64(len(v.acted)),
		"mails/s": float64(loaded) / v.took.Seconds(),
	}
	if err := errors.Join(profile(), disk.tell(s)); err != nil {
		return nil, err
	}
	return s, child.Stop(stopTime)
}

// visits are the times of requests in milliseconds.
type visits struct {
	mu            sync.Mutex
	opened, acted []float64
	took          time.Duration
	failure       error
}

// visit follows the links, several at a time, while more says so.
func visit(address string, links []string, more func() bool) *visits {
	v := &visits{}
	var next atomic.Int64
	var group sync.WaitGroup
	begin := time.Now()
	for range visitors {
		group.Go(func() {
			c := &caller{address: address}
			defer c.close()
			for n := int(next.Add(1)) - 1; n < len(links) && more(); n = int(next.Add(1)) - 1 {
				opened, acted, err := act(c, links[n])
				v.mu.Lock()
				if v.failure = errors.Join(v.failure, err); err == nil {
					v.opened, v.acted = append(v.opened, opened), append(v.acted, acted)
				}
				v.mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	group.Wait()
	v.took = time.Since(begin)
	return v
}

var (
	actionIn = regexp.MustCompile(`href="(/f/[^"/]+/resolve)"`)
	seenIn   = regexp.MustCompile(`name="~seen" value="([^"]*)"`)
)

// act goes one visitor's way and returns how long the POST through the door and that of the action took.
func act(c *caller, token string) (opened, acted float64, err error) {
	v := &visitor{caller: c}
	if _, err := v.page("GET", "/l/"+token, nil); err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if _, err := v.page("POST", "/l/"+token, nil); err != nil {
		return 0, 0, err
	}
	opened = time.Since(begin).Seconds() * 1000
	text, err := v.page("GET", v.location, nil)
	if err != nil {
		return 0, 0, err
	}
	action := actionIn.FindStringSubmatch(text)
	if action == nil {
		return 0, 0, errors.New("the page offers no action")
	}
	if text, err = v.page("GET", action[1], nil); err != nil {
		return 0, 0, err
	}
	mark := seenIn.FindStringSubmatch(text)
	if mark == nil {
		return 0, 0, errors.New("the action cannot be confirmed")
	}
	form := url.Values{"~seen": {html.UnescapeString(mark[1])}}.Encode()
	begin = time.Now()
	if _, err := v.page("POST", action[1], []byte(form)); err != nil {
		return 0, 0, err
	}
	acted = time.Since(begin).Seconds() * 1000
	if !strings.HasPrefix(v.location, "/r/") {
		return 0, 0, fmt.Errorf("the action led to %q, which is no receipt", v.location)
	}
	return opened, acted, nil
}

// visitor has cookies, and remembers where it was sent.
type visitor struct {
	caller   *caller
	cookies  []string
	location string
}

func (v *visitor) page(method, path string, form []byte) (string, error) {
	headers := []string{"Accept-Language", "en"}
	if len(v.cookies) > 0 {
		headers = append(headers, "Cookie", strings.Join(v.cookies, "; "))
	}
	if method == "POST" {
		headers = append(headers, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	}
	status, r, err := v.caller.call(method, path, form, headers...)
	if err != nil {
		return "", err
	}
	if status != 200 && status != 303 {
		return "", fmt.Errorf("%s answers %d", method, status)
	}
	for _, cookie := range r.header["set-cookie"] {
		pair, _, _ := strings.Cut(cookie, ";")
		v.cookies = append(v.cookies, pair)
	}
	if where, err := url.Parse(first(r.header["location"])); err == nil {
		v.location = where.RequestURI()
	}
	return string(r.body), nil
}
