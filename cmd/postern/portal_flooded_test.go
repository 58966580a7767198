package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/scram"
	"postern/portal"
	portalhouse "postern/portal/portaltest/house"
)

// flooded is a hall with links to a ticket, whose gate checks passwords as the shipped one does, while another process
// sends password forms.
type flooded struct {
	*hall
	url      string
	forms    int
	visit    int         // number of the visitor
	idle     uint64      // bytes of memory before anything was sent
	statuses map[int]int // of answers to forms, how many; 0 for those that were given up; see noRetry
	memory   uint64      // bytes that they took, at most
	checked  int         // passwords at a time, at most
	waiting  int
}

func newFlood(t *testing.T, forms int) *flooded {
	t.Helper()
	h := newHall(t, func(c *portal.GateConfig) {
		c.Clock, c.Rounds, c.Floor = engine.SystemClock{}, scram.Rounds, refusedIn
	})
	server := httptest.NewServer(h.handler)
	t.Cleanup(server.Close)
	module := h.Modules["HelpDesk"]
	open := &engine.Action{
		Name: "open", Label: engine.Labels{"en": "Open"}, Set: engine.Fields{"ticketstatus": "Open"},
	}
	shut := &engine.Action{
		Name: "close", Label: engine.Labels{"en": "Close"}, Set: engine.Fields{"ticketstatus": "Closed"},
	}
	h.book.Landings["ticket"] = &engine.Landing{
		Name: "ticket", Module: module, Modules: h.Modules, Expires: time.Hour, Uses: 1,
		Show: []string{"ticket_no", "ticketstatus", "description"}, Actions: []*engine.Action{open, shut},
	}
	return &flooded{
		hall: h, url: "http://localhost:" + server.URL[strings.LastIndexByte(server.URL, ':')+1:], forms: forms,
		statuses: map[int]int{},
	}
}

// visits has visitors follow links, one after the other for a time, each through its door to the page of the ticket,
// the question, the act and the receipt. It returns what 99 of 100 of these take at most, in milliseconds.
func (f *flooded) visits(while time.Duration) float64 {
	f.T.Helper()
	var times []float64
	for end := time.Now().Add(while); time.Now().Before(end); {
		f.visit++
		act := []string{"close", "open"}[f.visit%2]
		jar, _ := cookiejar.New(nil)
		client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}
		ask := func(path string, form url.Values, status int) (body, to string) {
			f.T.Helper()
			time.Sleep(2 * time.Millisecond)
			began := time.Now()
			body, to = f.ask(client, path, form, status)
			times = append(times, float64(time.Since(began).Microseconds())/1000)
			return body, to
		}
		door := f.newLink()
		ask(door, nil, http.StatusOK)
		_, page := ask(door, url.Values{}, http.StatusSeeOther)
		ask(page, nil, http.StatusOK)
		question, _ := ask(page+"/"+act, nil, http.StatusOK)
		_, receipt := ask(page+"/"+act, url.Values{"~seen": {shownPage{text: question}.seen()}}, http.StatusSeeOther)
		ask(receipt, nil, http.StatusOK)
	}
	slices.Sort(times)
	return times[len(times)*99/100]
}

func (f *flooded) ask(client *http.Client, path string, form url.Values, status int) (body, to string) {
	f.T.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(f.T.Context(), method, f.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		f.T.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	reply, err := client.Do(r)
	if err != nil {
		f.T.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != status {
		f.T.Fatalf("%s %s is %s, want %d: %v\n%s", method, path, reply.Status, status, err, text)
	}
	return string(text), reply.Header.Get("Location")
}

// newLink is the path of a new link to the ticket.
func (f *flooded) newLink() string {
	f.T.Helper()
	terms := engine.LinkTerms{Landing: f.book.Landings["ticket"], Record: portalhouse.Ref("HelpDesk/17x1")}
	link, err := f.minter.Mint(f.T.Context(), terms, f.Clock.Now())
	if err == nil {
		err = f.Store.Mint(f.T.Context(), link)
	}
	if err != nil {
		f.T.Fatal(err)
	}
	address, err := f.minter.URL(link)
	if err != nil {
		f.T.Fatal(err)
	}
	return strings.TrimPrefix(address, "http://localhost:8080")
}

// begin has another process send the forms, and returns what ends it once they are under way.
func (f *flooded) begin() (stop func()) {
	f.T.Helper()
	self, err := os.Executable()
	if err != nil {
		f.T.Fatal(err)
	}
	sender := exec.CommandContext(f.T.Context(), self)
	sender.Args = []string{floodProgram, f.url + "/portal/customers/sign-in", strconv.Itoa(f.forms)}
	sender.Stderr = os.Stderr
	in, err := sender.StdinPipe()
	if err != nil {
		f.T.Fatal(err)
	}
	out, err := sender.StdoutPipe()
	if err != nil {
		f.T.Fatal(err)
	}
	if err := sender.Start(); err != nil {
		f.T.Fatal(err)
	}
	said := json.NewDecoder(out)
	var begun bool
	if err := said.Decode(&begun); err != nil { // once the first was turned away
		f.T.Fatal(err)
	}
	return func() {
		f.T.Helper()
		statuses := map[int]int{}
		err := in.Close()
		if err == nil {
			err = said.Decode(&statuses)
		}
		if err == nil {
			err = sender.Wait()
		}
		if err != nil {
			f.T.Fatal(err)
		}
		for status, n := range statuses {
			f.statuses[status] += n
		}
	}
}

// look notes how much memory the forms take, and how many passwords are checked or wait to be.
func (f *flooded) look() {
	if now := inUse(); now > f.idle {
		f.memory = max(f.memory, now-f.idle)
	}
	stacks := make([]byte, 64<<20)
	text := string(stacks[:runtime.Stack(stacks, true)])
	f.checked = max(f.checked, len(stretching.FindAllString(text, -1)))
	f.waiting = max(f.waiting, len(entering.FindAllString(text, -1)))
}

var (
	stretching = regexp.MustCompile(`(?m)^postern/internal/scram\.stretch\(`)
	entering   = regexp.MustCompile(`(?m)^postern/portal\.\(\*pool\)\.enter\(`)
)

// inUse is how much the process has in use, in bytes.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
