package links

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"postern/engine"
	"postern/internal/crowd"
	"postern/internal/keys"
	"postern/internal/labels"
	"postern/internal/pages"
	"postern/internal/upload"
)

const (
	// patience is how long one request may take in all, so that a slow CRM never holds visitors up for ever.
	patience = 10 * time.Second
	// flowLife is how long after passing the door a visitor can act, whatever they do meanwhile.
	flowLife = time.Hour
)

// DoorConfig is what a Door works with. Everything but Labels, Portals, OptOuts, Hear, Client and Restored is needed.
type DoorConfig struct {
	Store Store
	CRM   engine.CRM
	Book  func() *engine.Book // the book as it is now
	// Landing compiles a version of a landing that is no longer the book's, for the links made with it. That there is
	// none, or that it no longer compiles, is a permanent error.
	Landing func(ctx context.Context, name, version string) (*engine.Landing, error)
	Keys    keys.Door
	Minter  *Minter // makes links that are sent again, or found by an external id
	Sends   Messenger
	Sealer  engine.Sealer       // of files that visitors send
	Secrets engine.SecretSource // finds what signs the statements of a hand-over
	Hosts   []string            // of the customer's that landings may lead on to, as they stand in addresses
	Base    pages.Base
	Clock   engine.Clock
	Random  io.Reader // of cookies and ids; it must not be guessable
	Logger  *slog.Logger
	Labels  *labels.Catalogue // nil for the shipped ones
	Brand   pages.Brand
	Zone    *time.Location // whose clocks visitors read and write; nil for UTC
	// Carriers are the channels that codes and second links may go by, by name.
	Carriers map[string]engine.Carrier
	// Portals proves visitors by what they enrolled in a portal; nil where there is none: such a factor is then never
	// proved.
	Portals Portals
	// Entrance leads on into the portals; without it no link does.
	Entrance Entrance
	// OptOuts reads the addresses at which messages end, and Hear is told; without them there are none.
	OptOuts *OptOuts
	Hear    func(ctx context.Context, h engine.Heard) error
	// Client is the address of the visitor that a request comes from. Where it is nil, or gives the zero Addr, nobody
	// is held back for what others tried from the same address.
	Client func(*http.Request) netip.Addr
	// Restored is when the store was brought back from a backup; zero for never. A link that is unknown for some time
	// after that may have been made after the backup, and is answered as one that has expired.
	Restored time.Time
	// Origins are the hosts of front ends of the customer's own, such as https://www.acme.example, whose pages may ask
	// for answers as data.
	Origins []string
}

// Door answers the requests that links lead to. What it keeps between two requests never changes, or is only a first
// guard against crowds: all state is in the store, so any number of doors can stand side by side.
type Door struct {
	with    DoorConfig
	kept    kept
	mux     *http.ServeMux
	paths   []string // that mux knows, but for assets
	origins *http.CrossOriginProtection
	paper   paper
	speech  speech
	crowd   *crowd.Crowd
	looks   *looks
	intake  *upload.Intake
}

// NewDoor makes a door ready to serve. It is to be mounted at the root of its host and answers what it does
// not know with the same page as an unknown link.
func NewDoor(config DoorConfig) (*Door, error) {
	if config.Labels == nil {
		shipped, err := ShippedLabels()
		if err != nil {
			return nil, fmt.Errorf("open door: %w", err)
		}
		config.Labels = shipped
	}
	paper, err := loadPaper(config.Brand)
	if err != nil {
		return nil, fmt.Errorf("open door: %w", err)
	}
	if config.Client == nil {
		config.Client = func(*http.Request) netip.Addr { return netip.Addr{} }
	}
	origins, err := pages.NewOrigins(config.Base)
	if err != nil {
		return nil, fmt.Errorf("open door: %w", err)
	}
	d := &Door{
		with: config, mux: http.NewServeMux(), origins: origins, paper: paper,
		crowd: crowd.New(), looks: newLooks(),
		intake: upload.NewIntake(config.Store, config.Sealer, config.Random, config.Logger),
	}
	d.kept.compile = config.Landing
	d.speech.shipped, d.speech.book, d.speech.zone = config.Labels, config.Book, config.Zone
	d.routes()
	return d, nil
}

