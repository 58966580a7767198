package links_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/memory"
	"postern/internal/pages"
	"postern/internal/store"
	"postern/internal/store/storetest"
	"postern/links"
)

// house is a door with everything behind it: the real store, kept records, real keys, over real HTTP.
type house struct {
	t      testing.TB
	url    string
	store  *store.Store
	clock  clock
	bus    *memory.Bus
	engine *engine.Rehearsal               // sends what the door plans, when settle is called
	sent   map[string]*enginetest.Recorder // by channel
	ring   *keys.Ring
	root   keys.Root
	folder string // of the database
	minter *links.Minter
	book   *engine.Book
	door   *links.Door
	log    *enginetest.Log
	seq    uint64

	published int // events on the bus
}

// clock stands still until a test moves it.
type clock struct{ *engine.StillClock }

// Advance moves the clock.
func (c clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

var ticket = engine.Ref{Module: "HelpDesk", ID: "17x42"}

// newHouse opens a door; change may alter what it works with.
func newHouse(t testing.TB, change ...func(*links.DoorConfig)) *house {
	t.Helper()
	return newLimitedHouse(t, engine.Settings{}, change...)
}

func newLimitedHouse(t testing.TB, settings engine.Settings, change ...func(*links.DoorConfig)) *house {
	t.Helper()
	h := &house{
		t: t, clock: clock{engine.NewStillClock(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))}, book: book(),
		log: &enginetest.Log{}, sent: map[string]*enginetest.Recorder{"email": {}, "sms": {}},
	}
	logger := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	folder := t.TempDir()
	var err error
	database := filepath.Join(folder, "postern.db")
	storetest.Blank(t, database, store.Open)
	if h.store, err = store.Open(t.Context(), database, h.clock, logger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.Close() })
	root, err := keys.Create(filepath.Join(folder, "root.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.NewRing(root)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.door.ServeHTTP(w, r)
	}))
	h.ring, h.root, h.folder = ring, root, folder
	h.url = "http://" + server.Listener.Addr().String()
	base, err := pages.ParseBase(h.url)
	if err != nil {
		t.Fatal(err)
	}
	config := links.DoorConfig{
		Store: h.store, CRM: crm.NewMirror(h.store), Book: func() *engine.Book { return h.book }, Keys: ring.Door(),
		Base: base, Clock: h.clock, Random: rand.Reader, Logger: logger, Brand: pages.Brand{Name: "Acme"},
	}
	config.Carriers = enginetest.Carriers("email", "sms")
	config.Sealer = ring.Seal(rand.Reader)
	for _, c := range change {
		c(&config)
	}
	h.bus = memory.NewBus(h.clock.Now)
	h.minter = links.NewMinter(config.Base, ring.Mint(), rand.Reader)
	h.engine, err = engine.Rehearse(t.Context(), engine.Ports{
		Bus: h.bus, CRM: config.CRM, Store: h.store, Minter: h.minter, Sealer: ring.Seal(rand.Reader),
		Channels: map[string]engine.Channel{"email": h.sent["email"], "sms": h.sent["sms"]}, Book: config.Book(),
		Clock: h.clock.StillClock, Random: rand.Reader, Logger: logger,
	}, settings)
	if err != nil {
		t.Fatal(err)
	}
	config.Minter, config.Sends = h.minter, h.engine.Engine()
	if h.door, err = links.NewDoor(config); err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	h.put(engine.Fields{
		"ticket_no": "TT42", "ticket_title": "Printer on fire", "ticketstatus": "Open", "hours": json.Number("1234.50"),
		"due": "2026-11-30", "secret": "only for the staff", "urgent": true,
		"description": "It began with smoke.\nNow there are flames.", "web": "https://printers.example/42",
	})
	return h
}

func field(name string, kind engine.FieldType, label string) *engine.Field {
	return &engine.Field{Name: name, Type: kind, Label: engine.Labels{"en": label}}
}

