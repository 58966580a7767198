package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/yamldoc"
)

// The operations of a replay: it is begun, then read some seconds at a time, and its runs are counted.
var (
	replayBegin = operation[replayBeginOrder, replayBegun]{"replay/begin", needsEngine, (*house).beginReplay}
	replaySome  = operation[engine.ReplayOrder, engine.ReplayResult]{"replay/some", needsEngine, (*house).replaySome}
	replayCount = operation[replayBegun, engine.ReplayTally]{"replay/count", needsEngine, (*house).countReplay}
)

// place is where in the stream: a position, or the first event stored since a time.
type place struct {
	Seq uint64    `json:"seq,omitempty"`
	At  time.Time `json:"at,omitzero"`
}

// replayBeginOrder asks for a replay from one place to before another; a zero To is the end of the stream.
type replayBeginOrder struct {
	From place `json:"from"`
	To   place `json:"to"`

	By        string   `json:"by"`
	Workflows []string `json:"workflows,omitempty"` // they must be there
	Effects   bool     `json:"effects,omitempty"`
}

// replayBegun is a replay with its number and the positions it is about, both included.
type replayBegun struct {
	Number int       `json:"number"`
	From   uint64    `json:"from"`
	To     uint64    `json:"to"`
	At     time.Time `json:"at"`
}

// replaySummary is what a replay came to.
type replaySummary struct {
	replayBegun
	Effects bool                    `json:"effects"`
	Read    int                     `json:"read"`
	Events  int                     `json:"events"`
	Refused int                     `json:"refused"`
	Matched int                     `json:"matched"`
	States  map[engine.RunState]int `json:"states"`
	Would   map[string]int          `json:"would,omitempty"`
}

func (h *house) beginReplay(ctx context.Context, order replayBeginOrder) (begun replayBegun, err error) {
	if err := h.bookInUse().HasWorkflows(order.Workflows); err != nil {
		return begun, err
	}
	position, err := h.bus.Position(ctx)
	if err != nil {
		return begun, err
	}
	begun.At, begun.To = engine.SystemClock{}.Now(), position.Last
	if begun.From, err = h.positionOf(ctx, order.From); err != nil {
		return begun, err
	}
	if order.To != (place{}) {
		if begun.To, err = h.positionOf(ctx, order.To); err != nil {
			return begun, err
		}
		if order.To.Seq == 0 {
			begun.To-- // what was stored before that time
		}
	}
	begun.From, begun.To = max(begun.From, position.First, 1), min(begun.To, position.Last)
	if begun.From > begun.To {
		return begun, errors.New("the stream holds no message of that stretch")
	}
	about := fmt.Sprintf("positions %d to %d, effects %t", begun.From, begun.To, order.Effects)
	begun.Number, err = h.store.NextReplay(ctx, engine.Order{By: order.By, Reason: about, At: begun.At})
	return begun, err
}

func (h *house) positionOf(ctx context.Context, at place) (uint64, error) {
	if at.Seq > 0 {
		return at.Seq, nil
	}
	after, err := h.bus.Since(ctx, max(time.Since(at.At), 0))
	return after + 1, err
}

func (h *house) replaySome(ctx context.Context, order engine.ReplayOrder) (engine.ReplayResult, error) {
	return h.engine.Replay(ctx, order)
}

func (h *house) countReplay(ctx context.Context, begun replayBegun) (engine.ReplayTally, error) {
	return h.store.ReplayTally(ctx, begun.Number, begun.At)
}

func replayCommand() *cobra.Command {
	var at site
	var from, to, record string
	order := engine.ReplayOrder{By: caller()}
	cmd := &cobra.Command{
		Use:   "replay --from PLACE",
		Short: "Run a stretch of the event stream again, without effects unless asked",
		Long: `Replay holds the events of a stretch of the stream against the workflows as they are now, as if they
came once more. Each run is marked with the replay's number. Without --effects nothing leaves and nothing is
written: the runs note what they would have done, and no wait rests. With it messages are sent again, in new
deliveries with new links.

A place is a position, a time, a duration back from now, or all. It needs a running process.`,
		Example: `  postern replay --config postern.yaml --from 2h --workflow ticket-created
  postern replay --from 4711 --to 4800 --record HelpDesk:17x8615 --effects`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := at.load(cmd); err != nil {
				return err
			}
			var stretch replayBeginOrder
			if stretch, err = readStretch(from, to); err != nil {
				return err
			}
			if record != "" {
				if order.Record, err = parseRecord(record); err != nil {
					return err
				}
			}
			r := replaying{at: &at, order: order, progress: cmd.ErrOrStderr()}
			summary, err := r.run(cmd.Context(), stretch)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), summary, func(out *strings.Builder) { layOutReplay(out, summary) })
		},
	}
	at.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&from, "from", "", "where it begins (required): a position, a time, a duration such as 2h, or all")
	flags.StringVar(&to, "to", "", "where it ends: a position, which is included, or a time; by default the end")
	flags.StringSliceVar(&order.Workflows, "workflow", nil, "only this workflow; may be given again")
	flags.StringVar(&order.Module, "module", "", "only events of this module")
	flags.StringVar(&record, "record", "", "only events of one record, as Module:id")
	flags.BoolVar(&order.Effects, "effects", false, "do what the workflows ask for")
	return cmd
}

