package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"postern/channels"
	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/nats"
	"postern/internal/peer"
	"postern/internal/web"
	"postern/internal/yamldoc"
)

// secretFlows is how many flows are gone through before everything is searched: each ticket has four links.
func secretFlows() int {
	if peer.Race {
		return 200 // the search is the same
	}
	return 1000
}

// secrets are what must lie nowhere, each with what it is.
type secrets struct {
	mu    sync.Mutex
	known map[string]string
}

func (s *secrets) add(what, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret != "" {
		s.known[secret] = what
	}
}

// needle is how much of the beginning of a secret is looked for first.
const needle = 8

// search tells which secrets a text holds, in any case of letters. One longer than a needle is found wherever it stands;
// a code, which is shorter, only as a word of its own: within a longer number it is none.
func (s *secrets) search(where, text string, found func(string)) {
	text = strings.ToLower(text)
	byNeedle, codes := map[string][]string{}, map[string]bool{}
	for secret := range s.known {
		if low := strings.ToLower(secret); len(low) > needle {
			byNeedle[low[:needle]] = append(byNeedle[low[:needle]], secret)
		} else {
			codes[low] = true
		}
	}
	for at := range len(text) - needle {
		for _, secret := range byNeedle[text[at:at+needle]] {
			if strings.HasPrefix(text[at:], strings.ToLower(secret)) {
				found(where + ": a " + s.known[secret])
			}
		}
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' && r != utf8.RuneError
	}) {
		if codes[word] {
			found(where + ": a " + s.known[word])
		}
	}
}

// secretHouse is the whole program with everything in it that has secrets, its log at the most talkative.
type secretHouse struct {
	*house
	t       *testing.T
	url     string
	log     enginetest.Log
	secrets secrets
	key     string
	mails   *channels.Capture
	texts   *channels.Capture
	broker  *broker
}

func newSecretHouse(t *testing.T) *secretHouse {
	t.Helper()
	h := &secretHouse{t: t, key: rand.Text(), broker: startBroker(t), secrets: secrets{known: map[string]string{}}}
	shop := rand.Text() + rand.Text()
	t.Setenv("CRM_KEY", h.key)
	t.Setenv("SHOP_SECRET", shop)
	h.secrets.add("bearer key", h.key)
	h.secrets.add("secret that signs", shop)
	var handler http.Handler
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
	}))
	h.url = "http://" + server.Listener.Addr().String()
	c := defaultConfig()
	c.Data, c.NATS, c.Book = t.TempDir(), nats.Config{URL: h.broker.server.Address()}, "testdata/secretbook"
	c.Web = webConfig{Listen: "127.0.0.1:0", BaseURL: h.url, Brand: c.Web.Brand, Hosts: []string{"shop.acme.example"}}
	c.Web.TrustedProxies = []string{"127.0.0.1"}
	c.API.Keys = map[string]web.Key{"crm": {Env: "CRM_KEY"}}
	c.Secrets = map[string]engine.Secret{"shop": {Env: "SHOP_SECRET"}}
	doc, diags := yamldoc.Parse("test", []byte("email: { kind: capture }\nsms: { kind: capture }\n"))
	if err := errors.Join(diags.Err(), yamldoc.Decode(doc.Root(), &c.Channels).Err()); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if h.house, err = openHouse(t.Context(), c, logger); err != nil {
		t.Fatal(err)
	}
	h.mails, _ = h.channels["email"].(*channels.Capture)
	h.texts, _ = h.channels["sms"].(*channels.Capture)
	handler = web.Log(logger, web.Recover(logger, h.handler()))
	server.Start()
	t.Cleanup(server.Close)
	listener, err := h.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- h.work(ctx, listener, h.handler()) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, h.close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// publish posts events as the CRM does.
