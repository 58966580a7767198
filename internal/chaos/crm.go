package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"postern/engine"
	"postern/internal/crm/corebostest"
	"postern/internal/rig"
)

// farCRM is the part of the configuration that says: the records are in a coreBOS, which tells its changes.
const farCRM = `crm: { kind: corebos, url: "http://%s/", user: %s, access_key: { file: access-key }, timeout: 5s }
`

const (
	crmTime   = 5 * time.Second // for what the CRM is to be asked for
	crmTitle  = "No power in room "
	crmFollow = "After " // what a following ticket's title begins with
)

// corebos is a played coreBOS as a server that can be stopped, and what it tells on NATS.
type corebos struct {
	player *corebostest.Player
	addr   string
	server *http.Server
	served chan struct{}

	mu    sync.Mutex
	queue []*engine.Event // told and not yet published
}

// startCorebos serves a CRM without tickets.
func startCorebos() (*corebos, error) {
	player, err := corebostest.New(time.Now)
	if err != nil {
		return nil, err
	}
	c := &corebos{player: player, addr: "127.0.0.1:0"}
	player.OnChange(func(e *engine.Event) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.queue = append(c.queue, e)
	})
	return c, c.open()
}

// open serves, at the same address as before.
func (c *corebos) open() error {
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return fmt.Errorf("open the CRM's port: %w", err)
	}
	c.addr = listener.Addr().String()
	server, served := &http.Server{Handler: c.player}, make(chan struct{})
	c.server, c.served = server, served
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	return nil
}

// close hangs up on everybody.
func (c *corebos) close() {
	_ = c.server.Close()
	<-c.served
}

// tell publishes what the CRM tells, in its order, each until it is acknowledged.
func (c *corebos) tell(ctx context.Context, url string) {
	for ctx.Err() == nil {
		crm, err := rig.ConnectCRM(url)
		for err == nil && ctx.Err() == nil {
			err = c.tellNext(ctx, crm)
		}
		if crm != nil {
			crm.Close()
		}
		time.Sleep(retryTime)
	}
}

// tellNext publishes the oldest that is not acknowledged, or waits a little if there is none.
func (c *corebos) tellNext(ctx context.Context, crm *rig.CRM) error {
	c.mu.Lock()
	if len(c.queue) == 0 {
		c.mu.Unlock()
		time.Sleep(retryTime)
		return nil
	}
	e := c.queue[0]
	c.mu.Unlock()
	data, err := e.MarshalJSON()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	module, id, _ := strings.Cut(e.Subject, "/")
	subject := "crm." + module + "." + strings.TrimPrefix(e.Type, "record.") + "." + id
	if _, err := crm.Stream.Publish(ctx, subject, data); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = c.queue[1:]
	return nil
}

// silent tells whether all is published.
func (c *corebos) silent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue) == 0
}

// office is a siege whose tickets are in a coreBOS.
type office struct {
	*siege
	crm   *corebos
	wants []string // effects of each edit
	// counted says that each write of a ticket is an effect of its own, by its number.
	counted bool
	tells   sync.WaitGroup
	hush    context.CancelFunc
}

// newOffice furnishes one; finish ends it.
func newOffice(t *trial, wants ...string) *office {
	o := &office{siege: newSiege(t), wants: wants}
	o.effectOf = func(e told) string { return e.Type }
	return o
}

// open starts the CRM and a house with a book.
func (o *office) open(ctx context.Context, book string) (context.Context, error) {
	var err error
	if o.crm, err = startCorebos(); err != nil {
		return ctx, err
	}
	o.more = fmt.Sprintf(farCRM, o.crm.addr, corebostest.Admin.Name)
	o.beforeStart = func(_ context.Context, h *house) error {
		return h.place.Write("access-key", corebostest.Admin.AccessKey)
	}
	if ctx, err = o.begin(ctx, ownBroker, book); err != nil {
		return ctx, err
	}
	telling, hush := context.WithCancel(ctx)
	o.hush = hush
	o.tells.Go(func() { o.crm.tell(telling, o.teller.url) })
	return ctx, nil
}

// finish leaves nothing running.
func (o *office) finish(err error) {
	if o.hush != nil {
		o.hush()
	}
	o.tells.Wait()
	o.end(err)
	if o.crm != nil {
		o.crm.close()
	}
}

// newTicket makes a ticket that no event tells.
func (o *office) newTicket() (engine.Ref, error) {
	return o.crm.player.Seed("HelpDesk", map[string]string{
		"ticket_title": fmt.Sprintf("%s%d", crmTitle, o.teller.made.Add(1)), "ticketstatus": "Open",
	})
}

// edit makes a ticket and changes it as a human would, which the CRM tells.
func (o *office) edit(set map[string]string) (engine.Ref, error) {
	ref, err := o.newTicket()
	if err == nil {
		o.ledger.owe(ref.ID, o.wants...)
		err = o.crm.player.Edit(ref, set)
	}
	return ref, err
}

// editSome does so with new tickets.
func (o *office) editSome(n int) error {
	for i := range n {
		if _, err := o.edit(map[string]string{"description": fmt.Sprint("Please call, ", i)}); err != nil {
			return err
		}
	}
	return nil
}

// note counts what the CRM was made to do: the writes of each ticket under its id, a new ticket under that of the one
// it follows.
func (o *office) note() {
	titles := map[string]string{}
	for _, ref := range o.crm.player.Records("HelpDesk") {
		titles[o.crm.player.Fields(ref)["ticket_title"]] = ref.ID
	}
	writes := map[string]int{}
	for i, w := range o.crm.player.Written() {
		record, effect := w.Ref.ID, w.Operation
		if w.Operation == "create" {
			record = titles[strings.TrimPrefix(w.Set["ticket_title"], crmFollow)]
		} else if o.counted {
			writes[record]++
			effect = fmt.Sprintf("%s %d", w.Operation, writes[record])
		}
		o.ledger.see(record, effect, fmt.Sprint(i))
	}
}

// awaited waits until nothing is missing.
func (o *office) awaited(ctx context.Context) error {
	err := rig.Await(ctx, func() bool { o.note(); return len(o.ledger.missing()) == 0 && o.crm.silent() })
	if err != nil {
		return errors.Join(errors.New("the effects of edits are missing"), err)
	}
	return nil
}
