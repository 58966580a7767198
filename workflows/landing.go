package workflows

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/yamldoc"
)

// Defaults and limits of a landing (the table of link lifetimes in docs/security.md).
const (
	defaultExpires  = 14 * 24 * time.Hour // of a landing that changes nothing
	defaultUses     = 20                  // of a landing with fields to edit; one of actions alone has 1
	defaultHandOver = 2 * time.Minute     // how long the statement of a hand-over holds
	maxHandOver     = 10 * time.Minute
)

// landingFile is a file under landings/.
type landingFile struct {
	// Landing is the landing's name: small letters, digits and -.
	Landing *yamldoc.Node `yaml:"landing,required" schema:"name"`
	// Module is the kind of record that the link shows.
	Module *yamldoc.Node `yaml:"module,required" schema:"module"`
	// Title is the page's heading: a text with {{ expressions }}, or one for each language.
	Title *yamldoc.Node `yaml:"title" schema:"labels"`
	// Show are the fields that a visitor sees; every landing has some, but for one that opens a portal.
	Show []*yamldoc.Node `yaml:"show,one" schema:"text"`
	// Edit is what a visitor may enter: fields of the record, each with the limits that are narrower than its own, and
	// entries that create a record of another module.
	Edit []yamldoc.Entry `yaml:"edit" schema:"nothing|editFile"`
	// Actions are the buttons, by name.
	Actions []yamldoc.Entry `yaml:"actions" schema:"actionFile"`
	// Factor names what a visitor has to prove before the record is shown: a file under factors/.
	Factor *yamldoc.Node `yaml:"factor" schema:"factor"`
	// By are the ways in: link, which always is, and external_id, by the address /x/<landing>/<external id>.
	By []*yamldoc.Node `yaml:"by,one" schema:"'link'|'external_id'"`
	// Bind is browser for links that open only where they were opened first; none by default.
	Bind *yamldoc.Node `yaml:"bind" schema:"'none'|'browser'"`
	// Expires is how long a link lives, at most 90d; 14d if it changes nothing. One into a portal lives 20m, or 24h at
	// most.
	Expires *yamldoc.Node `yaml:"expires" schema:"duration"`
	// Uses is how often a link may change something; 20 with fields to edit, 1 with actions alone.
	Uses *yamldoc.Node `yaml:"uses" schema:"whole"`
	// After is what follows a change: texts of our own page, or a page of yours.
	After afterFile `yaml:"after"`
	// HandOver sends visitors on to a page of yours, with a signed statement of what they were shown.
	HandOver *handOverFile `yaml:"hand_over"`
	// Portal names the portal that the link leads into, in place of a record. The record is the subject's.
	Portal *yamldoc.Node `yaml:"portal" schema:"text"`
	// Opens is what a link into a portal is good for, once: password to choose a password, or sign_in.
	Opens *yamldoc.Node `yaml:"opens" schema:"engine.OpensWhat"`
	// Texts are texts in place of the door's own, by their codes.
	Texts []yamldoc.Entry `yaml:"texts" schema:"labels"`
}

type afterFile struct {
	// Page names the texts of the page: the labels after.<page>.title and after.<page>.text.
	Page *yamldoc.Node `yaml:"page" schema:"name"`
	// Redirect is an https address that the page leads on to; its host stands under web.hosts.
	Redirect *yamldoc.Node `yaml:"redirect" schema:"text"`
}

type handOverFile struct {
	// To is an https address; its host stands under web.hosts.
	To *yamldoc.Node `yaml:"to,required" schema:"text"`
	// Secret names the secret that signs the statement.
	Secret *yamldoc.Node `yaml:"secret,required" schema:"text"`
	// Fields are fields of the record that the statement tells.
	Fields []*yamldoc.Node `yaml:"fields,one" schema:"text"`
	// Expires is how long the statement holds, at most 10m; 2m by default.
	Expires *yamldoc.Node `yaml:"expires" schema:"duration"`
}

