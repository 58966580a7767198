package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"postern/internal/rig"
)

//go:embed books
var books embed.FS

const (
	startTime   = 30 * time.Second // until the program is ready, on a busy machine
	stopTime    = 12 * time.Second // from SIGTERM to the end: the documented 10 s and some air
	commandTime = 20 * time.Second // of an operator's command

	superviseTime = 300 * time.Millisecond // until a supervisor starts the program again
)

// keyEnv names the variable that holds the key of POST /events.
const keyEnv = "POSTERN_CHAOS_KEY"

// publicCallbacks is the address that providers are told: what is on this machine they could not call.
const publicCallbacks = "https://go.acme.example/callbacks"

// configuration is what an operator would write. {web} and {nats} are filled in by the place.
const configuration = `book: book
data: data
web: { listen: "{web}", base_url: "http://{web}", callbacks: "` + publicCallbacks + `", brand: Acme Support }
nats: %s
api: { keys: { crm: { env: ` + keyEnv + ` } } }
channels:
  email: { host: 127.0.0.1, port: %d, from: Acme Support <support@acme.example>, tls: none, timeout: 5s }
%s`

// ownBroker is the part of the configuration that says: the broker is embedded.
const ownBroker = `{ listen: "{nats}" }`

// house is one Postern: its folder, and the process that runs in it now.
type house struct {
	t      *trial
	place  rig.Place
	apiKey string
	failed context.CancelCauseFunc // gets an end that nobody asked for

	mu        sync.Mutex
	child     *rig.Child
	supervise bool // starts it again when it ends by itself
	closed    bool
}

// ports are those of all houses: one that is down for a moment must not lose its own to another.
type ports struct {
	mu    sync.Mutex
	taken map[string]bool
}

// place takes a folder, and ports that no other house has.
func (p *ports) place(folder string) (rig.Place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		place, err := rig.NewPlace(folder)
		if err != nil || !p.taken[place.Web] && !p.taken[place.NATS] {
			p.taken[place.Web], p.taken[place.NATS] = true, true
			return place, err
		}
	}
}

// newHouse furnishes a folder with the shared files and one more book, and ends ctx when the program ends by itself.
func newHouse(ctx context.Context, s *siege, nats, book string) (*house, context.Context, error) {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return nil, ctx, err
	}
	place, err := s.ports.place(s.folder)
	if err != nil {
		return nil, ctx, err
	}
	for _, name := range []string{"house", book} {
		files, err := fs.Sub(books, "books/"+name)
		if err == nil {
			err = place.Book(files)
		}
		if err != nil {
			return nil, ctx, err
		}
	}
	if err := place.Configure(fmt.Sprintf(configuration, nats, s.sink.server.Port, s.more)); err != nil {
		return nil, ctx, err
	}
	h := &house{t: s.trial, place: place, apiKey: rand.Text()}
	ctx, h.failed = context.WithCancelCause(ctx)
	return h, ctx, nil
}

// start runs the program and waits until it is ready.
func (h *house) start(ctx context.Context) error {
	if err := h.launch(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("not ready within %s", startTime))
	defer cancel()
	return h.current().AwaitReady(ctx)
}

// launch runs the program.
func (h *house) launch() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	child, err := rig.Start(h.t.program, h.place, h.died, keyEnv+"="+h.apiKey)
	if err != nil {
		return err
	}
	h.child = child
	return nil
}

// died is called when the program has ended by itself. That is a fault, or the business of the supervisor.
func (h *house) died(err error) {
	h.mu.Lock()
	supervise := h.supervise
	h.mu.Unlock()
	if !supervise {
		h.failed(err)
		return
	}
	h.t.say("%v", err)
	time.Sleep(superviseTime)
	if err := h.launch(); err != nil {
		h.failed(err)
	}
}

// current is the process that runs now, or ran last; nil before the first.
func (h *house) current() *rig.Child {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.child
}

// kill ends the process with SIGKILL and waits until it is gone.
func (h *house) kill() {
	if child := h.current(); child != nil {
		child.Kill()
	}
}

// restart starts the program again and notes how long it took until it was ready.
func (h *house) restart(ctx context.Context) error {
	began := time.Now()
	if err := h.start(ctx); err != nil {
		return fmt.Errorf("start again: %w", err)
	}
	h.t.recovered(time.Since(began))
	return nil
}

// close leaves nothing running, and shows the end of the log after a failure.
func (h *house) close(err error) {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.kill()
	if child := h.current(); err != nil && child != nil {
		h.t.say("the end of postern's log:\n%s", child.Tail())
	}
	h.failed(nil)
}

// doubt is a delivery of which nobody knows whether it left, as `postern deliveries` tells.
type doubt struct {
	ID     string `json:"id"`
	Record string `json:"record"`
	Reason string `json:"reason"`
}

func (d doubt) id() string { return d.ID }

// doubts asks for the deliveries in doubt.
func (h *house) doubts(ctx context.Context) ([]doubt, error) { return h.deliveries(ctx, "unknown") }

// deliveries asks for those in a state.
func (h *house) deliveries(ctx context.Context, state string) ([]doubt, error) {
	found, err := list[doubt](ctx, h, "deliveries", "ls", "--state", state)
	for i, d := range found {
		found[i].Record = strings.TrimPrefix(d.Record, "HelpDesk/")
	}
	return found, err
}

// pageSize is how much of a list is asked for at once.
const pageSize = 1000

// list asks for everything that an operator's command lists.
func list[T interface{ id() string }](ctx context.Context, h *house, args ...string) (all []T, err error) {
	args = append(args, "--json", "--limit", fmt.Sprint(pageSize))
	for before := []string(nil); ; {
		text, err := h.command(ctx, append(args, before...)...)
		if err != nil {
			return nil, err
		}
		var some []T
		if err := json.Unmarshal(text, &some); err != nil {
			return nil, fmt.Errorf("read what postern %s prints: %w", strings.Join(args, " "), err)
		}
		all = append(all, some...)
		if len(some) < pageSize {
			return all, nil
		}
		before = []string{"--before", some[pageSize-1].id()}
	}
}

// command runs an operator's command on the house's data and returns what it prints.
func (h *house) command(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	command := exec.CommandContext(ctx, h.t.program, append(args, "--config", h.place.Config())...)
	command.Env = append(os.Environ(), keyEnv+"="+h.apiKey)
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("postern %s: %w: %s", args[0], err, bytes.TrimSpace(errOut.Bytes()))
	}
	return out.Bytes(), nil
}
