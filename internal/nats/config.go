package nats

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postern/engine"
)

const (
	defaultListen   = "127.0.0.1:4222"
	defaultMaxBytes = 1 << 30
	minMaxBytes     = 1 << 20 // room for one message of the greatest size
)

// Config says which broker carries the events. Without url a broker is embedded; with it the others of its part count.
type Config struct {
	// Listen is the address, host:port, where the embedded broker lets any NATS client in; port 0 takes a free one, and
	// "" or "off" opens none. An address that other machines can reach needs a token.
	Listen string `yaml:"listen"`
	// MaxBytes is how large the stream may grow before new events are refused. 0 means 1 GiB for a stream that is made
	// now or embedded, and leaves one that exists at a remote broker as it is.
	MaxBytes int64 `yaml:"max_bytes"`
	// Token is the shared password: asked of every client by the embedded broker, shown to a remote one, which must be
	// on this machine or behind tls:// or wss://.
	Token engine.Secret `yaml:"token"`

	// URL of a remote broker, nats://host:4222 or tls://host:4222; several of one cluster with commas between them.
	URL string `yaml:"url"`
	// Creds is the path of a NATS credentials file; tls:// or wss:// is needed as for Token.
	Creds string `yaml:"creds"`
	// CA is the path of a PEM file with the authorities to trust instead of the system's.
	CA string `yaml:"ca"`
	// Cert is the path of our own certificate in PEM, for a broker that asks for one.
	Cert string `yaml:"cert"`
	// Key is the path of the certificate's private key in PEM.
	Key string `yaml:"key"`
	// Replicas is how many machines of the cluster hold each event, 1 to 5; 3 survives the loss of one. 0 means 1 for a
	// stream that is made now, and leaves one that exists as it is.
	Replicas int `yaml:"replicas"`
}

// Defaults is the embedded broker, open to this machine on the usual port.
func Defaults() Config { return Config{Listen: defaultListen} }

// Validate finds what cannot work before anything is opened. All complaints come at once.
func (c Config) Validate() error {
	complaints := []error{c.checkSizes()}
	if c.URL != "" {
		complaints = append(complaints, c.checkURL(), c.checkProofs())
	} else {
		complaints = append(complaints, c.checkListen(), c.checkEmbedded())
	}
	return errors.Join(complaints...)
}

func (c Config) checkSizes() error {
	switch {
	case c.MaxBytes != 0 && c.MaxBytes < minMaxBytes:
		return fmt.Errorf("max_bytes is %d; the least is %d", c.MaxBytes, minMaxBytes)
	case c.Replicas < 0 || c.Replicas > 5:
		return fmt.Errorf("replicas is %d; a stream has 1 to 5", c.Replicas)
	}
	return nil
}

// checkURL never repeats what may hold a password.
func (c Config) checkURL() error {
	for server := range strings.SplitSeq(c.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(server))
		switch {
		case err != nil:
			// The parser's own words would repeat the address, password and all.
			return errors.New("url cannot be read; write it as nats://host:4222 or tls://host:4222")
		case u.User != nil:
			return errors.New("url holds a user or password; name them in creds or token instead")
		case u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss":
			return fmt.Errorf("url begins with %q; write it as nats://host:4222 or tls://host:4222", u.Scheme)
		case u.Hostname() == "":
			return errors.New("url names no host; write it as nats://host:4222 or tls://host:4222")
		case c.hasProof() && !c.isEncrypted(u.Scheme) && !isHere(u.Hostname()):
			return fmt.Errorf("url would show token or creds to the network between here and %s: "+
				"write it as tls:// or wss://", u.Hostname())
		}
	}
	return nil
}

// hasProof tells whether something is shown to the broker that nobody on the way may read or sign with.
func (c Config) hasProof() bool { return !c.Token.IsZero() || c.Creds != "" }

// isEncrypted tells whether a connection by this scheme is refused unless it is by TLS, as one with authorities or a
// certificate of its own always is.
func (c Config) isEncrypted(scheme string) bool {
	return scheme == "tls" || scheme == "wss" || (scheme == "nats" && c.CA+c.Cert != "")
}

func (c Config) checkProofs() error {
	switch {
	case c.Creds != "" && !c.Token.IsZero():
		return errors.New("creds and token are both given; a broker asks for one of them")
	case (c.Cert == "") != (c.Key == ""):
		return errors.New("cert and key belong together; one of them is missing")
	}
	return nil
}

func (c Config) checkEmbedded() error {
	switch {
	case c.Creds+c.CA+c.Cert+c.Key != "":
		return errors.New("creds, ca, cert and key are for a remote broker, and no url is given")
	case c.Replicas > 1:
		return fmt.Errorf("replicas is %d; the embedded broker is one machine", c.Replicas)
	}
	return nil
}

func (c Config) checkListen() error {
	host, _, on, err := c.listener()
	if err != nil || !on || isLoopback(host) || !c.Token.IsZero() {
		return err
	}
	return fmt.Errorf("listen is %s, which other machines can reach: give a token, or listen on 127.0.0.1", c.Listen)
}

// listener takes Listen apart; on is false when no listener is wanted.
func (c Config) listener() (host string, port int, on bool, err error) {
	if c.Listen == "" || c.Listen == "off" {
		return "", 0, false, nil
	}
	host, text, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", 0, false, fmt.Errorf("listen is %q; write it as host:port, or \"\" for none", c.Listen)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < -1 || port > 65535 {
		return "", 0, false, fmt.Errorf("listen is %q; the port is a number up to 65535, 0 for a free one", c.Listen)
	}
	return host, max(port, 0), true, nil
}

// isHere tells whether what is sent to a host stays on this machine.
func isHere(host string) bool {
	ip := net.ParseIP(host)
	if ip == nil || ip.IsLoopback() || ip.IsUnspecified() {
		return ip != nil || isLoopback(host)
	}
	addresses, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(addresses, func(address net.Addr) bool {
		network, ok := address.(*net.IPNet)
		return ok && network.IP.Equal(ip)
	})
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// streamBytes is the size of a stream that is made now or embedded.
func (c Config) streamBytes() int64 {
	if c.MaxBytes == 0 {
		return defaultMaxBytes
	}
	return c.MaxBytes
}

// place names the broker in errors.
func (c Config) place() string {
	if c.URL == "" {
		return "the embedded broker"
	}
	return c.URL
}
