package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/nats"
	"postern/internal/yamldoc"
)

func eventsCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{Use: "events", Short: "See what is on the event stream"})
	cmd.AddCommand(eventsTailCommand())
	return cmd
}

func eventsTailCommand() *cobra.Command {
	var path, url, from string
	t := &tail{}
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print events as they come",
		Long: `Tail prints a line for each event of the stream: when it was stored, its position, type and subject,
who tells it and what caused it. A message that is no event is shown as broken, with the reason.
It begins with what comes next, or with --from, and goes on until Ctrl-C or --number lines.
Nothing is taken away: reading leaves the stream as it is.`,
		Example: `  postern events tail -c postern.yaml
  postern events tail --from 10m --module HelpDesk --type record.updated
  postern events tail --nats nats://127.0.0.1:4222 --from all --subject 'crm.*.deleted.>' --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			broker, err := brokerOf(c, url)
			if err != nil {
				return err
			}
			t.out = cmd.OutOrStdout()
			return t.run(cmd.Context(), broker, from, newLogger(cmd.ErrOrStderr(), c.Log, slog.LevelWarn))
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&path, "config", "c", "", "configuration file")
	flags.StringVar(&url, "nats", "", "broker to read from; by default the configured one")
	flags.StringVar(&from, "from", "", "where to begin: a position, a duration such as 10m, or all")
	flags.StringVar(&t.only.subject, "subject", "", "only of NATS subjects like this; * is one token, > the rest")
	flags.StringVar(&t.only.module, "module", "", "only of records of this module")
	flags.StringVar(&t.only.kind, "type", "", "only of this type, such as record.updated, or broken")
	flags.IntVarP(&t.number, "number", "n", 0, "stop after so many lines; 0 for never")
	flags.BoolVar(&t.asJSON, "json", false, "print JSON objects, one on a line, with the whole event")
	return cmd
}

// tail is one reading of the stream.
type tail struct {
	out    io.Writer
	only   eventFilter
	number int // lines to print; 0 for no end
	asJSON bool
}

// errEnough ends the reading.
var errEnough = errors.New("all lines were printed")

func (t *tail) run(ctx context.Context, broker nats.Config, from string, logger *slog.Logger) error {
	if t.number < 0 {
		return fmt.Errorf("--number is %d; it counts lines, 0 for no end", t.number)
	}
	if err := t.only.check(); err != nil {
		return err
	}
	bus, err := nats.Watch(broker, logger)
	if err != nil {
		return fmt.Errorf("%w; is `postern serve` running?", err)
	}
	defer bus.Close()
	after, err := placeOf(ctx, bus, from)
	if err != nil {
		return err
	}
	p := newEventPrinter(t.out, t.asJSON)
	err = bus.Read(ctx, after, emitBatch, func(_ context.Context, entries []engine.Entry) error {
		return t.print(p, entries)
	})
	if errors.Is(err, errEnough) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (t *tail) print(p *eventPrinter, entries []engine.Entry) error {
	for _, entry := range entries {
		s := seen(entry)
		if !t.only.lets(s) {
			continue
		}
		p.print(s)
		if p.lines == t.number {
			return errors.Join(p.flush(), errEnough)
		}
	}
	return p.flush()
}

// placeOf is the position after which to begin.
func placeOf(ctx context.Context, bus *nats.Bus, from string) (uint64, error) {
	if from == "all" {
		return 0, nil
	}
	if d, err := yamldoc.ParseDuration(from); err == nil {
		return bus.Since(ctx, d)
	}
	position, err := bus.Position(ctx)
	if err != nil || from == "" {
		return position.Last, err
	}
	seq, err := strconv.ParseUint(from, 10, 64)
	switch {
	case err != nil || seq == 0:
		return 0, fmt.Errorf("--from %q is no position such as 4711, no duration such as 10m, and not all", from)
	case seq > position.Last+1:
		return 0, fmt.Errorf("--from %s: the stream ends at %d", from, position.Last)
	}
	return seq - 1, nil
}