// readStretch reads the flags that say what is replayed.
func readStretch(from, to string) (stretch replayBeginOrder, err error) {
	if from == "" {
		return stretch, errors.New("replay needs --from: a position, a time, a duration such as 2h, or all")
	}
	if stretch.From, err = readPlace("--from", from); err != nil || to == "" {
		return stretch, err
	}
	stretch.To, err = readPlace("--to", to)
	return stretch, err
}

func readPlace(flag, text string) (place, error) {
	if text == "all" {
		return place{Seq: 1}, nil
	}
	if seq, err := strconv.ParseUint(text, 10, 63); err == nil {
		if seq == 0 {
			return place{}, fmt.Errorf("%s: positions of the stream count from 1", flag)
		}
		return place{Seq: seq}, nil
	}
	if ago, err := yamldoc.ParseDuration(text); err == nil {
		return place{At: time.Now().Add(-ago)}, nil
	}
	at, err := someTime(flag, text)
	if err != nil {
		err = fmt.Errorf("%s %q is no position such as 4711, no duration such as 2h, no time such as "+
			"\"2026-05-06 07:08\", and not all", flag, text)
	}
	return place{At: at}, err
}

// replaying is a replay as its command leads it.
type replaying struct {
	at       *site
	order    engine.ReplayOrder
	progress io.Writer
}

const (
	replayLook = 200 * time.Millisecond // at least, between two looks at how the runs come on
	replayLull = 30 * time.Second       // without one more run over, nobody waits for the rest
)

func (r *replaying) run(ctx context.Context, stretch replayBeginOrder) (replaySummary, error) {
	summary := replaySummary{Effects: r.order.Effects}
	stretch.By, stretch.Workflows, stretch.Effects = r.order.By, r.order.Workflows, r.order.Effects
	begun, err := replayBegin.ask(ctx, r.at, stretch)
	if err != nil {
		return summary, err
	}
	summary.replayBegun = begun
	r.order.Number, r.order.From, r.order.To = begun.Number, begun.From, begun.To
	for parts := 0; r.order.From <= r.order.To; parts++ {
		if parts > 0 {
			_, _ = fmt.Fprintf(r.progress, "replay %d: at position %d of %d, %s so far\n", begun.Number, r.order.From,
				r.order.To, counted(summary.Matched, "run"))
		}
		part, err := replaySome.ask(ctx, r.at, r.order)
		if err != nil {
			return summary, r.stopped(ctx, err)
		}
		summary.Read += part.Read
		summary.Events += part.Events
		summary.Refused += part.Refused
		summary.Matched += part.Matched
		r.order.From = part.Next
	}
	tally, err := r.settled(ctx, begun)
	if err != nil {
		return summary, r.stopped(ctx, err)
	}
	summary.States, summary.Would = tally.States, tally.Would
	return summary, nil
}

// stopped tells how far a replay came that did not come to its end.
func (r *replaying) stopped(ctx context.Context, why error) error {
	if ctx.Err() != nil {
		why = errors.New("by Ctrl-C") // or a signal that means the same
	}
	return fmt.Errorf("replay %d stopped at position %d; what was matched until then goes on: %w",
		r.order.Number, r.order.From, why)
}

// settled waits until the runs have gone as far as they come for now.
func (r *replaying) settled(ctx context.Context, begun replayBegun) (engine.ReplayTally, error) {
	least, since := -1, time.Now()
	for {
		asked := time.Now()
		tally, err := replayCount.ask(ctx, r.at, begun)
		if err != nil {
			return tally, err
		}
		moving := tally.States[engine.RunPending] + tally.States[engine.RunReady]
		if moving < least || least < 0 {
			least, since = moving, time.Now()
		}
		if moving == 0 || time.Since(since) > replayLull {
			return tally, nil
		}
		// Counting reads all histories: the process has other things to do as well.
		if err := (engine.SystemClock{}).Wait(ctx, max(replayLook, 4*time.Since(asked))); err != nil {
			return tally, err
		}
	}
}

func layOutReplay(out *strings.Builder, s replaySummary) {
	how := "without effects"
	if s.Effects {
		how = "with effects"
	}
	fmt.Fprintf(out, "replay %d of positions %d to %d, %s\n\n", s.Number, s.From, s.To, how)
	var t table
	t.row("messages read", strconv.Itoa(s.Read))
	t.row("events looked at", strconv.Itoa(s.Events))
	if s.Refused > 0 {
		t.row("no events", strconv.Itoa(s.Refused))
	}
	t.row("runs", strconv.Itoa(s.Matched))
	for _, state := range engine.RunStates() {
		if n := s.States[state]; n > 0 {
			t.row("  "+string(state), strconv.Itoa(n))
		}
	}
	for _, kind := range sortedKeys(s.Would) {
		t.row(kind, strconv.Itoa(s.Would[kind]))
	}
	t.write(out)
	if s.Matched > 0 {
		fmt.Fprintf(out, "\nto see them: postern runs ls --replay %d\n", s.Number)
	}
}
