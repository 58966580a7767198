package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"postern/internal/rig"
)

//go:embed book
var files embed.FS

// configuration is what all trials share; further channels, and what follows them, are theirs.
const configuration = `book: book
data: data
web:
  listen: {web}
  base_url: http://{web}
api:
  keys:
    bench: { env: POSTERN_BENCH_KEY }
channels:
  email:
    host: 127.0.0.1
    port: %d
    from: Acme Support <support@acme.example>
    tls: none
%snats:
`

// elsewhere says that the records are in a CRM of their own, so that no copies are kept. Nothing in the bench's books
// asks it for a record, and nobody answers there.
const elsewhere = `crm:
  kind: corebos
  url: http://127.0.0.1:9/
  user: bench
  access_key: { env: POSTERN_BENCH_KEY }
`

// apiKey lets the bench post events.
const apiKey = "a key of the bench alone"

// place makes a folder with configuration, more of which may be given, and book. The broker is at a URL, or embedded if
// that is "".
func (b *bench) place(s *sink, book book, broker string, more ...string) (rig.Place, error) {
	folder, err := b.fresh()
	if err != nil {
		return rig.Place{}, err
	}
	p, err := rig.NewPlace(folder)
	if err != nil {
		return p, err
	}
	nats := "  listen: {nats}\n"
	if broker != "" {
		nats = "  url: " + broker + "\n"
	}
	failures := []error{p.Configure(fmt.Sprintf(configuration, s.port(), s.channels()) + nats + strings.Join(more, ""))}
	for path, text := range book {
		failures = append(failures, p.Write("book/"+path, text))
	}
	return p, errors.Join(failures...)
}

// book is a folder of files by their path.
type book map[string]string

// bookOf is one of the books under book/, with what all of them share.
func bookOf(name string) (book, error) {
	made := book{}
	for _, part := range []string{"book/shared", "book/" + name} {
		err := fs.WalkDir(files, part, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := fs.ReadFile(files, path)
			made[strings.TrimPrefix(path, part+"/")] = string(text)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}

// start runs Postern without waiting for it.
func (b *bench) start(p rig.Place) (*rig.Child, error) {
	return rig.Start(b.program, p, nil, "POSTERN_BENCH_KEY="+apiKey)
}

// ready runs Postern and waits until it is ready; it tells how long that took.
func (b *bench) ready(ctx context.Context, p rig.Place) (*rig.Child, time.Duration, error) {
	begin := time.Now()
	child, err := b.start(p)
	if err != nil {
		return nil, 0, err
	}
	if err := child.AwaitReady(ctx); err != nil {
		child.Kill()
		return nil, 0, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	return child, time.Since(begin), nil
}

// self runs this program as a child, in a folder of its own.
func (b *bench) self(args ...string) (*rig.Child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	folder, err := b.fresh()
	if err != nil {
		return nil, err
	}
	return rig.StartOther(rig.Place{Folder: folder}, nil, append([]string{program}, args...)...)
}

// floor runs a floor as a child.
func (b *bench) floor(name string, args ...string) (*rig.Child, error) {
	return b.self(append([]string{"floor", name}, args...)...)
}

// broker runs a NATS server as a child, and makes the stream on it by a first start of Postern.
func (b *bench) broker(ctx context.Context, s *sink) (child *rig.Child, url string, err error) {
	ports, err := rig.FreePorts(1)
	if err != nil {
		return nil, "", err
	}
	folder, err := b.fresh()
	if err != nil {
		return nil, "", err
	}
	child, err = b.self("broker", "-listen", ports[0], "-folder", folder)
	if err != nil {
		return nil, "", err
	}
	url = "nats://" + ports[0]
	err = rig.Await(ctx, func() bool {
		client, err := rig.ConnectCRM(url)
		if err == nil {
			client.Close()
		}
		return err == nil
	})
	if err == nil {
		err = b.makeStream(ctx, s, url)
	}
	if err != nil {
		child.Kill()
		return nil, "", err
	}
	return child, url, nil
}

func (b *bench) makeStream(ctx context.Context, s *sink, broker string) error {
	book, err := bookOf("mail")
	if err != nil {
		return err
	}
	p, err := b.place(s, book, broker)
	if err != nil {
		return err
	}
	child, _, err := b.ready(ctx, p)
	if err != nil {
		return err
	}
	return child.Stop(stopTime)
}

// stopTime is what an orderly end may take.
const stopTime = 30 * time.Second