// routes says which handler answers what. Everything that reads a flow goes through inFlow, but for the receipt,
// which stays when the link is over.
func (d *Door) routes() {
	d.on("/l/{token}", d.looking(d.showDoor), d.looking(d.passDoor))
	d.on("/L/{token}", d.looking(d.showDoor), d.looking(d.passDoor)) // QR codes are shorter in capitals
	d.on("/l/{token}/again", d.looking(d.showDoor), d.looking(d.sendAgain))
	d.on("/x/{landing}/{external}", d.showExternal, d.entering(d.looking(d.passExternal)))
	d.on("/f/{flow}", d.inFlow(d.gated(d.showRecord)), d.inFlow(d.gated(d.saveRecord)))
	d.on("/f/{flow}/{action}", d.inFlow(d.gated(d.showAction)), d.inFlow(d.gated(d.doAction)))
	d.on("/c/{flow}", d.inFlow(d.asking(d.showFactor)), d.pressing(d.inFlow(d.asking(d.doFactor))))
	d.on("/c/{flow}/{action}", d.inFlow(d.asking(d.showFactor)), d.pressing(d.inFlow(d.asking(d.doFactor))))
	d.on("/m/{token}", d.looking(d.showMail), d.looking(d.takeMail))
	d.on("/r/{flow}", d.showReceipt, nil)
	d.on("/r/{flow}/undo", d.showReceipt, d.inVisit(d.gated(d.takeBack)))
	d.on("/h/{flow}", d.inFlow(d.backToFlow), d.inFlow(d.gated(d.handOver)))
	d.on("/u/{token}", d.looking(d.showUnsubscribe), d.looking(d.unsubscribe))
	d.on("/u/{token}/undo", d.looking(d.showUnsubscribe), d.looking(d.resubscribe))
	for path, asset := range d.paper.site.Assets() {
		d.mux.Handle("GET "+path, asset)
	}
	d.mux.Handle("/", d.answering(func(*call) (answer, error) { return answer{}, errUnknown }))
}

// on serves a path: GET and HEAD by get, POST by post, everything else by a refusal.
func (d *Door) on(path string, get, post handler) {
	d.paths = append(d.paths, path)
	d.mux.Handle("GET "+path, d.answering(get))
	allow := "GET, HEAD"
	if post != nil {
		d.mux.Handle("POST "+path, d.answering(d.guarded(post)))
		allow = "GET, HEAD, POST"
	}
	d.mux.Handle(path, d.answering(func(*call) (answer, error) {
		return answer{header: http.Header{"Allow": {allow}}}, pages.ErrMethod
	}))
}

// Paths are those that the door answers, as patterns of net/http; its assets are not among them.
func (d *Door) Paths() []string { return slices.Clone(d.paths) }

// ServeHTTP answers a request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pages.Protect(w.Header(), d.with.Base.Secure())
	if d.allow(w, r) {
		return
	}
	d.mux.ServeHTTP(w, r)
}

// call is one request while it is being answered.
type call struct {
	*http.Request
	now     time.Time    // the same for everything that the request does
	from    netip.Addr   // of the visitor; zero where it is not known
	texts   labels.Texts // by the browser's languages until the link's is known
	control *http.ResponseController

	link   *engine.Link   // that the token in the path is of; nil until it is found
	record *engine.Record // what was read for a check, until the handler takes it
}

// answer is what a handler wants sent: a page, or the way to another one.
type answer struct {
	status int // 200 if zero
	page   string
	title  string
	body   any
	// scripts are the paths of those that the page runs.
	scripts []string
	goTo    string // path of the next page; the others are not needed then
	header  http.Header
}

// handler answers one call. An error becomes the page that refusals names for it.
type handler func(c *call) (answer, error)

// speak chooses the language, the link's, else the browser's, and takes the words of the link's landing.
func (d *Door) speak(c *call, link engine.Link) {
	c.texts = d.speech.texts(link.Landing, link.Language, c.Header.Get("Accept-Language"))
}

// answering turns a handler into an http.Handler: its answer into a page, its error into a calm one.
func (d *Door) answering(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r, now: d.with.Clock.Now(), from: d.with.Client(r)}
		c.control = http.NewResponseController(w)
		limit := patience
		if pages.IsMultipart(c.Request) {
			limit += upload.Time
		}
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		c.Request = r.WithContext(ctx)
		c.texts = d.speech.texts("", r.Header.Get("Accept-Language"))
		reply, err := h(c)
		if err != nil {
			reply = d.refuse(c, reply.header, err)
		}
		d.send(w, c, reply)
	})
}

// send writes an answer. The page is written as a whole first, so that a mistake in it never leaves half a page.
func (d *Door) send(w http.ResponseWriter, c *call, reply answer) {
	maps.Copy(w.Header(), reply.header)
	if wantsJSON(c.Request) {
		d.sendJSON(w, c, reply)
		return
	}
	if reply.goTo != "" {
		w.Header().Set("Location", reply.goTo)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	text, err := d.paper.render(reply, c.texts)
	if err != nil {
		d.with.Logger.ErrorContext(c.Context(), "page could not be written", "page", reply.page, "error", err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	if reply.status != 0 {
		w.WriteHeader(reply.status)
	}
	// What cannot be written was not waited for.
	_, _ = w.Write(text)
}

// readSent reads a form with some entries.
func (d *Door) readSent(c *call, p passage, edits []*engine.Edit) (upload.Sent, error) {
	return d.intake.Read(upload.Coming{
		Request: c.Request, Control: c.control, Now: c.now, Link: p.link.ID, Record: p.link.Record,
		Takes: upload.Takes(edits),
	})
}

// read gets a record as it is now; engine.ErrNoRecord when it is not there.
func (d *Door) read(ctx context.Context, ref engine.Ref) (engine.Record, error) {
	records, err := d.with.CRM.Get(ctx, ref)
	if err != nil {
		return engine.Record{}, fmt.Errorf("read record: %w", err)
	}
	if len(records) == 0 || records[0].Deleted {
		return engine.Record{}, engine.ErrNoRecord
	}
	return records[0], nil
}

var errUnknown = errors.New("there is nothing here")
