package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

//go:embed book
var files embed.FS

const (
	stopTime = 10 * time.Second // from SIGTERM to the end
	tailSize = 30               // lines of the log that are shown after a failure
)

// place is where the child works: a folder with its configuration and its book, and the ports it will open.
type place struct {
	folder, web, nats string
}

// configuration is what an operator would write. The password is in the environment.
const configuration = `book: book
data: data
web:
  listen: %[1]s
  base_url: http://%[1]s
  brand: Acme Support
nats:
  listen: %[2]s
channels:
  email:
    host: 127.0.0.1
    port: %[3]d
    user: %[4]s
    password: { env: %[5]s }
    from: Acme Support <support@acme.example>
    tls: starttls
    ca: %[6]q
`

// passwordEnv names the variable that the child finds its mail password in.
const passwordEnv = "POSTERN_SMOKE_PASSWORD"

// furnish writes configuration, certificate and book into the folder.
func furnish(folder string, mails *mailServer) (place, error) {
	ports, err := freePorts(2)
	if err != nil {
		return place{}, err
	}
	p := place{folder: folder, web: ports[0], nats: ports[1]}
	authority := filepath.Join(folder, "mail-ca.pem")
	text := fmt.Sprintf(configuration, p.web, p.nats, mails.port, mails.user, passwordEnv, authority)
	book, err := fs.Sub(files, "book")
	if err != nil {
		return place{}, err
	}
	return p, errors.Join(
		os.WriteFile(p.config(), []byte(text), 0o600),
		os.WriteFile(authority, mails.certificate, 0o600),
		os.CopyFS(filepath.Join(folder, "book"), book),
	)
}

func (p place) config() string { return filepath.Join(p.folder, "postern.yaml") }
func (p place) log() string    { return filepath.Join(p.folder, "postern.log") }

// freePorts finds addresses of this machine that nobody listens on. All are held until the last is found, so that
// they differ.
func freePorts(n int) ([]string, error) {
	var free []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close()
		free = append(free, listener.Addr().String())
	}
	return free, nil
}

// child is the running program.
type child struct {
	process  *os.Process
	place    place
	stopping atomic.Bool
	done     chan struct{}
	err      error // how it ended, once done is closed
}

// startChild runs `postern serve`. An end that was not asked for goes to died.
func startChild(program string, p place, password string, died func(error)) (*child, error) {
	log, err := os.Create(p.log())
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	defer log.Close() // the child has its own handle
	command := exec.Command(program, "serve", "--config", p.config())
	command.Env = append(os.Environ(), passwordEnv+"="+password)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	c := &child{process: command.Process, place: p, done: make(chan struct{})}
	go func() {
		c.err = command.Wait()
		close(c.done)
		if !c.stopping.Load() {
			died(fmt.Errorf("postern ended by itself: %w", orEnded(c.err)))
		}
	}()
	return c, nil
}

// orEnded gives an orderly end a name too: nobody had asked for it.
func orEnded(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// ready asks the health endpoints: live at once, ready when events are taken in.
func (c *child) ready(ctx context.Context) bool {
	for _, state := range []string{"live", "ready"} {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.place.web+"/healthz/"+state, nil)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return false
		}
	}
	return true
}

// stop asks the child to end, which it must do in good order and in time.
func (c *child) stop() error {
	c.stopping.Store(true)
	if err := c.process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop postern: %w", err)
	}
	late := time.NewTimer(stopTime)
	defer late.Stop()
	select {
	case <-c.done:
	case <-late.C:
		return fmt.Errorf("postern is still there %s after SIGTERM", stopTime)
	}
	if c.err != nil {
		return fmt.Errorf("postern ended after SIGTERM with %w", c.err)
	}
	return nil
}

// kill ends the child if it is still there, and waits for that.
func (c *child) kill() {
	c.stopping.Store(true)
	_ = c.process.Kill()
	<-c.done
}

// tail is the end of the child's log, without the requests that went well: they are too many to see anything else.
func (c *child) tail() string {
	text, err := os.ReadFile(c.place.log())
	if err != nil {
		return err.Error()
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimRight(string(text), "\n"), "\n"), func(line string) bool {
		return strings.Contains(line, "level=INFO msg=request ")
	})
	return strings.Join(lines[max(0, len(lines)-tailSize):], "\n")
}
