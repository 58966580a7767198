package outcall

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/netguard"
)

// Config says what the calls of web services may reach, and how.
type Config struct {
	// Allow names what calls may reach inside the house: host names, addresses, networks such as 10.1.0.0/16. All else
	// must have an address of the public internet. Addresses at which clouds hand out keys are never called.
	Allow []string `yaml:"allow"`
	// HTTP names hosts that may be called without TLS: whoever is in between can read and change what is said.
	HTTP []string `yaml:"http"`
	// CA are files with certificates of further authorities to trust, in PEM.
	CA []string `yaml:"ca"`
	// Timeout is the longest time for one try where the step says nothing else: 1s to 5m.
	Timeout time.Duration `yaml:"timeout"`
	// Proxy is the address of a proxy that all calls go through, such as http://proxy.acme.example:3128. It resolves
	// the names again, and must itself keep calls from going inside. Without it there is none, whatever the environment
	// says.
	Proxy string `yaml:"proxy"`
}

// Defaults is the public internet, over TLS, half a minute a call.
func Defaults() Config { return Config{Timeout: 30 * time.Second} }

// In returns the configuration with relative files meant from a folder.
func (c Config) In(folder string) Config {
	files := make([]string, len(c.CA))
	for i, file := range c.CA {
		if files[i] = file; !filepath.IsAbs(file) {
			files[i] = filepath.Join(folder, file)
		}
	}
	c.CA = files
	return c
}

// Validate finds what cannot work before anything is called. All complaints come at once.
func (c Config) Validate() error {
	var wrong []error
	if _, err := netguard.NewRules(c.Allow); err != nil {
		for line := range strings.Lines(err.Error()) {
			wrong = append(wrong, errors.New("allow: "+strings.TrimSpace(line)))
		}
	}
	for _, host := range c.HTTP {
		if !netguard.IsHost(host) {
			wrong = append(wrong, fmt.Errorf("http: %q is no host", host))
		}
	}
	if c.Timeout < time.Second || c.Timeout > engine.MaxCallTime {
		wrong = append(wrong, errors.New("timeout is from 1s to 5m"))
	}
	if _, err := c.proxy(); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// Rules are what a book may be held against.
func (c Config) Rules() engine.CallRules { return engine.CallRules{Plain: c.HTTP, Inside: c.Allow} }

// proxy is the address of the proxy; nil for none.
func (c Config) proxy() (*url.URL, error) {
	if c.Proxy == "" {
		return nil, nil //nolint:nilnil // there is none, which is no error
	}
	u, err := url.Parse(c.Proxy)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !netguard.IsHost(hostOf(u)) || u.User != nil {
		return nil, errors.New("proxy is an address such as http://proxy.acme.example:3128, without a password")
	}
	return u, nil
}

// trust is what makes a certificate good: the machine's authorities and those of the configuration.
func (c Config) trust() (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(c.CA) == 0 {
		return settings, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the machine's authorities: %w", err)
	}
	for _, file := range c.CA {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ca: %s holds no certificate in PEM", file)
		}
	}
	settings.RootCAs = pool
	return settings, nil
}
