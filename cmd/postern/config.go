package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/nats"
	"postern/internal/outcall"
	"postern/internal/pages"
	"postern/internal/web"
	"postern/internal/yamldoc"
	"postern/workflows"
)

// config is the configuration file: where things are, and what carries what.
type config struct {
	// Book is the folder of workflows; the shipped book if it is empty.
	Book string `yaml:"book"`
	// Data is the folder of the database, the event stream and the key file.
	Data string `yaml:"data"`
	// Web is the door's own configuration.
	Web webConfig `yaml:"web"`
	// NATS says which broker carries the events: an embedded one, or with url a remote one.
	NATS nats.Config `yaml:"nats"`
	// CRM says where the records live: mirror, the copies that the event stream feeds, or corebos, a coreBOS that is
	// asked by its web service. The keys after kind are for corebos.
	CRM crm.Config `yaml:"crm"`
	// Channels are the channels workflows may use, by name.
	Channels []yamldoc.Entry `yaml:"channels" schema:"channels"`
	// RedirectTo are addresses, by channel, to which all its messages go in place of their recipients, while an
	// installation is tried out.
	RedirectTo map[string]*yamldoc.Node `yaml:"redirect_to" schema:"text"`
	// OnlyTo are the only addresses that get messages, in which * stands for anything: *@acme.example. All others are
	// kept back. Without it there is no limit.
	OnlyTo []string `yaml:"only_to,one"`
	// Secrets are the secrets that workflows may name, for calls and for hmac(), each under a name of its own.
	Secrets map[string]engine.Secret `yaml:"secrets"`
	// Calls says what calls of web services may reach.
	Calls outcall.Config `yaml:"calls"`
	// API says who may use the HTTP interface for machines.
	API apiConfig `yaml:"api"`
	// Retention says how long what is over is kept.
	Retention engine.Retention `yaml:"retention"`
	// Log is text or json.
	Log string `yaml:"log"`

	zone    *time.Location    // that web.zone names; nil for none
	folder  string            // of the file: relative paths begin there
	sources map[string][]byte // the file's text by its name, for complaints to quote
}

type webConfig struct {
	// Listen is the address of the HTTP port.
	Listen string `yaml:"listen"`
	// BaseURL is the address that links begin with, as recipients reach the port. It is needed unless every channel is
	// of kind capture.
	BaseURL string `yaml:"base_url"`
	// Callbacks is the address below which providers call back, one path for each channel; base_url with /callbacks if
	// it is not set.
	Callbacks string `yaml:"callbacks"`
	// Origins are the hosts of front ends of your own, such as https://www.acme.example, whose pages may ask the door
	// for its answers as data.
	Origins []string `yaml:"origins"`
	// Brand is whose door it is, as visitors see it: a name, or with the keys below a logo and colours besides.
	Brand brandConfig `yaml:"brand" schema:"text|brandConfig"`
	// Zone is the time zone whose clocks visitors read and write, by its IANA name: Europe/Madrid. UTC if it is not
	// said.
	Zone *yamldoc.Node `yaml:"zone" schema:"text"`
	// TrustedProxies are the addresses, or ranges of them, of the proxies in front of the port: theirs is the
	// X-Forwarded-For that says where a visitor comes from, and nobody else's.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// Hosts are hosts of yours that landings may lead visitors on to, by hand_over and after: shop.acme.example.
	Hosts []string `yaml:"hosts"`
	// Portal is how the portals of the book are served beyond their pages.
	Portal portalConfig `yaml:"portal"`
}

type apiConfig struct {
	// Keys are the keys that let a client in, each under a name for the log and the audit.
	Keys map[string]web.Key `yaml:"keys"`
}

func defaultConfig() config {
	return config{
		Data:  "postern-data",
		Web:   webConfig{Listen: "127.0.0.1:8480"},
		NATS:  nats.Defaults(),
		CRM:   crm.Defaults(),
		Calls: outcall.Defaults(),
		Log:   "text",

		Retention: engine.DefaultRetention(),
	}
}

// loadConfig reads a configuration file; paths in it are relative to it. Without a file the defaults
// stand. The error lists every complaint.
func loadConfig(path string) (config, error) {
	c := defaultConfig()
	if path == "" {
		return c, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	c.sources = map[string][]byte{path: text}
	doc, diags := yamldoc.Parse(path, text)
	if doc != nil {
		diags = append(diags, yamldoc.Decode(doc.Root(), &c)...)
	}
	if c.Web.Zone != nil {
		zone, wrong := workflows.Zone(c.Web.Zone)
		c.zone, diags = zone, append(diags, wrong...)
	}
	if diags.Err() != nil {
		return c, c.complain(diags)
	}
	folder := filepath.Dir(path)
	for _, p := range []*string{&c.Book, &c.Data, &c.NATS.Creds, &c.NATS.CA, &c.NATS.Cert, &c.NATS.Key} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(folder, *p)
		}
	}
	c.folder, c.NATS.Token, c.CRM.AccessKey = folder, c.NATS.Token.In(folder), c.CRM.AccessKey.In(folder)
	for name, key := range c.API.Keys {
		c.API.Keys[name] = key.In(folder)
	}
	for name, secret := range c.Secrets {
		c.Secrets[name] = secret.In(folder)
	}
	c.Calls = c.Calls.In(folder)
	return c, c.validate()
}

