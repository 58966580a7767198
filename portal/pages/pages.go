package pages

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"postern/engine"
	"postern/internal/forms"
	"postern/internal/labels"
	"postern/internal/pages"
	"postern/internal/upload"
	"postern/portal"
)

//go:embed files labels
var shipped embed.FS

// Config is what Pages work with. Everything but what says so is needed.
type Config struct {
	Gate   *portal.Gate
	Desk   portal.Records
	Book   func() *engine.Book // the book as it is now
	Passes portal.Passes       // finds who came through a link
	Intake *upload.Intake      // the desk's
	Base   pages.Base
	Brand  pages.Brand
	Labels *labels.Catalogue // nil for the shipped ones
	Zone   *time.Location    // whose clocks people read where a portal has none; nil for UTC
	Clock  engine.Clock
	Random io.Reader // of codes and keys; it must not be guessable
	Logger *slog.Logger
	// Client is the address that a request comes from; nil, or the zero Addr, where that is not known.
	Client func(*http.Request) netip.Addr
}

// Pages answers everything below /portal/ that no more special handler does.
type Pages struct {
	with    Config
	cookies portal.Cookies
	mux     *http.ServeMux
	paths   []string // that mux knows, but for assets
	origins *http.CrossOriginProtection
	set     *pages.Set
	style   string            // path of the portal's own stylesheet
	scripts map[string]string // paths by name
	speech  speech
}

// topic is what one file adds to the portal: pages that belong together.
type topic struct {
	name    string            // of its folder of labels
	pages   []string          // of its templates: files/<page>.html
	scripts map[string][]byte // that its pages run, by name
	routes  []route
}

// route is a path below that of a portal.
type route struct {
	path      string // as net/http writes patterns; "" for the portal's own
	get, post handler
	open      bool // for those who are not signed in, too
	long      bool // its answer may take as long as a file takes to be sent
}

// topics are all pages of a portal.
func topics() []topic {
	return []topic{home(), signIn(), sessions(), changePassword(), records(), recovery(), factors()}
}

// New makes pages ready to serve. They are to be mounted at /portal/.
func New(config Config) (*Pages, error) {
	if config.Labels == nil {
		shipped, err := ShippedLabels()
		if err != nil {
			return nil, fmt.Errorf("open portal pages: %w", err)
		}
		config.Labels = shipped
	}
	if config.Client == nil {
		config.Client = func(*http.Request) netip.Addr { return netip.Addr{} }
	}
	origins, err := pages.NewOrigins(config.Base)
	if err != nil {
		return nil, fmt.Errorf("open portal pages: %w", err)
	}
	p := &Pages{
		with: config, cookies: portal.Cookies{Secure: config.Base.Secure()}, mux: http.NewServeMux(), origins: origins,
		scripts: map[string]string{},
	}
	p.speech = speech{shipped: config.Labels, book: config.Book}
	if err := p.load(); err != nil {
		return nil, fmt.Errorf("open portal pages: %w", err)
	}
	return p, nil
}

// load reads what is built into the program, and says which handler answers what.
func (p *Pages) load() error {
	site, err := pages.NewSite(p.with.Brand, pages.PortalAssets)
	if err != nil {
		return err
	}
	folder, err := fs.Sub(shipped, "files")
	if err != nil {
		return err
	}
	fragments := []string{forms.Template()}
	for _, name := range []string{"shell.html", "table.html"} {
		fragment, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		fragments = append(fragments, string(fragment))
	}
	style, err := fs.ReadFile(folder, "portal.css")
	if err != nil {
		return err
	}
	p.style = site.Add(style, ".css", "text/css; charset=utf-8")
	names := []string{"reason"}
	for _, t := range topics() {
		names = append(names, t.pages...)
		for name, script := range t.scripts {
			p.scripts[name] = site.Add(script, ".js", "text/javascript; charset=utf-8")
		}
		for _, r := range t.routes {
			p.on(r)
		}
	}
	for path, asset := range site.Assets() {
		p.mux.Handle("GET "+path, asset)
	}
	p.mux.Handle("/", p.answering(route{open: true}, func(*call) (answer, error) { return answer{}, errUnknown }))
	p.set, err = site.Parse(pages.Parts{
		Names: names, Folder: folder, Fragments: fragments, Funcs: funcs(),
	})
	return err
}

// on serves a route: GET and HEAD by get, POST by post, everything else by a refusal.
func (p *Pages) on(r route) {
	path := "/portal/{portal}"
	if r.path != "" {
		path += "/" + r.path
	}
	p.paths = append(p.paths, path)
	allow := []string{}
	if r.get != nil {
		p.mux.Handle("GET "+path, p.answering(r, r.get))
		allow = append(allow, "GET, HEAD")
	}
	if r.post != nil {
		p.mux.Handle("POST "+path, p.answering(r, p.guarded(r.post)))
		allow = append(allow, "POST")
	}
	r.open = true
	p.mux.Handle(path, p.answering(r, func(*call) (answer, error) {
		return answer{header: http.Header{"Allow": allow}}, pages.ErrMethod
	}))
}

// Paths are those that the pages answer, as patterns of net/http; their assets are not among them.
func (p *Pages) Paths() []string { return slices.Clone(p.paths) }

// ServeHTTP answers a request.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pages.Protect(w.Header(), p.with.Base.Secure())
	p.mux.ServeHTTP(w, r)
}
