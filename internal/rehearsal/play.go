package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// Result is what became of a case.
type Result struct {
	Case     *Case
	Failures []Failure     // none if it passed
	History  []string      // of its runs, where it failed
	Took     time.Duration // of the machine's time
}

// patience is how long a case may take, in the machine's time.
const patience = 20 * time.Second

// Play plays a case of a book on a stage of its own. An error is no verdict on the case: the stage broke.
//
// carriers are the channels that there are. watch sees what the workflows do, from one goroutine; nil for nobody.
func Play(
	ctx context.Context, book *engine.Book, carriers map[string]engine.Carrier, c *Case, open Open,
	watch engine.Watcher,
) (result Result, err error) {
	began := time.Now()
	defer func() { result.Case, result.Took = c, time.Since(began) }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := stage(ctx, book, carriers, c, open, watch)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.perform(ctx, c)
	result.Failures = s.failures
	if len(s.failures) > 0 {
		result.History = s.history(ctx, c.now.Location())
	}
	return result, nil
}

// stage opens the stage for a case.
func stage(
	ctx context.Context, book *engine.Book, carriers map[string]engine.Carrier, c *Case, open Open,
	watch engine.Watcher,
) (s *play, err error) {
	active := c.Workflows
	if len(active) == 0 {
		name := ofFile(book, c.file)
		if name == "" {
			return nil, fmt.Errorf("%s: there is no workflow in the file beside it", c.file)
		}
		active = []string{name}
	}
	cast := Cast{Book: choose(book, active), Clock: engine.NewStillClock(c.now), Watch: watch}
	s = newPlay(cast.Book, carriers, &cast)
	s.Stage, err = open(ctx, cast)
	return s, err
}

// newPlay is a play before its beginning, who plays the outside world in its cast.
func newPlay(book *engine.Book, carriers map[string]engine.Carrier, cast *Cast) *play {
	s := &play{
		book: book, channels: map[string]*channel{}, states: map[engine.ID]string{},
		deleted: map[engine.Ref]engine.Fields{}, visitors: map[string]*visitor{},
	}
	s.services = services{answers: map[string][]reply{}, step: s.stepOf}
	cast.Channels, cast.Caller = map[string]engine.Channel{}, &s.services
	cast.Carriers = carriers
	for name := range carriers {
		s.channels[name] = &channel{answer: answerTakes, sent: map[engine.ID]engine.Message{}}
		cast.Channels[name] = s.channels[name]
	}
	return s
}

// perform plays the story to its end, or to the entry that cannot be played.
func (s *play) perform(ctx context.Context, c *Case) {
	err := s.Rehearsal.Seed(ctx, c.records...)
	if err == nil {
		err = s.refused(ctx)
	}
	if err != nil {
		s.fail(c.Line, "the records cannot be set up: "+err.Error())
		return
	}
	s.seen = len(s.Bus.All())
	for _, b := range c.story {
		if err := b.do(ctx, s); err != nil {
			s.fail(b.line, "the story cannot go on: "+err.Error())
			return
		}
	}
}

// history tells what the runs did.
func (s *play) history(ctx context.Context, zone *time.Location) (lines []string) {
	runs, err := s.Desk.RunLines(ctx, engine.RunSelection{Limit: most})
	if err != nil {
		return []string{err.Error()}
	}
	if len(runs) == 0 {
		return []string{"no run has begun"}
	}
	for i := len(runs) - 1; i >= 0; i-- {
		story, err := s.Desk.RunStory(ctx, runs[i].ID)
		if err != nil {
			return append(lines, err.Error())
		}
		run := story.Run
		lines = append(lines, fmt.Sprintf("run of %s about %s: %s", run.Workflow, run.Record, run.State))
		for _, d := range run.History {
			lines = append(lines, line(d, zone))
		}
		for _, d := range story.Deliveries {
			for _, decision := range d.History {
				lines = append(lines, line(decision, zone))
			}
		}
	}
	return lines
}

// line is a line of a history: when, at which step, what.
func line(d engine.Decision, zone *time.Location) string {
	return fmt.Sprintf("  %s  %-5s %s", d.At.In(zone).Format("01-02 15:04:05"), d.Step, d.Text)
}