func (c config) validate() error {
	var wrong []error
	wrong = append(wrong, under("nats", c.NATS.Validate()), under("crm", c.CRM.Validate()),
		under("calls", c.Calls.Validate()))
	for _, host := range c.Web.Hosts {
		if !plainHost(host) {
			wrong = append(wrong, fmt.Errorf("web.hosts: %q is not a host as addresses have it, "+
				"such as shop.acme.example or shop.acme.example:8443", host))
		}
	}
	for _, origin := range c.Web.Origins {
		if base, err := pages.ParseBase(origin); err != nil || base.String() != origin {
			wrong = append(wrong, fmt.Errorf("web.origins: %q is not a host as browsers name it, "+
				"such as https://www.acme.example", origin))
		}
	}
	if _, err := c.base(); err != nil {
		wrong = append(wrong, fmt.Errorf("web.base_url: %w", err))
	}
	wrong = append(wrong, c.checkCallbacks())
	_, err := web.ParseProxies(c.Web.TrustedProxies)
	wrong = append(wrong, under("web.trusted_proxies", err))
	wrong = append(wrong, under("web.portal.facade", c.Web.Portal.Facade.validate()))
	_, err = c.brand()
	wrong = append(wrong, under("web.brand", err))
	if err := c.Retention.Validate(); err != nil {
		wrong = append(wrong, fmt.Errorf("retention: %w", err))
	}
	if c.Log != "text" && c.Log != "json" {
		wrong = append(wrong, fmt.Errorf("log: %q is neither text nor json", c.Log))
	}
	return errors.Join(wrong...)
}

// plainHost tells whether a text is the host of an address and nothing else, in small letters.
func plainHost(text string) bool {
	u, err := url.Parse("https://" + text + "/")
	return err == nil && u.Host == text && u.Hostname() != "" && text == strings.ToLower(text) &&
		!strings.ContainsAny(text, "*_ ;,'\"")
}

// under puts the name of a part before each line of its complaints.
func under(name string, complaints error) error {
	if complaints == nil {
		return nil
	}
	var wrong []error
	for line := range strings.Lines(complaints.Error()) {
		wrong = append(wrong, errors.New(name+": "+strings.TrimSpace(line)))
	}
	return errors.Join(wrong...)
}

// base is the address that links begin with: where nobody chose one, that of the HTTP port on this machine.
func (c config) base() (pages.Base, error) {
	if c.Web.BaseURL != "" {
		return pages.ParseBase(c.Web.BaseURL)
	}
	_, port, err := net.SplitHostPort(c.Web.Listen)
	if err != nil || port == "" || port == "0" {
		port = "8480"
	}
	return pages.ParseBase("http://localhost:" + port)
}

// checkBase refuses to send people links to an address that nobody chose.
func (c config) checkBase() error {
	sends := slices.ContainsFunc(c.Channels, func(entry yamldoc.Entry) bool {
		return slices.ContainsFunc(accountsOf(entry), func(a account) bool { return a.kind.Text() != "capture" })
	})
	if !sends || c.Web.BaseURL != "" {
		return nil
	}
	return errors.New("web.base_url is needed: messages carry links, which begin with the address of this server " +
		"as recipients reach it, such as\n  web: { base_url: \"https://go.acme.example\" }")
}

// mirrors tells whether the records are the copies that Postern keeps.
func (c config) mirrors() bool { return c.CRM.Kind == crm.KindMirror }

// database is the path of the database.
func (c config) database() string { return filepath.Join(c.Data, "postern.db") }

// complain makes complaints that quote the file, but never a plain value where a mapping belongs: it may
// be a secret that somebody wrote down in place of saying where it is.
func (c config) complain(diags yamldoc.Diagnostics) complaints {
	quoted := map[string][]byte{}
	for name, text := range c.sources {
		lines := strings.Split(string(text), "\n")
		for _, d := range diags {
			if d.File != name || d.Line < 1 || d.Line > len(lines) {
				continue
			}
			line := []rune(lines[d.Line-1])
			if strings.HasPrefix(d.Message, "expected a mapping, found") && d.Column <= len(line) {
				lines[d.Line-1] = string(line[:d.Column-1]) + "…"
			} else if secretLine.MatchString(string(line)) {
				lines[d.Line-1] = "…"
			}
		}
		quoted[name] = []byte(strings.Join(lines, "\n"))
	}
	return complaints{diags, quoted}
}

// secretLine is a line that speaks of a secret in a way that is not understood: it is not quoted at all.
var secretLine = regexp.MustCompile(`(?i)(password|token|secret|keys?)\b.*\b(value|val|text|plain)\s*:`)

// complaints are diagnostics as an error, printed with the places they point at.
type complaints struct {
	diags   yamldoc.Diagnostics
	sources map[string][]byte
}

// Error prints the complaints.
func (c complaints) Error() string {
	var b strings.Builder
	_ = yamldoc.Print(&b, c.diags, c.sources)
	return strings.TrimRight(b.String(), "\n")
}
