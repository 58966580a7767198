package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"time"

	"postern/internal/rig"
)

const (
	visitors    = 4 // at the same time
	requestTime = 5 * time.Second
)

var (
	// What a visitor would press, and what the browser sends along unasked.
	actionIn = regexp.MustCompile(`href="(/f/[^"/]+/resolve)"`)
	seenIn   = regexp.MustCompile(`name="~seen" value="([^"]*)"`)
)

// visitor is one customer with a browser that tries again until it gets an answer.
type visitor struct {
	siege  *siege
	client *http.Client
	record string
	link   string
}

// visit goes the way of one mail after the other until it is over.
func (s *siege) visit(ctx context.Context, over <-chan struct{}) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for {
		var record string
		select {
		case record = <-s.sink.came:
		case <-over:
			return
		}
		if err := s.follow(ctx, transport, record); err != nil && ctx.Err() == nil {
			s.ledger.fault("visit of %s: %v", record, err)
		}
	}
}

// follow goes the way of one mail.
func (s *siege) follow(ctx context.Context, transport *http.Transport, record string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport, Jar: jar, Timeout: requestTime}
	return (&visitor{siege: s, client: client, record: record, link: s.sink.link(record)}).resolve(ctx)
}

// resolve passes the door, presses the button, and sees that the link is used up and the same button still shows the
// same receipt. Every form is sent again until there is an answer.
func (v *visitor) resolve(ctx context.Context) error {
	if _, err := v.expect(ctx, http.MethodGet, v.link, nil, http.StatusOK); err != nil {
		return err
	}
	record, err := v.expect(ctx, http.MethodPost, v.link, nil, http.StatusOK)
	if err != nil {
		return err
	}
	v.siege.ledger.owe(v.record, opened)
	found := actionIn.FindStringSubmatch(record.Text)
	if found == nil {
		return fmt.Errorf("%s offers no action", record.URL.Path)
	}
	action := record.URL.ResolveReference(&url.URL{Path: found[1]}).String()
	question, err := v.expect(ctx, http.MethodGet, action, nil, http.StatusOK)
	if err != nil {
		return err
	}
	mark := seenIn.FindStringSubmatch(question.Text)
	if mark == nil {
		return errors.New("the action cannot be confirmed")
	}
	form := url.Values{"~seen": {mark[1]}}
	for range 2 {
		receipt, err := v.expect(ctx, http.MethodPost, action, form, http.StatusOK)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(receipt.URL.Path, "/r/") || !strings.Contains(receipt.Text, ">Saved<") {
			return fmt.Errorf("the action ends at %s without a receipt", receipt.URL.Path)
		}
		v.siege.ledger.owe(v.record, append([]string{resolved, used}, v.siege.actWants...)...)
	}
	stranger := *v // whoever did it is led to the receipt by their cookie
	stranger.client = &http.Client{Transport: v.client.Transport, Timeout: requestTime}
	_, err = stranger.expect(ctx, http.MethodPost, v.link, nil, http.StatusGone)
	return err
}

// expect sends a request until it is answered, which must be with this status.
func (v *visitor) expect(ctx context.Context, method, where string, form url.Values, status int) (rig.Page, error) {
	for {
		p, err := v.do(ctx, method, where, form)
		switch {
		case err == nil && p.Status == status:
			return p, nil
		case err == nil && p.Status < http.StatusInternalServerError:
			return p, fmt.Errorf("%s of %s answers %d, want %d", method, where, p.Status, status)
		case ctx.Err() != nil:
			return p, context.Cause(ctx)
		}
		time.Sleep(retryTime)
	}
}

func (v *visitor) do(ctx context.Context, method, where string, form url.Values) (rig.Page, error) {
	if method == http.MethodPost {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			WroteRequest:         func(httptrace.WroteRequestInfo) { v.siege.fuse.pass(atRequest) },
			GotFirstResponseByte: func() { v.siege.fuse.pass(atResponse) },
		})
	}
	return rig.Browse(ctx, v.client, method, where, form, nil)
}