func (l *loader) landing(file string, root *yamldoc.Node) {
	var f landingFile
	l.complain(yamldoc.Decode(root, &f)...)
	if f.Show == nil && f.Portal == nil && f.Opens == nil {
		l.complain(root.Errorf("missing key %q", "show"))
	}
	if f.Landing == nil || f.Module == nil || !l.claim("landing", f.Landing.Text(), file, f.Landing) {
		return
	}
	module := l.knownModule(f.Module)
	if module == nil {
		return
	}
	landing := &engine.Landing{
		Name: f.Landing.Text(), Module: module, Modules: l.book.Modules, Title: l.title(f.Title, module),
	}
	if !workflowName.MatchString(landing.Name) {
		l.complain(f.Landing.Errorf("a landing's name may hold only small letters, digits and -"))
	}
	p := &page{loader: l, landing: landing, files: map[string]bool{file: true}}
	landing.Show = p.fields(f.Show)
	lacks := l.leavable("landing", landing.Name, func() {
		landing.Factor = l.factorFor(f.Factor, module, p.files)
		for _, entry := range f.Edit {
			landing.Edit = append(landing.Edit, p.edit(entry, landing.Edit)...)
		}
		for _, entry := range f.Actions {
			p.action(entry)
		}
		p.opens(root, f)
		p.lifetime(f)
		p.entrance(f)
		p.checkWhose(f)
		p.texts(f.Texts)
		p.after(f.After)
		p.handOver(f.HandOver)
		p.warn(root, f)
	})
	if lacks != "" {
		return
	}
	l.moduleFiles(module, p.files)
	landing.Files = l.bundle(p.files)
	landing.Version = versionOf(landing.Files)
	l.book.Landings[landing.Name] = landing
}

// page compiles one landing.
type page struct {
	*loader
	landing *engine.Landing
	files   map[string]bool // that the landing's version covers
}

// fields are the names of known fields of the landing's module.
func (p *page) fields(nodes []*yamldoc.Node) (names []string) {
	for _, n := range nodes {
		if p.knownField(n, p.landing.Module) {
			names = append(names, n.Text())
		}
	}
	return names
}

// lifetime reads how long a link lives and how often it acts.
func (p *page) lifetime(f landingFile) {
	landing := p.landing
	landing.Expires, landing.Uses = defaultExpires, defaultUses
	if len(landing.Edit) == 0 {
		landing.Uses = 1
	}
	longest := engine.MaxExpires
	if landing.Opens != nil {
		landing.Expires, longest = engine.UsualOpens, engine.MaxOpens
	}
	writes := len(landing.Edit)+len(landing.Actions) > 0 && landing.Opens == nil
	switch {
	case f.Expires != nil:
		p.complain(yamldoc.Decode(f.Expires, &landing.Expires)...)
		if landing.Expires <= 0 || landing.Expires > longest {
			p.complain(f.Expires.Errorf("a link lives for a duration above zero, at most %s",
				yamldoc.FormatDuration(longest)))
		}
	case writes:
		p.complain(f.Landing.Errorf("a landing that changes a record needs expires: for how long its links live"))
	}
	if f.Uses != nil {
		p.complain(yamldoc.Decode(f.Uses, &landing.Uses)...)
		if landing.Uses < 1 {
			p.complain(f.Uses.Errorf("uses counts what a link may change, at least 1"))
		}
	}
}