func (h *secretHouse) publish(id, subject, record string) {
	h.t.Helper()
	body := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm","type":"record.created","subject":%q,
		"data":{"record":%s}}`, id, subject, record)
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+"/events", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+h.key)
	request.Header.Set("Content-Type", "application/cloudevents+json")
	for range 500 {
		response, err := http.DefaultClient.Do(request.Clone(h.t.Context()))
		if err != nil {
			h.t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusAccepted {
			return
		}
		request.Body = io.NopCloser(strings.NewReader(body))
		time.Sleep(20 * time.Millisecond) // it is starting, or busy
	}
	h.t.Fatal("the event was not taken")
}

// message waits for the newest message of a channel that a test knows as its own.
func (h *secretHouse) message(from *channels.Capture, is func(channels.Captured) bool) channels.Captured {
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	for seen := uint64(0); ; {
		var err error
		if seen, err = from.Await(ctx, seen); err != nil {
			h.t.Errorf("a message did not come: %v", err)
			return channels.Captured{}
		}
		all := from.Messages()
		for i := range all {
			if m := all[len(all)-1-i]; is(m) {
				return m
			}
		}
	}
}

// T03: after a thousand flows with all that they may meet, nothing that opens or proves anything lies in the database,
// the stream, the log, the pages for who watches, or any file of the data folder.
func TestT03NoSecretLiesAnywhere(t *testing.T) {
	h := newSecretHouse(t)
	tickets := make(chan int)
	var visitors sync.WaitGroup
	for range 8 {
		visitors.Go(func() {
			for n := range tickets {
				h.ticket(n)
			}
		})
	}
	for n := range secretFlows() / 4 {
		tickets <- n
	}
	close(tickets)
	visitors.Wait()
	if t.Failed() {
		return
	}
	watched := h.guest(secretFlows())
	for _, path := range []string{"/healthz/live", "/healthz/ready", "/metrics", "/api/workflows", "/l/", "/f/x"} {
		h.secrets.search(path, watched.send(http.MethodGet, path, "", nil).text, h.report)
	}
	h.searchAll(&h.secrets, h.report)
	// What is no secret is found everywhere but in the log: the search sees what there is.
	control, found := secrets{known: map[string]string{"nothing secret": "note"}}, map[string]bool{}
	h.searchAll(&control, func(what string) {
		where, _, _ := strings.Cut(what, " ")
		found[strings.TrimSuffix(where, ":")] = true
	})
	for _, where := range []string{"table", "stream", "file"} {
		if !found[where] {
			t.Errorf("a search of the %s finds nothing that it should", where)
		}
	}
	if len(h.secrets.known) < 5*secretFlows() {
		t.Errorf("only %d secrets were searched for", len(h.secrets.known))
	}
}

// ticket has one made, and goes through the four links of its mail.
func (h *secretHouse) ticket(n int) {
	pin := "Blue-" + rand.Text()[:12]
	h.publish(fmt.Sprintf("c%d", n), fmt.Sprintf("Contacts/c%d", n),
		fmt.Sprintf(`{"name":"Zoe","email":%q,"mobile":%q,"pin":%q}`, mailAddress(n), mobileNumber(n), pin))
	h.publish(fmt.Sprintf("t%d", n), fmt.Sprintf("Tickets/t%d", n),
		fmt.Sprintf(`{"name":"Stuck door","status":"Open","contact":"c%d"}`, n))
	m := h.message(h.mails, func(m channels.Captured) bool {
		return isOf(n, m) && linkOf.MatchString(m.Message.Content.Text)
	})
	found := linkOf.FindAllStringSubmatch(m.Message.Content.Text, -1)
	for i, kind := range []string{"by-pin", "by-sms", "by-mail", "plain"} {
		if i >= len(found) {
			h.t.Errorf("the mail has %d links", len(found))
			return
		}
		h.secrets.add("token", found[i][1][1:])
		if err := h.flow(n, kind, found[i][0], pin); err != nil {
			h.t.Error(err)
		}
	}
}

func (h *secretHouse) report(found string) { h.t.Error(found) }

func (h *secretHouse) searchAll(s *secrets, found func(string)) {
	h.t.Helper()
	s.search("log", h.log.String(), found)
	h.searchStore(s, found)
	h.searchStream(s, found)
	h.searchFiles(h.config.Data, s, found)
	h.searchFiles(h.broker.folder, s, found)
}

// searchStore looks at each value of each row of each table.
func (h *secretHouse) searchStore(s *secrets, found func(string)) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.config.database()+"?mode=ro")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	tables := rowsOf(h.t, db, "SELECT name FROM sqlite_schema WHERE type = 'table'")
	for _, table := range tables {
		var text strings.Builder
		for _, row := range rowsOf(h.t, db, fmt.Sprintf("SELECT * FROM %q", table[0])) {
			fmt.Fprintln(&text, strings.Join(row, " "))
		}
		s.search("table "+table[0], text.String(), found)
	}
	if len(tables) < 20 {
		h.t.Errorf("only %d tables were searched", len(tables))
	}
}

func rowsOf(t testing.TB, db *sql.DB, query string) (found [][]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	for rows.Next() {
		cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(cells))
		for i, cell := range cells {
			line[i] = cell.String
		}
		found = append(found, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// searchStream reads the stream from its beginning, with the headers.
func (h *secretHouse) searchStream(s *secrets, found func(string)) {
	h.t.Helper()
	at, err := h.bus.Position(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	var text strings.Builder
	enough := errors.New("enough")
	err = h.bus.Read(h.t.Context(), 0, 500, func(_ context.Context, entries []engine.Entry) error {
		for _, e := range entries {
			fmt.Fprintln(&text, e.Subject, e.Header, string(e.Data))
			if e.Seq >= at.Last {
				return enough
			}
		}
		return nil
	})
	if !errors.Is(err, enough) || at.Last < uint64(secretFlows()) {
		h.t.Errorf("the stream was read up to %d: %v", at.Last, err)
	}
	s.search("stream", text.String(), found)
}

// searchFiles looks into every file below a folder, byte by byte.
func (h *secretHouse) searchFiles(folder string, s *secrets, found func(string)) {
	h.t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // the broker and the database take files away meanwhile
		}
		if data, err := os.ReadFile(path); err == nil {
			s.search("file "+path, string(data), found)
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}