func book() *engine.Book {
	status := field("ticketstatus", engine.TypePicklist, "Status")
	status.Options = []string{"Open", "In Progress", "Wait For Response", "Closed", "Resolved"}
	status.Label["nl"] = "Stand"
	title := field("ticket_title", engine.TypeText, "Title")
	title.Required, title.Max = true, 80
	number := field("ticket_no", engine.TypeText, "Number")
	number.Unique = true
	colours := field("colours", engine.TypeMultiPicklist, "Colours")
	colours.Options = []string{"Black", "Cyan", "Magenta", "Yellow"}
	module := &engine.Module{
		Name: "HelpDesk", Label: engine.Labels{"en": "Ticket", "nl": "Melding"}, Keep: true,
		Fields: map[string]*engine.Field{
			"ticketstatus": status, "ticket_title": title, "colours": colours, "ticket_no": number,
			"description": field("description", engine.TypeText, "Description"),
			"hours":       field("hours", engine.TypeDecimal, "Hours"),
			"due":         field("due", engine.TypeDate, "Due"),
			"call":        field("call", engine.TypeDateTime, "Call me"),
			"urgent":      field("urgent", engine.TypeBoolean, "Urgent"),
			"email":       field("email", engine.TypeEmail, "Email"),
			"web":         field("web", engine.TypeURL, "Web page"),
			"secret":      field("secret", engine.TypeText, "Secret"),
		},
	}
	resolve := &engine.Action{
		Name: "resolve", Label: engine.Labels{"en": "Mark as resolved", "nl": "Opgelost"},
		Set: engine.Fields{"ticketstatus": "Resolved"},
	}
	ticketPage := &engine.Landing{
		Name: "ticket", Version: "v1", Module: module, Title: map[string]engine.Template{"en": numbered{}},
		Show: []string{"ticket_no", "ticketstatus", "description", "due", "hours", "web"},
		Edit: []*engine.Edit{
			{Field: status, Options: []string{"Open", "Resolved"}},
			{Field: title},
			{Field: module.Fields["hours"]},
			{Field: module.Fields["due"]},
			{Field: module.Fields["urgent"]},
			{Field: module.Fields["email"]},
			{Field: colours},
			{Field: module.Fields["call"]},
		},
		Actions: []*engine.Action{resolve}, Expires: 14 * 24 * time.Hour, Uses: 20,
	}
	once := &engine.Landing{
		Name: "once", Module: module, Show: []string{"ticket_no"}, Actions: []*engine.Action{
			resolve, {Name: "close", Set: engine.Fields{"ticketstatus": "Closed"}},
		}, Expires: time.Hour, Uses: 1,
	}
	look := &engine.Landing{
		Name: "look", Module: module, Show: []string{"ticket_title", "description", "web"}, Expires: time.Hour,
	}
	return &engine.Book{
		Modules:  map[string]*engine.Module{"HelpDesk": module},
		Landings: map[string]*engine.Landing{"ticket": ticketPage, "once": once, "look": look},
	}
}

// numbered is the title a landing gives: "Ticket <number>: <title>".
type numbered struct{}

func (numbered) Render(_, _ string, env *engine.Env) (engine.Content, error) {
	return engine.Content{Text: "Ticket " + env.Record.Text("ticket_no") + ": " + env.Record.Text("ticket_title")}, nil
}

func (numbered) Routes() []string { return nil }

// put changes the ticket from outside, as the CRM's own people do.
func (h *house) put(fields engine.Fields) {
	h.t.Helper()
	now := h.fields()
	maps.Copy(now, fields)
	h.follow(&engine.Event{Type: engine.RecordUpdated, Subject: ticket.String(), Change: &engine.Change{Record: now}})
}

// drop deletes the ticket.
func (h *house) drop() {
	h.follow(&engine.Event{Type: engine.RecordDeleted, Subject: ticket.String(), Change: &engine.Change{}})
}

func (h *house) follow(event *engine.Event) {
	h.t.Helper()
	h.seq++
	_, err := h.store.Intake(h.t.Context(), engine.Intake{Kept: []engine.Kept{{Event: event, Seq: h.seq}}})
	if err != nil {
		h.t.Fatal(err)
	}
}

// fields is the ticket as it stands.
func (h *house) fields() engine.Fields {
	h.t.Helper()
	records, err := h.store.Records(h.t.Context(), []engine.Ref{ticket})
	if err != nil {
		h.t.Fatal(err)
	}
	if len(records) == 0 {
		return engine.Fields{}
	}
	return maps.Clone(records[0].Fields)
}

