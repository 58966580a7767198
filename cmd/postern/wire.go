package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/nats"
	"postern/internal/outcall"
	"postern/internal/pages"
	"postern/internal/store"
	"postern/internal/upload"
	"postern/internal/web"
	"postern/links"
	"postern/schemas"
	"postern/workflows"
)

// house is everything one process runs, opened in the order in which one thing needs another.
type house struct {
	config    config
	logger    *slog.Logger
	book      *engine.Book
	store     *store.Store
	bus       *nats.Bus
	base      pages.Base
	brand     pages.Brand
	minter    *links.Minter
	root      keys.Root
	seed      []byte // of a root that is not written down yet; nil for one that is
	ring      *keys.Ring
	signer    keys.Signer
	address   []byte // key of the hashes of addresses
	optOuts   *links.OptOuts
	channels  map[string]engine.Channel
	rates     map[string]engine.Rate
	budgets   map[string]engine.Rate
	diversion engine.Diversion
	crm       engine.CRM
	caller    *outcall.Caller
	engine    *engine.Engine
	door      *links.Door
	portals   *portals // nil where the CRM cannot be searched
	apiKeys   web.Keys
	proxies   web.Proxies
	rotating  sync.Mutex // keys are changed one at a time
	watching  bool       // the book is taken over when its files change
}

