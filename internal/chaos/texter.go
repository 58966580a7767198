package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Statuses that the provider reports, as Postern calls the states that follow.
const (
	statusSent        = "sent"
	statusDelivered   = "delivered"
	statusUndelivered = "undelivered"
	statusRead        = "read" // never true here: only the forger says so
)

// earlyTime is how long an answer waits for a report that shall overtake it.
const earlyTime = time.Second

// account is that at the provider, as Twilio writes one.
const account = "AC0123456789abcdef0123456789abcdef"

// numberOf is the telephone number of the customer of the n-th ticket.
func numberOf(n int64) string { return fmt.Sprintf("+34600%06d", n) }

// texter is a provider of SMS that behaves as Twilio does on a bad day: it loses every eighth answer, and reports late,
// early, twice and in the wrong order. It says each report until that is answered.
type texter struct {
	s      *siege
	ctx    context.Context //nolint:containedctx // of the scenario: reports outlive the requests they are about
	server *httptest.Server

	mu      sync.Mutex
	taken   int
	final   map[string]string // by record: what its delivery must end as
	reports sync.WaitGroup
}

func startTexter(ctx context.Context, s *siege) *texter {
	x := &texter{s: s, ctx: ctx, final: map[string]string{}}
	x.server = httptest.NewServer(x)
	return x
}

// channel is the part of Postern's configuration that leads here.
func (x *texter) channel() string {
	return fmt.Sprintf("  sms: { account: %s, token: { env: %s }, from: %q, endpoint: %q }\n",
		account, keyEnv, "+34911000111", x.server.URL)
}

func (x *texter) close() {
	x.server.CloseClientConnections()
	x.server.Close()
	x.reports.Wait()
}

// ServeHTTP takes a message.
func (x *texter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var ticket int64
	if _, err := fmt.Sscanf(r.Form.Get("To"), "+34600%d", &ticket); err != nil {
		x.s.ledger.fault("a message is for %q", r.Form.Get("To"))
	}
	record := recordOfTicket(ticket)
	x.mu.Lock()
	x.taken++
	n := x.taken
	x.mu.Unlock()
	x.s.ledger.see(record, mailed, fmt.Sprint(n))
	x.s.ledger.uncertain(record, false, doubted) // until the report comes
	x.s.fuse.pass(atTaken)
	heard := x.report(record, fmt.Sprintf("SM%032x", n), r.Form.Get("StatusCallback"), storyOf(n))
	switch n % 8 {
	case 0:
		x.hangUp(w)
		return
	case 4:
		select {
		case <-heard:
		case <-time.After(earlyTime):
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"sid":"SM%032x","status":"queued"}`, n)
}

// storyOf is what is reported of the n-th message, in this order. The state of the highest rank is what stays.
func storyOf(n int) []string {
	switch n % 4 {
	case 1:
		return []string{statusDelivered, statusSent, statusDelivered, statusSent}
	case 2:
		return []string{statusSent, statusUndelivered, statusSent}
	case 3:
		return []string{statusDelivered, statusUndelivered}
	}
	return []string{statusSent, statusDelivered}
}

// hangUp loses the answer.
func (x *texter) hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		x.s.ledger.fault("hang up: %v", err)
		return
	}
	_ = conn.Close()
}

// report says what became of a message; heard is closed once the first report was answered.
func (x *texter) report(record, id, address string, story []string) (heard <-chan struct{}) {
	first := make(chan struct{})
	x.reports.Go(func() {
		told := sync.OnceFunc(func() { close(first) })
		defer told()
		x.say(address, id, statusRead, "of somebody else", http.StatusForbidden)
		for _, status := range story {
			x.say(address, id, status, x.s.house.apiKey, http.StatusNoContent)
			told()
		}
		if x.ctx.Err() != nil {
			return
		}
		effect, state := delivered, statusDelivered
		if !slices.Contains(story, statusDelivered) {
			effect, state = undelivered, statusUndelivered
		}
		x.s.ledger.owe(record, effect)
		x.mu.Lock()
		defer x.mu.Unlock()
		x.final[record] = state
	})
	return first
}

// say posts a report until it is answered.
func (x *texter) say(address, id, status, token string, want int) {
	form := url.Values{
		"MessageSid": {id}, "MessageStatus": {status}, "AccountSid": {account}, "ApiVersion": {"2010-04-01"},
	}
	if status == statusUndelivered {
		form.Set("ErrorCode", "30003")
	}
	for x.ctx.Err() == nil {
		x.s.fuse.pass(atReport)
		got, err := x.post(address, form, token)
		x.s.fuse.pass(atReported)
		if err == nil && got < http.StatusInternalServerError {
			if got != want {
				x.s.ledger.fault("a report of %s was answered with %d, want %d", status, got, want)
			}
			return
		}
		time.Sleep(retryTime)
	}
}

func (x *texter) post(address string, form url.Values, token string) (status int, err error) {
	ctx, cancel := context.WithTimeout(x.ctx, requestTime)
	defer cancel()
	path, ours := strings.CutPrefix(address, publicCallbacks)
	if !ours {
		x.s.ledger.fault("a message asks for reports to %q", address)
	}
	where := "http://" + x.s.house.place.Web + "/callbacks" + path // past the proxy that has the public name
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, where, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Twilio-Signature", signature(token, address, form))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// signature is Twilio's: of the address and of the form's fields in the order of their names.
func signature(token, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		mac.Write([]byte(name + form.Get(name)))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
