package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"postern/engine"
)

// Stage is what one case is played on: a house of its own, made for it alone.
type Stage struct {
	Rehearsal *engine.Rehearsal
	Clock     *engine.StillClock
	Bus       Stream
	CRM       engine.CRM
	Desk      Desk
	Door      http.Handler
	URL       func(engine.Link) (string, error) // the address of a link
	Press     func(context.Context, engine.Press) engine.Pressed
	Close     func() error
}

// Stream is the event stream, which shows what was ever published.
type Stream interface {
	engine.Bus
	All() []engine.Entry
}

// Desk is what is read of the store to see what happened.
type Desk interface {
	engine.RunDesk
	engine.DeliveryDesk
	engine.LetterDesk
}

// Cast is what a stage is made with: the workflows that are active, and who plays the outside world.
type Cast struct {
	Book     *engine.Book
	Clock    *engine.StillClock
	Channels map[string]engine.Channel
	Carriers map[string]engine.Carrier // of the channels
	Caller   engine.Caller
	Outside  engine.CRM     // what is read of records that the stage does not have; nil for nothing
	Watch    engine.Watcher // nil for nobody
}

// Open makes a stage.
type Open func(ctx context.Context, cast Cast) (*Stage, error)

// play is a case while it is played.
type play struct {
	*Stage
	book     *engine.Book
	channels map[string]*channel
	services services
	visitors map[string]*visitor          // by the name of their browser
	told     int                          // events that the story has told
	deleted  map[engine.Ref]engine.Fields // by the story

	seen     int                  // entries of the stream that an expectation has looked at
	states   map[engine.ID]string // of deliveries and runs, as the last expectation saw them
	failures []Failure
}

// publish tells events, and lets everything happen that they lead to.
func (s *play) publish(ctx context.Context, event *engine.Event, line int) error {
	s.told++
	event.ID, event.Source, event.Time = fmt.Sprintf("line-%d-%d", line, s.told), source, s.Clock.Now()
	if err := s.Bus.Publish(ctx, event); err != nil {
		return fmt.Errorf("the event cannot be published: %w", err)
	}
	return s.settle(ctx)
}

// settle lets everything happen that can happen now. What was refused as no event is an error.
func (s *play) settle(ctx context.Context) error {
	if _, err := s.Rehearsal.Settle(ctx); err != nil {
		return err
	}
	return s.refused(ctx)
}

func (s *play) advance(ctx context.Context, d time.Duration) error {
	if err := s.Rehearsal.Advance(ctx, d); err != nil {
		return err
	}
	return s.refused(ctx)
}

func (s *play) refused(ctx context.Context) error {
	if len(s.services.missing) > 0 {
		return errors.New(s.services.missing[0])
	}
	letters, err := s.Desk.DeadLetters(ctx, engine.LetterSelection{Limit: most})
	for _, letter := range letters {
		// A workflow may start another that is not active here. What the story starts is checked before.
		if !strings.HasPrefix(letter.Subject, "postern.workflow.start") {
			return fmt.Errorf("the event on %s is refused: %s", letter.Subject, letter.Reason)
		}
	}
	return err
}

// record reads a record as it is now; false if it is not there.
func (s *play) record(ctx context.Context, ref engine.Ref) (engine.Record, bool, error) {
	records, err := s.CRM.Get(ctx, ref)
	if err != nil || len(records) == 0 || records[0].Deleted {
		return engine.Record{}, false, err
	}
	return records[0], true, nil
}

// choose is a book with some of its workflows.
func choose(book *engine.Book, names []string) *engine.Book {
	if len(names) == 1 && names[0] == "all" {
		return book
	}
	chosen := *book
	chosen.Workflows = nil
	for _, w := range book.Workflows {
		for _, name := range names {
			if w.Name == name {
				chosen.Workflows = append(chosen.Workflows, w)
			}
		}
	}
	return &chosen
}

// ofFile is the workflow that a file describes; "" if there is none.
func ofFile(book *engine.Book, test string) string {
	file := strings.TrimSuffix(path.Base(test), ".test.yaml") + ".yaml"
	for _, w := range book.Workflows {
		if _, holds := w.Files[file]; holds {
			return w.Name
		}
	}
	return ""
}
