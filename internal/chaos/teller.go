package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"postern/internal/rig"
)

const (
	tellers   = 4                     // that publish at the same time
	ackTime   = 2 * time.Second       // for one acknowledgement
	pauseMost = 40 * time.Millisecond // between two events of a teller
	retryTime = 10 * time.Millisecond // between two tries
	tellTime  = 30 * time.Second      // for the events under way when telling ends
)

// teller is the CRM: it tells of new tickets, each until the broker has acknowledged it.
type teller struct {
	t      *trial
	ledger *ledger
	url    string
	fuse   *fuse
	wants  []string          // effects that each ticket is owed
	more   map[string]string // fields of each ticket, beside the usual ones
	made   atomic.Int64
}

// recordOfTicket is the id of the n-th ticket.
func recordOfTicket(n int64) string { return fmt.Sprintf("17x%d", n) }

// next is the event of a new ticket.
func (w *teller) next() rig.Event {
	n := w.made.Add(1)
	id := recordOfTicket(n)
	record := map[string]string{
		"id": id, "ticket_no": fmt.Sprintf("TT-%06d", n), "ticket_title": fmt.Sprintf("Printer %d is out of paper", n),
		"contact_email": id + domain, "contact_phone": numberOf(n),
		"ticketstatus": "Open", "ticketpriorities": "Urgent",
	}
	maps.Copy(record, w.more)
	return rig.Created("chaos-crm", "change-"+id, "HelpDesk", record)
}

// tell publishes until stop is closed, and then finishes what it had begun.
func (w *teller) tell(ctx context.Context, stop <-chan struct{}) {
	var group sync.WaitGroup
	for range tellers {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-ctx.Done():
					return
				case <-time.After(w.t.dice.upTo(pauseMost)):
					w.insist(ctx, w.next())
				}
			}
		})
	}
	group.Wait()
}

// insist publishes one event until it is acknowledged, over whatever connection there is.
func (w *teller) insist(ctx context.Context, e rig.Event) {
	record := e.Record("HelpDesk")
	w.ledger.offer(record)
	for try := 0; ctx.Err() == nil; try++ {
		crm, err := rig.ConnectCRM(w.url)
		if err == nil {
			err = w.publish(ctx, crm, e, try == 0 || w.t.dice.n(2) == 0)
			crm.Close()
		}
		if err == nil {
			w.ledger.owe(record, w.wants...)
			w.fuse.pass(atAck)
			return
		}
		time.Sleep(retryTime)
	}
}

// publish sends an event and waits for the acknowledgement. Without its message id, the broker takes an event that it
// has for a new one; then Postern must know it.
func (w *teller) publish(ctx context.Context, crm *rig.CRM, e rig.Event, named bool) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	message := nats.NewMsg(e.NATSSubject())
	message.Data = data
	if named {
		message.Header.Set(jetstream.MsgIDHeader, e.Source+"/"+e.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	answer, err := crm.Stream.PublishMsgAsync(message)
	if err != nil {
		return err
	}
	w.fuse.pass(atPublish)
	select {
	case <-answer.Ok():
		return nil
	case err := <-answer.Err():
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
