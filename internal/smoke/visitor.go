package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"postern/internal/rig"
)

const (
	visitors    = 16 // at the same time
	requestTime = 10 * time.Second
)

var (
	// What a visitor would press, and what the browser sends along unasked.
	actionIn = regexp.MustCompile(`href="(/f/[^"/]+/resolve)"`)
	seenIn   = regexp.MustCompile(`name="~seen" value="([^"]*)"`)
)

// visitAll follows the links of all urgent tickets, several at a time.
func visitAll(ctx context.Context, tickets []*ticket, l *ledger) {
	transport := &http.Transport{MaxIdleConnsPerHost: visitors}
	defer transport.CloseIdleConnections()
	waiting := make(chan *ticket)
	var group sync.WaitGroup
	for range visitors {
		group.Go(func() {
			for t := range waiting {
				if err := visit(ctx, transport, t, l); err != nil {
					l.fault(fmt.Errorf("visit %s: %w", t.id, err))
				}
			}
		})
	}
	for _, t := range tickets {
		waiting <- t
	}
	close(waiting)
	group.Wait()
}

// visitor is one customer with a browser of their own.
type visitor struct {
	client *http.Client
	ticket *ticket
	link   string
}

// page is what the browser shows.
type page struct{ rig.Page }

// visit goes the whole way of one customer and counts what the pages say.
func visit(ctx context.Context, transport http.RoundTripper, t *ticket, l *ledger) error {
	link := l.linkOf(t)
	if link == "" {
		return errors.New("there is no link to follow")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	v := visitor{&http.Client{Transport: transport, Jar: jar, Timeout: requestTime}, t, link}
	record, err := v.open(ctx)
	if err != nil {
		return err
	}
	l.opened(t)
	if !t.resolved {
		return nil
	}
	action, seen, err := v.resolve(ctx, record)
	if err != nil {
		return err
	}
	l.acted(t)
	if t.insisted {
		return v.insist(ctx, action, seen)
	}
	return nil
}

// open passes the door, which tells nothing of the record, and expects the ticket's own page behind it.
func (v visitor) open(ctx context.Context) (page, error) {
	door, err := v.get(ctx, v.link)
	switch {
	case err != nil:
		return page{}, err
	case door.Status != http.StatusOK:
		return page{}, fmt.Errorf("the door answers %d", door.Status)
	case strings.Contains(door.Text, v.ticket.title) || numberIn.MatchString(door.Text):
		return page{}, errors.New("the door shows the record")
	}
	record, err := v.post(ctx, v.link, nil)
	if err != nil {
		return page{}, err
	}
	if record.Status != http.StatusOK || !strings.HasPrefix(record.URL.Path, "/f/") {
		return page{}, fmt.Errorf("behind the door is %s with %d", record.URL.Path, record.Status)
	}
	return record, v.own(record)
}

// own finds the visitor's ticket on a page, and no other.
func (v visitor) own(p page) error {
	if !strings.Contains(p.Text, v.ticket.title) {
		return errors.New("the page does not show the ticket's title")
	}
	numbers := numberIn.FindAllString(p.Text, -1)
	if len(numbers) == 0 {
		return errors.New("the page does not show the ticket's number")
	}
	for _, number := range numbers {
		if number != v.ticket.number {
			return fmt.Errorf("the page shows %s, which is another ticket", number)
		}
	}
	return nil
}

// resolve chooses the action on the record's page and confirms it. It returns where the action is confirmed and with
// which mark.
func (v visitor) resolve(ctx context.Context, record page) (action string, form url.Values, err error) {
	found := actionIn.FindStringSubmatch(record.Text)
	if found == nil {
		return "", nil, errors.New("the page offers no action")
	}
	action = record.URL.ResolveReference(&url.URL{Path: found[1]}).String()
	question, err := v.get(ctx, action)
	if err != nil {
		return "", nil, err
	}
	mark := seenIn.FindStringSubmatch(question.Text)
	if question.Status != http.StatusOK || mark == nil {
		return "", nil, fmt.Errorf("the action cannot be confirmed: %d", question.Status)
	}
	form = url.Values{"~seen": {mark[1]}}
	receipt, err := v.post(ctx, action, form)
	if err != nil {
		return "", nil, err
	}
	return action, form, receipt.expect("Saved")
}

// expect holds a page against a receipt that says what was done.
func (p page) expect(heading string) error {
	if p.Status == http.StatusOK && strings.HasPrefix(p.URL.Path, "/r/") && strings.Contains(p.Text, ">"+heading+"<") &&
		strings.Contains(p.Text, "Resolved") {
		return nil
	}
	return fmt.Errorf("the action ends at %s with %d, without a receipt %q", p.URL.Path, p.Status, heading)
}

// insist tries everything once more. The link is used up: the door is closed to others, and the link and the same
// button lead to the same receipt. Were there another effect, a second update would be counted.
func (v visitor) insist(ctx context.Context, action string, form url.Values) error {
	again, err := v.post(ctx, action, form)
	if err != nil {
		return err
	}
	if err := again.expect("Saved"); err != nil {
		return fmt.Errorf("pressed twice: %w", err)
	}
	stranger := v
	stranger.client = &http.Client{Transport: v.client.Transport, Timeout: requestTime}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		own, err := v.do(ctx, method, v.link, nil)
		if err != nil {
			return err
		}
		if err := own.expect("Saved"); err != nil {
			return fmt.Errorf("%s of the used link by who used it: %w", method, err)
		}
		door, err := stranger.do(ctx, method, v.link, nil)
		if err != nil {
			return err
		}
		if door.Status != http.StatusGone {
			return fmt.Errorf("%s of the used link by somebody else answers %d", method, door.Status)
		}
	}
	return nil
}

func (v visitor) get(ctx context.Context, where string) (page, error) {
	return v.do(ctx, http.MethodGet, where, nil)
}

func (v visitor) post(ctx context.Context, where string, form url.Values) (page, error) {
	return v.do(ctx, http.MethodPost, where, form)
}

func (v visitor) do(ctx context.Context, method, where string, form url.Values) (page, error) {
	p, err := rig.Browse(ctx, v.client, method, where, form, nil)
	return page{p}, err
}