// entrance reads how the landing is reached.
func (p *page) entrance(f landingFile) {
	ways := []string{"link", "external_id"}
	for _, by := range f.By {
		switch {
		case !slices.Contains(ways, by.Text()):
			p.complain(by.Unknown("way in", ways))
		case by.Text() == "external_id" && p.landing.Module.ExternalID == "":
			p.complain(by.Errorf("%s has no external_id: name the field that holds it, in %s",
				p.landing.Module.Name, p.origin["module "+p.landing.Module.Name]))
		case by.Text() == "external_id":
			p.landing.ByExternalID = true
			if f.Factor == nil {
				p.complain(by.Warningf("external-id-alone", "whoever has the external id of a record sees what "+
					"landing %s shows, for as long as the record keeps it: ask for a factor", p.landing.Name))
			}
		}
	}
	if f.Bind != nil {
		choices := []string{"none", "browser"}
		if !slices.Contains(choices, f.Bind.Text()) {
			p.complain(f.Bind.Unknown("choice", choices))
		}
		p.landing.Bind = f.Bind.Text() == "browser"
	}
}

// after reads what follows a change.
func (p *page) after(f afterFile) {
	switch {
	case f.Page != nil && f.Redirect != nil:
		p.complain(f.Redirect.Errorf("after a change comes a page or a redirect, not both"))
	case f.Page != nil:
		p.landing.After.Page = f.Page.Text()
		p.checkPage(f.Page)
	case f.Redirect != nil && p.outside(f.Redirect):
		p.landing.After.Redirect = f.Redirect.Text()
	}
}

// checkPage sees that the texts of a page after a change are there.
func (p *page) checkPage(at *yamldoc.Node) {
	if !workflowName.MatchString(at.Text()) {
		p.complain(at.Errorf("the name of a page may hold only small letters, digits and -"))
		return
	}
	for _, code := range []string{"after." + at.Text() + ".title", "after." + at.Text() + ".text"} {
		if p.landing.Texts[code] == nil && !p.labelled(code) && !p.options.Kept {
			p.complain(at.Errorf("there is no text for %s: add it under texts, or in labels/en.json", code))
		}
	}
}

func (p *page) handOver(f *handOverFile) {
	if f == nil || f.To == nil || f.Secret == nil {
		return
	}
	h := &engine.HandOver{
		To: f.To.Text(), Secret: f.Secret.Text(), Fields: p.fields(f.Fields), Life: defaultHandOver,
	}
	p.outside(f.To)
	if p.options.Secrets != nil && !slices.Contains(p.options.Secrets, h.Secret) {
		p.complain(unknown(f.Secret, "secret", h.Secret, p.options.Secrets))
	}
	if f.Expires != nil {
		p.complain(yamldoc.Decode(f.Expires, &h.Life)...)
		if h.Life <= 0 || h.Life > maxHandOver {
			p.complain(f.Expires.Errorf("a statement holds for a duration above zero, at most %s",
				yamldoc.FormatDuration(maxHandOver)))
		}
	}
	p.landing.HandOver = h
}

// outside tells whether an address of another page is one that visitors may be sent to, and complains if not.
func (p *page) outside(at *yamldoc.Node) bool {
	u, err := url.Parse(at.Text())
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil:
		p.complain(at.Errorf("expected an address such as https://shop.acme.example/orders, found %q", at.Text()))
	case p.options.Hosts != nil && !slices.Contains(p.options.Hosts, strings.ToLower(u.Host)):
		d := unknown(at, "host", u.Host, p.options.Hosts)
		d.Message += ": visitors are sent only to hosts under web.hosts of the configuration"
		p.complain(d)
	default:
		return true
	}
	return false
}

// warn tells what a landing probably forgot.
func (p *page) warn(root *yamldoc.Node, f landingFile) {
	if len(p.landing.Edit) > 0 || p.landing.Uses != 1 || f.Factor != nil {
		return
	}
	for _, action := range p.landing.Actions {
		entry, ok := root.Get("actions").Lookup(action.Name)
		if ok && action.Undo == 0 && len(action.Ask) == 0 && action.Factor == nil {
			p.complain(entry.Key.Warningf("no-undo", "a mail scanner that clicks may do %s for good: "+
				"add undo: 15m, a factor, or something to ask", action.Name))
		}
	}
}
