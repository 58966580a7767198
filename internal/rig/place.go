// Package rig starts the built program as an operator does, and plays the world around it: a folder with a
// configuration and a book, a mail server, a CRM on NATS. The programs that look at Postern from outside share it:
// the smoke test, the chaos rounds and the bench. Nothing here knows an inside of Postern.
package rig

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// poll is the time between two looks at what one waits for.
const poll = 5 * time.Millisecond

// Place is where the program works: a folder with its configuration, book, data and log, and the ports it will open.
type Place struct {
	Folder    string
	Web, NATS string // host:port
}

// NewPlace takes a folder that exists, and two ports that are free.
func NewPlace(folder string) (Place, error) {
	ports, err := FreePorts(2)
	if err != nil {
		return Place{}, err
	}
	return Place{Folder: folder, Web: ports[0], NATS: ports[1]}, nil
}

// Config is the path of the configuration file.
func (p Place) Config() string { return filepath.Join(p.Folder, "postern.yaml") }

// Data is the path of the data folder, if the configuration says `data: data`.
func (p Place) Data() string { return filepath.Join(p.Folder, "data") }

// Log is the path of the file that gets all that the program prints.
func (p Place) Log() string { return filepath.Join(p.Folder, "postern.log") }

// WebURL is the address of the HTTP port.
func (p Place) WebURL() string { return "http://" + p.Web }

// NATSURL is the address of the broker's port.
func (p Place) NATSURL() string { return "nats://" + p.NATS }

// Write puts a file into the folder, below which its name is, and makes the folders on the way.
func (p Place) Write(name, text string) error {
	path := filepath.Join(p.Folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("furnish: %w", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("furnish: %w", err)
	}
	return nil
}

// Configure writes the configuration, in which {web}, {nats} and {folder} stand for the place's own.
func (p Place) Configure(text string) error {
	return p.Write(filepath.Base(p.Config()), p.fill(text))
}

// Book copies the files into the folder named book.
func (p Place) Book(files fs.FS) error {
	if err := os.CopyFS(filepath.Join(p.Folder, "book"), files); err != nil {
		return fmt.Errorf("furnish: %w", err)
	}
	return nil
}

func (p Place) fill(text string) string {
	return strings.NewReplacer("{web}", p.Web, "{nats}", p.NATS, "{folder}", p.Folder).Replace(text)
}

// FreePorts finds addresses of this machine, host:port, that nobody listens on. All are held until the last is found,
// so that they differ.
func FreePorts(n int) ([]string, error) {
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

// Await polls until it is enough. Its error is the cause for which the context ended.
func Await(ctx context.Context, enough func() bool) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for !enough() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
