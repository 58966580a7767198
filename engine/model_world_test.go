package engine_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/memory"
	"postern/internal/pages"
	"postern/internal/store"
	"postern/internal/store/storetest"
	"postern/links"
	"postern/tasks"
	"postern/workflows"
)

// world is an engine on the real store, everything around it played, and what the model knows of it.
type world struct {
	*rapid.T
	folder string
	logs   *enginetest.Log
	clock  *enginetest.Clock // the engine's; it may be set back
	outer  *enginetest.Clock // everybody else's
	random io.Reader
	book   *engine.Book
	minter engine.LinkMinter
	sealer engine.Sealer
	slots  int

	bus     *memory.Bus
	outside *outside // nil: the records are kept
	posts   map[string]*post
	journal *journal

	store *store.Store
	db    *sql.DB // beside the store, to look
	pumps func()
	mu    sync.Mutex
	lives []*life
	proc  *process

	events  []*engine.Event // told by the CRM
	count   int
	turn    int
	deaths  int
	jumped  bool
	behind  time.Duration // how far
	visits  []modelVisit
	flows   map[engine.ID]bool
	decoded []told
	gone    map[string]bool // tickets that are deleted
	failure string          // with the log
}

// process is one engine.
type process struct {
	engine *engine.Engine
	life   *life
	cancel context.CancelFunc
	ended  chan error
}

// lockedRandom gives random bytes of a seed to many.
type lockedRandom struct {
	mu   sync.Mutex
	from *rand.ChaCha8
}

func (l *lockedRandom) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from.Read(p)
}

var modelStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(rt *rapid.T) *world {
	base := os.TempDir()
	if _, err := os.Stat("/dev/shm"); err == nil {
		base = "/dev/shm" // nobody pulls the plug here, so no disk is waited for
	}
	folder, err := os.MkdirTemp(base, "postern-model")
	if err != nil {
		rt.Fatal(err)
	}
	seed := [32]byte{byte(rapid.IntRange(0, 255).Draw(rt, "seed"))}
	w := &world{
		T: rt, folder: folder, logs: &enginetest.Log{}, clock: enginetest.NewClock(modelStart),
		outer: enginetest.NewClock(modelStart), random: &lockedRandom{from: rand.NewChaCha8(seed)},
		slots: rapid.SampledFrom([]int{2, 128}).Draw(rt, "slots"), posts: map[string]*post{},
		flows: map[engine.ID]bool{}, gone: map[string]bool{},
	}
	w.bus = memory.NewBus(w.outer.Now)
	w.journal = newJournal(w.clock.Now)
	if kind := rapid.SampledFrom([]string{"kept", "echoes", "silent"}).Draw(rt, "records"); kind != "kept" {
		w.outside = newOutside(w.bus, kind == "echoes", w.nextID)
	}
	for _, name := range []string{"email", "sms"} {
		w.posts[name] = &post{
			name: name, clock: w.clock, dedupes: rapid.Bool().Draw(rt, name+" dedupes"),
			careful: rapid.Bool().Draw(rt, name+" is careful"),
		}
	}
	w.prepare()
	return w
}

// prepare makes what does not depend on a process.
func (w *world) prepare() {
	book, err := w.load(modelBook())
	if err != nil {
		w.Fatal(err)
	}
	root, err := keys.Create(filepath.Join(w.folder, "root.key"), w.random)
	if err != nil {
		w.Fatal(err)
	}
	ring, err := keys.NewRing(root)
	if err != nil {
		w.Fatal(err)
	}
	base, err := pages.ParseBase("https://go.example")
	if err != nil {
		w.Fatal(err)
	}
	w.book, w.minter, w.sealer = book, links.NewMinter(base, ring.Mint(), w.random), ring.Seal(w.random)
}

func (w *world) load(files map[string]string) (*engine.Book, error) {
	book, diags, _ := workflows.LoadFiles(files, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email", "sms"), KeepAll: w.outside == nil,
	})
	return book, diags.Err()
}

func (w *world) nextID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	return fmt.Sprint("e", w.count)
}

// open opens the store, and brings what it tells to all processes on it.
func (w *world) open() {
	path := filepath.Join(w.folder, "postern.db")
	storetest.Blank(w, path, store.Open)
	s, err := store.Open(context.Background(), path, w.clock, w.logger())
	if err != nil {
		w.Fatal(err)
	}
	w.store = s
	if w.db, err = sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)"); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { w.pump(ctx, s.Waiting(), func(l *life) chan struct{} { return l.waiting }) })
	group.Go(func() { w.pump(ctx, s.Touched(), func(l *life) chan struct{} { return l.touched }) })
	w.pumps = func() {
		cancel()
		group.Wait()
	}
}

func (w *world) pump(ctx context.Context, from <-chan struct{}, to func(*life) chan struct{}) {
	for {
		select {
		case <-from:
		case <-ctx.Done():
			return
		}
		w.mu.Lock()
		for _, l := range w.lives {
			select {
			case to(l) <- struct{}{}:
			default:
			}
		}
		w.mu.Unlock()
	}
}

func (w *world) close() {
	w.pumps()
	if err := errors.Join(w.db.Close(), w.store.Close()); err != nil {
		w.Fatal(err)
	}
	w.store = nil
}

