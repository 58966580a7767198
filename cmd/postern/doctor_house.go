package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/nats"
	"postern/internal/outcall"
	"postern/internal/web"
	"postern/workflows"
)

// doctorState is what the running process tells of itself.
var doctorState = operation[struct{}, houseState]{"doctor", needsEngine, (*house).state}

// houseState is what /healthz/ready tells.
type houseState struct {
	Reasons  []string `json:"reasons,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

func (h *house) state(ctx context.Context, _ struct{}) (houseState, error) {
	reasons, warnings := h.engine.Ready(ctx)
	return houseState{reasons, warnings}, nil
}

// parts are what there is to look at. What is opened for the channels is not closed: the process ends.
func (d *doctor) parts(ctx context.Context) []part {
	var state houseState
	running := callControl(ctx, d.site.config.Data, doctorState.path(), struct{}{}, &state)
	d.serving = !errors.Is(running, errNotRunning)
	book, bookFound := d.book()
	parts := []part{
		{"configuration", func(context.Context) []diagnosis { return d.configuration(book) }},
		{"book", func(context.Context) []diagnosis { return bookFound }},
		{"data", d.data},
		{"process", func(ctx context.Context) []diagnosis { return d.process(ctx, running, state) }},
		{"event stream", d.stream},
		{"CRM", func(ctx context.Context) []diagnosis { return d.crm(ctx, book) }},
	}
	parts = append(parts, d.portalParts(ctx, book)...)
	parts = append(parts, d.channelParts()...)
	return append(parts, part{"callbacks", d.callbacks}, part{"clock", d.clock})
}

// configuration tells what of it can only be checked with a book.
func (d *doctor) configuration(book *engine.Book) []diagnosis {
	name := d.site.path
	if name == "" {
		name = "none: the defaults"
	}
	found := []diagnosis{good("file", "%s", name)}
	c := d.site.config
	wrong := c.checkSecrets()
	if book != nil {
		wrong = errors.Join(wrong, c.checkHandOvers(book))
	}
	if wrong != nil {
		found = append(found, fault("secrets", "put each where its env or file says", "%v", wrong))
	} else if len(c.Secrets) > 0 {
		found = append(found, good("secrets", "%s, each where it should be", counted(len(c.Secrets), "secret")))
	}
	if err := c.checkLimits(); err != nil {
		found = append(found, fault("limits", "write rate and budget as a count and a time: 10/s, 600/m, 3000/h",
			"%v", err))
	}
	found = append(found, d.machines()...)
	if diversion, err := c.diversion(); err != nil {
		found = append(found, fault("recipients", "correct redirect_to", "%v", err))
	} else if said := divertedTo(diversion); said != "" {
		found = append(found, good("recipients", "messages are DIVERTED: %s", said))
	}
	if err := c.checkBase(); err != nil {
		found = append(found, fault("base_url", "set web.base_url", "%v", err))
	}
	return found
}

// machines holds what calls and the callers of the API need against what serve wants of it.
func (d *doctor) machines() (found []diagnosis) {
	c := d.site.config
	caller, err := outcall.New(c.Calls, outcall.Outfit{Secrets: c.Secrets, Clock: engine.SystemClock{}})
	if err != nil {
		found = append(found, fault("calls", "correct calls", "%v", err))
	} else {
		_ = caller.Close()
	}
	if _, err := web.NewKeys(c.API.Keys); err != nil {
		found = append(found, fault("api", "put each key where its env or file says", "%v", err))
	}
	if _, err := c.CRM.AccessKey.Reveal(); err != nil {
		found = append(found, fault("crm", "put the key where its env or file says", "access_key: %v", err))
	}
	return found
}

// book loads the book; nil if it has errors.
func (d *doctor) book() (*engine.Book, []diagnosis) {
	files, err := bookFolder(d.site.config.Book)
	if err != nil {
		return nil, []diagnosis{fault("files", "name the folder with the key book", "%v", err)}
	}
	book, diags, _ := workflows.Load(files, d.site.config.bookOptions())
	if book == nil {
		return nil, []diagnosis{fault("workflows", "postern lint --config "+d.site.path+" shows each with its line",
			"the book has errors")}
	}
	found := good("workflows", "%s", bookSummary(book))
	if len(diags) > 0 {
		found.Text += ", " + counted(len(diags), "remark") + " of postern lint"
	}
	return book, []diagnosis{found}
}

// data looks at the folder, the key file and the database. What only a process that serves may open is its own to tell.
func (d *doctor) data(ctx context.Context) []diagnosis {
	c := d.site.config
	info, err := os.Stat(c.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []diagnosis{good("folder", "%s is not there yet; postern serve makes it", c.Data)}
	case err != nil:
		return []diagnosis{fault("folder", "let this user read it", "%v", err)}
	case !info.IsDir():
		return []diagnosis{fault("folder", "name a folder with the key data", "%s is no folder", c.Data)}
	}
	found := []diagnosis{good("folder", "%s", c.Data)}
	if info.Mode().Perm()&0o077 != 0 {
		found[0] = fault("folder", "chmod go= "+c.Data, "%s can be opened by other users of this machine", c.Data)
	}
	_, err = keys.Open(c.keyFile())
	base, baseErr := os.Stat(c.database())
	switch {
	case errors.Is(err, fs.ErrNotExist) && baseErr != nil:
		return append(found, good("key file", "not there yet; postern serve makes it, and the database"))
	case errors.Is(err, fs.ErrNotExist):
		return append(found, fault("key file", "put it back from the copy that was kept",
			"%s is missing: no link that was sent can be opened", c.keyFile()))
	case err != nil:
		return append(found, fault("key file", "do as it says, or put it back from the copy that was kept", "%v", err))
	}
	found = append(found, good("key file", "%s", c.keyFile()))
	if baseErr != nil {
		return append(found, good("database", "not there yet; postern serve makes it"))
	}
	bytes := base.Size()
	if log, err := os.Stat(c.database() + "-wal"); err == nil {
		bytes += log.Size()
	}
	size := fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
	if d.serving {
		return append(found, good("database", "%s, in use by the running process", size))
	}
	if err = d.open(ctx); err != nil {
		return append(found, fault("database", "docs/operations.md tells how to restore a backup", "%v", err))
	}
	return append(found, good("database", "%s, opens", size))
}

// open opens the data folder, and closes it again.
func (d *doctor) open(ctx context.Context) error {
	d.opening.Lock()
	defer d.opening.Unlock()
	h := &house{config: d.site.config, logger: newLogger(d.site.log, d.site.config.Log, slog.LevelError)}
	return errors.Join(h.openStore(ctx), h.close())
}

// process tells what the running process says of itself.
func (d *doctor) process(ctx context.Context, running error, state houseState) []diagnosis {
	const help = "look at its log, and at docs/operations.md"
	switch {
	case !d.serving:
		return append([]diagnosis{good("running", "no: nobody serves this data folder")},
			d.free(ctx, "web.listen", d.site.config.Web.Listen)...)
	case running != nil:
		return []diagnosis{fault("running", help, "%v", running)}
	}
	found := []diagnosis{good("running", "yes")}
	for _, reason := range state.Reasons {
		found = append(found, fault("ready", help, "no: %s", reason))
	}
	for _, warning := range state.Warnings {
		found = append(found, fault("warning", help, "%s", warning))
	}
	return found
}

// stream looks at the broker: a remote one is asked, an embedded one is as well as the process it is a part of.
func (d *doctor) stream(ctx context.Context) []diagnosis {
	c := d.site.config
	if c.NATS.URL == "" {
		if d.serving {
			return []diagnosis{good("broker", "embedded in the running process")}
		}
		return append([]diagnosis{good("broker", "embedded; it starts with postern serve")},
			d.free(ctx, "nats.listen", c.NATS.Listen)...)
	}
	bus, err := nats.Watch(c.NATS, newLogger(d.site.log, c.Log, slog.LevelError))
	if err != nil {
		return []diagnosis{fault("broker", "is it running, and do nats.url, token and creds fit?", "%v", err)}
	}
	defer bus.Close()
	at, err := bus.Position(ctx)
	if err != nil {
		return []diagnosis{fault("stream", "postern serve makes it; a token may lack the right to see it", "%v", err)}
	}
	found := good("broker", "%s, stream %.0f %% full", bus.Address(), at.Full*100)
	if at.Full >= 0.8 {
		found.Good, found.Hint = false, "raise nats.max_bytes, or let the stream forget more"
	}
	return []diagnosis{found}
}

// free looks whether an address can be listened on.
func (d *doctor) free(ctx context.Context, key, address string) []diagnosis {
	if address == "" || address == "off" || strings.HasSuffix(address, ":0") {
		return nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return []diagnosis{fault(key, "end what listens there, or choose another address", "%v", err)}
	}
	_ = listener.Close()
	return []diagnosis{good(key, "%s is free", address)}
}

// crm asks a coreBOS for one record, of a kind that the book knows.
func (d *doctor) crm(ctx context.Context, book *engine.Book) []diagnosis {
	c := d.site.config
	if c.mirrors() {
		return []diagnosis{good("records", "copies of what the event stream tells; no CRM is asked")}
	}
	opened, err := crm.Open(c.CRM, nil)
	if err != nil {
		return []diagnosis{fault("sign-in", "look at the keys under crm", "%v", err)}
	}
	if book == nil || len(book.Modules) == 0 {
		return []diagnosis{good("sign-in", "not tried: the book names no module to ask for")}
	}
	module := slices.Sorted(maps.Keys(book.Modules))[0]
	if _, err := opened.List(ctx, engine.Listing{Module: module, Limit: 1}); err != nil {
		return []diagnosis{fault("sign-in", "look at url, user and access_key under crm, and at the user's rights "+
			"in the CRM", "%v", err)}
	}
	return []diagnosis{good("sign-in", "%s lets %s read %s", c.CRM.URL, c.CRM.User, module)}
}