// openHouse checks the configuration and the book, then opens everything. Nothing is sent or taken in
// before work is called. What was opened is closed again on an error.
func openHouse(ctx context.Context, c config, logger *slog.Logger) (h *house, err error) {
	h = &house{config: c, logger: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if err := h.check(); err != nil {
		return h, err
	}
	if err := h.openStore(ctx); err != nil {
		return h, err
	}
	if h.bus, err = nats.Open(ctx, c.NATS, filepath.Join(c.Data, "stream"), logger); err != nil {
		return h, err
	}
	if err := h.openCRM(); err != nil {
		return h, err
	}
	h.engine = engine.New(engine.Ports{
		Bus: h.bus, CRM: h.crm, Caller: h.caller, Store: h.store, Minter: h.minter, Sealer: h.ring.Seal(rand.Reader),
		Signer: h.signer, Channels: h.channels, Carriers: h.config.carriers(), Book: h.book, Reload: h.reload,
		Clock: engine.SystemClock{}, Random: rand.Reader, Secrets: h.config.secretSource(), AddressKey: h.address,
		OptOut: h.optOuts.URL, Logger: logger,
	}, engine.Settings{Retention: c.Retention, Rates: h.rates, Budgets: h.budgets, Diversion: h.diversion})
	restored, err := h.store.Restoration(ctx)
	if err != nil {
		return h, err
	}
	if err := h.openPortals(ctx); err != nil {
		return h, err
	}
	door := links.DoorConfig{
		Store: h.store, CRM: h.crm, Book: h.engine.Book, Keys: h.ring.Door(), Base: h.base, Clock: engine.SystemClock{},
		Random: rand.Reader, Logger: logger, Brand: h.brand, Restored: restored.At,
		Landing: h.keptLanding, Client: h.client(), Minter: h.minter, Sends: h.engine,
		Carriers: h.config.carriers(),
		Sealer:   h.ring.Seal(rand.Reader), Secrets: h.config.secretSource(), Hosts: c.Web.Hosts,
		Origins: c.Web.Origins, Zone: c.zone,
		OptOuts: h.optOuts, Hear: h.engine.Hear,
	}
	h.portals.lead(&door)
	if h.door, err = links.NewDoor(door); err != nil || h.portals == nil {
		return h, err
	}
	return h, h.portals.furnish(h)
}

// client tells the address of a request's visitor; nil where it cannot be known, because links begin with https, which
// a proxy speaks, and none is named.
func (h *house) client() func(*http.Request) netip.Addr {
	if !h.proxies.Any() && h.base.Secure() {
		h.logger.Warn("visitors are not held back by their address: web.trusted_proxies names no proxy, and whoever "+
			"connects here is one", "base_url", h.base.String())
		return nil
	}
	return h.proxies.Client
}

// check does what can be done before anything is opened.
func (h *house) check() error {
	files, err := bookFolder(h.config.Book)
	if err != nil {
		return err
	}
	book, diags, sources := workflows.Load(files, h.config.bookOptions())
	if book == nil {
		return complaints{diags, sources}
	}
	h.book = book
	if err := h.openKeys(); err != nil {
		return err
	}
	if h.channels, err = h.config.openChannels(h.outfit()); err != nil {
		return err
	}
	if h.rates, err = h.config.rates(); err != nil {
		return err
	}
	if h.budgets, err = h.config.budgets(); err != nil {
		return err
	}
	if h.diversion, err = h.config.diversion(); err != nil {
		return err
	}
	if err := errors.Join(h.config.checkSecrets(), h.config.checkHandOvers(book)); err != nil {
		return err
	}
	h.caller, err = outcall.New(h.config.Calls, outcall.Outfit{Secrets: h.config.Secrets, Clock: engine.SystemClock{}})
	if err != nil {
		return fmt.Errorf("calls: %w", err)
	}
	if h.apiKeys, err = web.NewKeys(h.config.API.Keys); err != nil {
		return fmt.Errorf("api: %w", err)
	}
	if _, err := h.config.CRM.AccessKey.Reveal(); err != nil {
		return fmt.Errorf("crm: access_key: %w", err)
	}
	if h.proxies, err = web.ParseProxies(h.config.Web.TrustedProxies); err != nil {
		return fmt.Errorf("web.trusted_proxies: %w", err)
	}
	if err := h.config.checkBase(); err != nil {
		return err
	}
	if h.brand, err = h.config.brand(); err != nil {
		return fmt.Errorf("web.brand: %w", err)
	}
	h.base, err = h.config.base()
	return err
}

// openKeys reads the key file, or makes its keys: they are written down together with a new database.
func (h *house) openKeys() error {
	root, seed, err := openKeys(h.config.keyFile(), h.config.database())
	if err != nil {
		return err
	}
	h.seed = seed
	h.root = root
	if h.ring, err = keys.NewRing(root); err != nil {
		return err
	}
	if h.signer, err = keys.NewSigner(root); err != nil {
		return err
	}
	h.address, err = root.Lasting("addresses")
	return err
}

// openStore opens the data folder: database, and key file if there was none.
func (h *house) openStore(ctx context.Context) (err error) {
	if h.ring == nil {
		if err := h.openKeys(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(h.config.Data, 0o700); err != nil {
		return fmt.Errorf("open data folder: %w", err)
	}
	if h.seed != nil {
		if _, err := keys.Create(h.config.keyFile(), bytes.NewReader(h.seed)); err != nil {
			return err
		}
	}
	unsubscribing, err := h.root.Lasting("unsubscribe")
	if err != nil {
		return err
	}
	if h.optOuts, err = links.NewOptOuts(h.base, unsubscribing); err != nil {
		return err
	}
	h.minter = links.NewMinter(h.base, h.ring.Mint(), rand.Reader)
	h.store, err = store.Open(ctx, h.config.database(), engine.SystemClock{}, h.logger)
	return err
}

// openCRM opens the CRM, without a connection yet.
func (h *house) openCRM() (err error) {
	if h.crm != nil {
		return nil
	}
	if h.crm, err = crm.Open(h.config.CRM, h.store); err != nil {
		return fmt.Errorf("crm: %w", err)
	}
	return nil
}

// openKeys reads the key file, or makes a root and tells what of. A database without its key file is refused: every
// link ever sent would be dead without a word.
func openKeys(path, database string) (root keys.Root, seed []byte, err error) {
	root, err = keys.Open(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return root, nil, err
	}
	if _, err := os.Stat(database); err == nil {
		return root, nil, fmt.Errorf("%s is missing, but the database is there: its links need that file; "+
			"put it back from a copy", path)
	}
	var made bytes.Buffer
	root, err = keys.NewRoot(io.TeeReader(rand.Reader, &made))
	return root, made.Bytes(), err
}

// compile makes a book of the files of a kept version.
func (h *house) compile(files map[string]string) (*engine.Book, error) {
	options := h.config.bookOptions()
	options.Kept = true
	options.Hosts = nil // the door looks at them each time
	book, diags, _ := workflows.LoadFiles(files, options)
	return book, diags.Err()
}

// reload compiles a kept version of a workflow.
func (h *house) reload(files map[string]string) (*engine.Workflow, error) {
	book, err := h.compile(files)
	if err != nil {
		return nil, err
	}
	if len(book.Workflows) != 1 {
		return nil, fmt.Errorf("the kept files hold %d workflows", len(book.Workflows))
	}
	return book.Workflows[0], nil
}

// keptLanding compiles a kept version of a landing.
func (h *house) keptLanding(ctx context.Context, name, version string) (*engine.Landing, error) {
	files, err := h.store.Version(ctx, version)
	if err != nil {
		return nil, err
	}
	book, err := h.compile(files)
	if err != nil {
		return nil, engine.Permanent(fmt.Errorf("version %s of landing %s no longer compiles: %w", version, name, err))
	}
	return book.Landings[name], nil
}

// handler is what the HTTP port serves: everything that is no machine's comes to the door.
func (h *house) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", web.OnceStarted(h.engine.Running, h.door))
	mux.Handle(callbacksPath, web.OnceStarted(h.engine.Running, h.callbacks()))
	h.peopleRoutes(mux)
	for pattern, handler := range h.machineRoutes() {
		mux.Handle(pattern, handler)
	}
	return mux
}

// machineRoutes are what programs ask, by pattern. The document of the API tells each of them.
func (h *house) machineRoutes() map[string]http.Handler {
	made := web.LinksHandler(linkOffice{h}, h.apiKeys, h.refusing, h.logger)
	sent := upload.Files{Store: h.store, Sealer: h.ring.Seal(rand.Reader)}
	return map[string]http.Handler{
		"/events":           web.EventsHandler(h.bus, h.apiKeys, h.refusing, h.logger),
		"/api/runs":         web.StartsHandler(h.startRun, h.apiKeys, rand.Reader, h.refusing, h.logger),
		"/api/workflows":    web.WorkflowsHandler(h.engine.Book, h.apiKeys),
		"/api/links":        made,
		"/api/links/check":  made,
		"/api/links/revoke": made,
		"/api/files/{id}":   web.FilesHandler(sent.Open, h.apiKeys, h.logger),
		"/api/openapi.json": web.DocumentHandler(schemas.API()),
		"/healthz/":         web.Health(h.engine.Live, h.ready),
	}
}

// refusing is what a client that posts events is told while they could not be stored.
func (h *house) refusing() string {
	switch {
	case !h.engine.Running():
		return "Postern is starting or ending; send this again."
	case !h.bus.Connected():
		return "The event stream cannot be reached; send this again."
	}
	return ""
}

func (h *house) ready() (reasons, warnings []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return h.engine.Ready(ctx)
}

// listen opens the HTTP port.
func (h *house) listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", h.config.Web.Listen)
	if err != nil {
		return nil, fmt.Errorf("open HTTP port: %w; choose another with web.listen", err)
	}
	return listener, nil
}

// work runs engine, HTTP port and control socket until the context ends or one of them fails, and
// waits for all.
func (h *house) work(ctx context.Context, listener net.Listener, handler http.Handler) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	control, err := h.listenControl(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	parts := []func(context.Context) error{
		h.engine.Run,
		func(ctx context.Context) error {
			return web.Serve(ctx, listener, web.Log(h.logger, web.Recover(h.logger, handler)), h.logger)
		},
		func(ctx context.Context) error { return web.Serve(ctx, control, h.controlHandler(), h.logger) },
		h.watchBook,
		h.door.Run,
	}
	if h.portals != nil {
		parts = append(parts, h.portals.gate.Run)
	}
	parts = append(parts, h.listeners()...)
	ended := make(chan error, len(parts))
	for _, part := range parts {
		go func() {
			defer stop()
			ended <- part(ctx)
		}()
	}
	var failures []error
	for range parts {
		failures = append(failures, <-ended)
	}
	return errors.Join(failures...)
}

// close ends what was opened, the last first.
func (h *house) close() error {
	var failures []error
	for name, channel := range h.channels {
		if closer, ok := channel.(engine.Closer); ok {
			if err := closer.Close(); err != nil {
				failures = append(failures, fmt.Errorf("close channel %s: %w", name, err))
			}
		}
	}
	if h.caller != nil {
		failures = append(failures, h.caller.Close())
	}
	if h.bus != nil {
		h.bus.Close()
	}
	if closer, ok := h.crm.(io.Closer); ok {
		failures = append(failures, closer.Close())
	}
	if h.store != nil {
		failures = append(failures, h.store.Close())
	}
	return errors.Join(failures...)
}