func (w *world) logger() *slog.Logger { return slog.New(slog.NewTextHandler(w.logs, nil)) }

// start runs a new process on the store.
func (w *world) start() {
	if w.store == nil {
		w.open()
	}
	l := newLife()
	w.mu.Lock()
	w.lives = append(w.lives, l)
	w.mu.Unlock()
	seen := &mortal{Store: w.store, life: l, journal: w.journal}
	var records engine.CRM = crm.NewMirror(seen)
	if w.outside != nil {
		records = outsideCRM{w.outside, l}
	}
	channels := map[string]engine.Channel{}
	for name, p := range w.posts {
		channels[name] = postChannel{p, l}
	}
	forEver := 100 * 365 * 24 * time.Hour
	e := engine.New(engine.Ports{
		Bus: mortalBus{w.bus, l}, CRM: records, Store: seen, Minter: w.minter, Sealer: w.sealer, Channels: channels,
		Book: w.book, Clock: w.clock, Random: w.random, Logger: w.logger(),
		Reload: func(files map[string]string) (*engine.Workflow, error) {
			book, err := w.load(files)
			if err != nil {
				return nil, err
			}
			return book.Workflows[0], nil
		},
	}, engine.Settings{
		Grace: 200 * time.Millisecond, Lanes: 4, Batch: 8, Slots: w.slots, MaxDepth: 4,
		Retention: engine.Retention{History: forEver, Links: forEver, Keys: forEver, Audit: forEver, Files: forEver},
	})
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{engine: e, life: l, cancel: cancel, ended: make(chan error, 1)}
	go func() { p.ended <- e.Run(ctx) }()
	w.proc = p
}

// stop ends the process in order, or what is left of a dead one.
func (w *world) stop() {
	w.proc.cancel()
	err := <-w.proc.ended
	if err != nil && !w.proc.life.isDead() {
		w.fail("the engine ended with %v", err)
	}
	w.proc.life.kill()
	w.mu.Lock()
	w.lives = nil
	w.mu.Unlock()
	w.close()
}

// settle waits until nothing happens any more without the clock or somebody outside. A process that has died is
// followed by another.
func (w *world) settle() {
	for {
		synctest.Wait()
		time.Sleep(120 * time.Millisecond) // of the bubble: SQLite sleeps a little where it finds a lock
		synctest.Wait()
		if !w.proc.life.isDead() {
			break
		}
		w.deaths++
		w.say("the process died")
		w.stop()
		w.start()
	}
	select {
	case err := <-w.proc.ended:
		w.proc.ended <- err
		w.fail("the engine ended by itself: %v", err)
	default:
	}
}

// advance moves all clocks.
func (w *world) advance(d time.Duration) {
	w.outer.Advance(d)
	w.clock.Advance(d)
	w.settle()
}

func (w *world) fail(format string, args ...any) {
	w.failure = fmt.Sprintf(format, args...)
	w.failure = fmt.Sprintf("%s\n%s%s", w.logs, w.clock.Now().Format("-- 02 15:04:05.000 "), w.failure)
	w.Fatalf(format, args...)
}

// edit is a change of a record by a person: the CRM tells it. nil fields delete the record.
func (w *world) edit(ref engine.Ref, set engine.Fields) {
	if w.outside != nil {
		if event := w.outside.edit(ref, set); event.ID != "" {
			w.events = append(w.events, event)
		}
		return
	}
	event := &engine.Event{
		ID: w.nextID(), Source: "crm", Type: engine.RecordUpdated, Subject: ref.String(),
		Change: &engine.Change{Record: set, Changed: slices.Sorted(maps.Keys(set)), Partial: true},
	}
	switch {
	case set == nil:
		event.Type, event.Change = engine.RecordDeleted, &engine.Change{Record: engine.Fields{"no": "T" + ref.ID}}
	case set["no"] != nil || set["name"] != nil:
		event.Type, event.Change = engine.RecordCreated, &engine.Change{Record: set}
	}
	w.events = append(w.events, event)
	w.tell(event)
}

// tell publishes events as the CRM does.
func (w *world) tell(events ...*engine.Event) {
	if err := w.bus.Publish(context.Background(), events...); err != nil {
		w.Fatal(err)
	}
}

func ticketRef(id string) engine.Ref { return engine.Ref{Module: "Tickets", ID: id} }

func number(n int) json.Number { return json.Number(fmt.Sprint(n)) }

// seedRecords tells of the people and the tickets.
func (w *world) seedRecords() {
	for _, id := range []string{"1", "2"} {
		w.edit(engine.Ref{Module: "People", ID: "p" + id}, engine.Fields{
			"name": "P" + id, "email": "p" + id + "@acme.example", "phone": "+3460011122" + id, "tally": "",
		})
	}
	for i := range 3 {
		w.create(fmt.Sprint(i + 1))
	}
}

func (w *world) create(id string) {
	delete(w.gone, id)
	w.edit(ticketRef(id), engine.Fields{
		"no": "T" + id, "status": "Open", "contact": "p" + string('1'+id[0]%2), "turn": number(0), "does": "",
		"ping": number(0),
	})
}