// holds checks fields of the ticket as it stands.
func (h *house) holds(want map[string]string) {
	h.t.Helper()
	now := h.fields()
	for name, text := range want {
		if got := now.Text(name); got != text {
			h.t.Errorf("%s is %q, want %q", name, got, text)
		}
	}
}

// settle sends what the door planned and publishes its events.
func (h *house) settle() {
	h.t.Helper()
	if _, err := h.engine.Settle(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// events are what went out because of what visitors did, the oldest first: that they opened a link is no deed.
func (h *house) events() []*engine.Event {
	h.t.Helper()
	return slices.DeleteFunc(h.told(), func(e *engine.Event) bool { return e.Type == engine.LinkOpened })
}

// told are the events that went out because of the door, those of the types, or all.
func (h *house) told(types ...string) []*engine.Event {
	h.t.Helper()
	outgoing, err := h.store.Outgoing(h.t.Context(), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	var events []*engine.Event
	for _, o := range outgoing {
		if len(types) == 0 || slices.Contains(types, o.Event.Type) {
			events = append(events, o.Event)
		}
	}
	return events
}

// mint makes a link to a landing and returns it with its address.
func (h *house) mint(landing string, change ...func(*engine.LinkTerms)) (engine.Link, string) {
	h.t.Helper()
	terms := engine.LinkTerms{
		Landing: h.book.Landings[landing], Record: ticket, Masked: "z…@acme.example", Workflow: "ticket-opened",
		Cause: "event-1", Recipient: engine.Ref{Module: "Contacts", ID: "12x7"},
	}
	for _, c := range change {
		c(&terms)
	}
	link, err := h.minter.Mint(h.t.Context(), terms, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.store.Mint(h.t.Context(), link); err != nil {
		h.t.Fatal(err)
	}
	address, err := h.minter.URL(link)
	if err != nil {
		h.t.Fatal(err)
	}
	return link, address
}

// visitor is a browser: it keeps cookies, follows redirects and sends what browsers send.
type visitor struct {
	h      *house
	client *http.Client
	head   http.Header
}

func (h *house) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{h: h, client: &http.Client{Jar: jar}, head: http.Header{}}
}

// shown is a page as it arrived.
type shown struct {
	status int
	path   string
	head   http.Header
	text   string
}

func (v *visitor) send(method, address string, form url.Values) shown {
	v.h.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.h.url + address
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(v.h.t.Context(), method, address, body)
	if err != nil {
		v.h.t.Fatal(err)
	}
	request.Header = v.head.Clone()
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return v.do(request)
}

func (v *visitor) do(request *http.Request) shown {
	v.h.t.Helper()
	response, err := v.client.Do(request)
	if err != nil {
		v.h.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.h.t.Fatal(err)
	}
	return shown{response.StatusCode, response.Request.URL.Path, response.Header, string(text)}
}

func (v *visitor) get(address string) shown { v.h.t.Helper(); return v.send("GET", address, nil) }

// open passes the door and returns the first page behind it.
func (v *visitor) open(address string) shown {
	v.h.t.Helper()
	page := v.send("POST", address, nil)
	if page.status != http.StatusOK {
		v.h.t.Fatalf("open %s: status %d\n%s", address, page.status, page.text)
	}
	return page
}

// submit sends a page's form with the hidden fields it came with.
func (v *visitor) submit(page shown, fields url.Values) shown {
	v.h.t.Helper()
	form := url.Values{"~seen": {page.seen()}}
	maps.Copy(form, fields)
	return v.send("POST", page.path, form)
}

// seen is the hidden field that says what the page showed.
func (s shown) seen() string {
	found := regexp.MustCompile(`name="~seen" value="([^"]*)"`).FindStringSubmatch(s.text)
	if found == nil {
		return ""
	}
	return found[1]
}

// expect checks status and texts of a page; a text with ! in front must not be there.
func (s shown) expect(t *testing.T, status int, texts ...string) {
	t.Helper()
	ok := s.status == status
	for _, text := range texts {
		if unwanted, no := strings.CutPrefix(text, "!"); no {
			ok = ok && !strings.Contains(s.text, unwanted)
			continue
		}
		ok = ok && strings.Contains(s.text, text)
	}
	if !ok {
		t.Errorf("%s: status %d, want %d with %q\n%s", s.path, s.status, status, texts, s.text)
	}
}
