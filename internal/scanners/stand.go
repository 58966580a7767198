package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"postern/internal/rig"
)

//go:embed book
var files embed.FS

const (
	stopTime = 10 * time.Second       // from SIGTERM to the end
	quiet    = 500 * time.Millisecond // without anything new counts as: nothing more comes
	most     = 20                     // complaints that are printed
)

// configuration lets everybody come through a proxy on this machine, which says where from: each from a network of
// their own, as far as they are not the same scanner.
const configuration = `book: book
data: data
web:
  listen: {web}
  base_url: http://{web}
  brand: Acme Support
  trusted_proxies: [127.0.0.1]
nats:
  listen: {nats}
channels:
  email:
    host: 127.0.0.1
    port: %d
    from: Acme Support <support@acme.example>
    tls: none
`

// stand is Postern with the world around it.
type stand struct {
	folder  string
	mails   *rig.MailServer
	postern *rig.Child
	crm     *rig.CRM
	ledger  *ledger
	died    context.CancelCauseFunc
	lives   context.Context // until Postern ends by itself

	out, errOut io.Writer
}

func (s *stand) say(format string, args ...any) { _, _ = fmt.Fprintf(s.errOut, format, args...) }

// tell prints a line of the verdict.
func (s *stand) tell(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }

// open starts Postern and waits until it is ready.
func open(ctx context.Context, program string) (_ *stand, err error) {
	s := &stand{ledger: newLedger(), out: io.Discard, errOut: io.Discard}
	s.lives, s.died = context.WithCancelCause(ctx)
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.folder, err = os.MkdirTemp("", "postern-scanners-"); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	s.mails = &rig.MailServer{Plain: true, Take: s.take}
	if err := s.mails.Start(); err != nil {
		return nil, err
	}
	place, err := rig.NewPlace(s.folder)
	if err != nil {
		return nil, err
	}
	book, err := fs.Sub(files, "book")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(place.Configure(fmt.Sprintf(configuration, s.mails.Port)), place.Book(book)); err != nil {
		return nil, err
	}
	if s.postern, err = rig.Start(program, place, s.died); err != nil {
		return nil, err
	}
	if err := s.postern.AwaitReady(ctx); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, s.postern.Tail())
	}
	if s.crm, err = rig.ConnectCRM(place.NATSURL()); err != nil {
		return nil, err
	}
	return s, errors.Join(s.crm.Listen("crm.>", s.ledger.event), s.crm.Listen("postern.>", s.ledger.event))
}

// close ends what is running, however far it came.
func (s *stand) close() {
	if s.crm != nil {
		s.crm.Close()
	}
	if s.postern != nil {
		s.postern.Kill()
	}
	if s.mails != nil && s.mails.Port != 0 {
		s.mails.Close()
	}
	s.died(nil)
	_ = os.RemoveAll(s.folder)
}

func (s *stand) take(_ *rig.Dialogue, m rig.Mail) error {
	letter, err := m.Read()
	if err != nil {
		return err
	}
	s.ledger.mail(letter)
	return nil
}

// mail lets the CRM create the tickets, and waits for their mails.
func (s *stand) mail(ctx context.Context, tickets []*ticket) ([]*ticket, error) {
	s.ledger.expect(tickets)
	var events []rig.Event
	for _, t := range tickets {
		events = append(events, rig.Created(source, t.customer, "Contacts", map[string]string{
			"id": t.customer, "firstname": "Ada", "lastname": "Number " + t.number, "email": t.address, "cf_pin": t.pin,
		}), rig.Created(source, t.id, module, map[string]string{
			"id": t.id, "ticket_no": t.number, "ticket_title": t.title, "parent_id": t.customer,
			"ticketstatus": "Open", "cf_kind": t.kind.name,
		}))
	}
	if err := s.crm.Publish(ctx, events, nil); err != nil {
		return nil, err
	}
	return tickets, s.await(func() bool { return s.ledger.sum(tickets).mails == len(tickets) })
}

// await waits until it is enough, Postern ends by itself, or the time is over.
func (s *stand) await(enough func() bool) error {
	err := rig.Await(s.lives, enough)
	if err == nil {
		return nil
	}
	return errors.Join(err, s.ledger.wrong(nil))
}

// settle waits until nothing more comes of the tickets, and returns what was seen of them.
func (s *stand) settle(tickets []*ticket) (tally, error) {
	last, since := s.ledger.sum(tickets), time.Now()
	err := s.await(func() bool {
		if now := s.ledger.sum(tickets); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) >= quiet
	})
	return last, err
}

// each does something for every item, several at a time, and joins what went wrong.
func each[T any](ctx context.Context, width int, items []T, do func(context.Context, int, T) error) error {
	var mu sync.Mutex
	var failures []error
	var group sync.WaitGroup
	next := make(chan int)
	for range width {
		group.Go(func() {
			for n := range next {
				if err := do(ctx, n, items[n]); err != nil {
					mu.Lock()
					failures = append(failures, err)
					mu.Unlock()
				}
			}
		})
	}
	for n := range items {
		next <- n
	}
	close(next)
	group.Wait()
	if more := len(failures) - most; more > 0 {
		failures = append(failures[:most], fmt.Errorf("and %d more", more))
	}
	return errors.Join(failures...)
}
