package crm

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"postern/engine"
)

// Kinds of CRM.
const (
	KindMirror  = "mirror"
	KindCorebos = "corebos"
)

const (
	maxSessions = 16 // more than two cores of a coreBOS can serve
	maxTimeout  = 10 * time.Minute
)

// Config says where the records live.
type Config struct {
	// Either mirror or corebos.
	Kind string `yaml:"kind"`
	// URL is the address of the CRM as a browser opens it, such as https://crm.acme.example/. http:// is taken only for
	// this machine, since whoever sees the sign-in could use it for two hours.
	URL string `yaml:"url"`
	// User is the name of the CRM's user that Postern signs in as, who should be one of its own. What that user may not
	// do, Postern cannot.
	User string `yaml:"user"`
	// AccessKey is that user's access key, from its preferences in the CRM; not its password.
	AccessKey engine.Secret `yaml:"access_key"`
	// Timeout is the longest time for one call, signing in and waiting for a free session included: 1s to 10m.
	Timeout time.Duration `yaml:"timeout"`
	// Sessions is how many calls go to the CRM at once, 1 to 16: coreBOS serves one call at a time in each session.
	Sessions int `yaml:"sessions"`
	// Echoes says that every change of a record comes to Postern as an event from the CRM's side, those that Postern
	// makes there included. With false, Postern publishes an event for each of its own changes.
	Echoes bool `yaml:"echoes"`
}

// Defaults is the mirror. A coreBOS gets four sessions, half a minute a call, and is taken to tell its changes.
func Defaults() Config {
	return Config{Kind: KindMirror, Timeout: 30 * time.Second, Sessions: 4, Echoes: true}
}

// Validate finds what cannot work before anything is opened. All complaints come at once.
func (c Config) Validate() error {
	switch c.Kind {
	case KindMirror:
		if c.URL+c.User != "" || !c.AccessKey.IsZero() {
			return errors.New("url, user and access_key are for kind: corebos; a mirror has none")
		}
		return nil
	case KindCorebos:
	default:
		return fmt.Errorf("kind is %q; it is mirror or corebos", c.Kind)
	}
	complaints := []error{c.checkURL()}
	if c.User == "" {
		complaints = append(complaints, errors.New("user is needed: the CRM's user that Postern signs in as"))
	}
	if c.AccessKey.IsZero() {
		complaints = append(complaints, errors.New("access_key is needed, such as { env: COREBOS_ACCESS_KEY }"))
	}
	if c.Timeout < time.Second || c.Timeout > maxTimeout {
		complaints = append(complaints, fmt.Errorf("timeout is %s; between 1s and 10m is taken", c.Timeout))
	}
	if c.Sessions < 1 || c.Sessions > maxSessions {
		complaints = append(complaints, fmt.Errorf("sessions is %d; 1 to %d are taken", c.Sessions, maxSessions))
	}
	return errors.Join(complaints...)
}

// checkURL never repeats what may hold a password.
func (c Config) checkURL() error {
	const form = "write it as https://crm.acme.example/"
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return errors.New("url is needed: the address of the CRM; " + form)
	case err != nil, u.Host == "", u.RawQuery != "", u.Fragment != "":
		return errors.New("url cannot be read; " + form)
	case u.User != nil:
		return errors.New("url holds a user or password; they belong under user and access_key")
	case u.Scheme == "http" && !isHere(u.Hostname()):
		return fmt.Errorf("url would show the sign-in to the network between here and %s: write it as https://",
			u.Hostname())
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("url begins with %q; %s", u.Scheme+":", form)
	}
	return nil
}

// isHere tells whether a host is this machine.
func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Open makes the CRM, without a connection yet. The records are those of a mirror.
func Open(c Config, records engine.RecordStore) (engine.CRM, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Kind == KindMirror {
		return NewMirror(records), nil
	}
	return NewCorebos(c)
}
