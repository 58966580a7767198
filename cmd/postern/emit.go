package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/nats"
)

// emitBatch is how many events go out in one publish.
const emitBatch = 100

func emitCommand() *cobra.Command {
	var path, url string
	cmd := &cobra.Command{
		Use:   "emit [FILE]",
		Short: "Publish events from a file or standard input",
		Long: `Emit reads CloudEvents in structured mode, one JSON object on a line, checks each against the
contract and publishes it to the event stream. A line that is wrong ends it: the message names the
line and how many events went out before. What comes through a pipe goes out as it comes.`,
		Example: `  postern emit events.jsonl
  echo '{"specversion":"1.0","id":"1","source":"crm","type":"record.created","subject":"HelpDesk/17x1",
    "data":{"record":{"ticket_title":"No power"}}}' | tr -d '\n' | postern emit --nats nats://127.0.0.1:4222`,
		Args: oneArgument("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			broker, err := brokerOf(c, url)
			if err != nil {
				return err
			}
			in, closeIn, err := emitSource(cmd.InOrStdin(), args)
			if err != nil {
				return err
			}
			defer closeIn()
			logger := newLogger(cmd.ErrOrStderr(), c.Log, slog.LevelWarn)
			return emit(cmd.Context(), in, cmd.OutOrStdout(), broker, logger)
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration file")
	cmd.Flags().StringVar(&url, "nats", "", "broker to publish to; by default the configured one")
	return cmd
}

func emitSource(in io.Reader, args []string) (io.Reader, func(), error) {
	if len(args) == 0 || args[0] == "-" {
		return in, func() {}, nil
	}
	file, err := os.Open(args[0])
	if err != nil {
		return nil, nil, fmt.Errorf("open events: %w", err)
	}
	return file, func() { _ = file.Close() }, nil
}

// brokerOf is how to reach the broker that a configuration describes from another process: an
// embedded one listens.
func brokerOf(c config, url string) (nats.Config, error) {
	broker := c.NATS
	if url != "" {
		broker.URL = url
	}
	if broker.URL != "" {
		return broker, nil
	}
	_, port, err := net.SplitHostPort(broker.Listen)
	if err != nil || port == "0" {
		return broker, errors.New("the embedded broker of this configuration has no fixed port: " +
			"set nats.listen, or name the broker with --nats")
	}
	broker.URL = "nats://" + broker.Listen
	return broker, nil
}

func emit(ctx context.Context, in io.Reader, out io.Writer, broker nats.Config, logger *slog.Logger) error {
	bus, err := nats.Connect(ctx, broker, logger)
	if err != nil {
		return fmt.Errorf("%w; is `postern serve` running?", err)
	}
	defer bus.Close()
	e := emission{bus: bus, lines: bufio.NewReaderSize(in, engine.MaxEventBytes+len("\r\n"))}
	if err := e.run(ctx); err != nil {
		return fmt.Errorf("%w; %s published before", err, counted(e.sent, "event"))
	}
	_, err = fmt.Fprintf(out, "%s published\n", counted(e.sent, "event"))
	return err
}

// emission is one emit on its way.
type emission struct {
	bus   engine.Bus
	lines *bufio.Reader
	line  int
	group []*engine.Event
	sent  int
}

// run publishes line after line. A group goes out when it is full, or when no more has come in so far.
func (e *emission) run(ctx context.Context) error {
	for {
		e.line++
		line, end := e.lines.ReadSlice('\n')
		if err := e.add(line, end); err != nil {
			return fmt.Errorf("line %d: %w", e.line, err)
		}
		if len(e.group) == emitBatch || e.lines.Buffered() == 0 {
			if err := e.bus.Publish(ctx, e.group...); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			e.sent += len(e.group)
			e.group = e.group[:0]
		}
		if errors.Is(end, io.EOF) {
			return nil
		}
	}
}

// add takes a line into the group; end is why reading stopped after it, which may be the end of all.
func (e *emission) add(line []byte, end error) error {
	switch {
	case errors.Is(end, bufio.ErrBufferFull):
		return fmt.Errorf("the event is longer than %d bytes", engine.MaxEventBytes)
	case end != nil && !errors.Is(end, io.EOF):
		return end
	case len(bytes.TrimSpace(line)) == 0:
		return nil
	}
	event, err := readEvent(bytes.TrimSpace(line))
	if err != nil {
		return err
	}
	e.group = append(e.group, event)
	return nil
}

// readEvent checks one line against the contract. The reader's buffer is used again, so it is copied.
func readEvent(line []byte) (*engine.Event, error) {
	return engine.DecodeUnaddressed(engine.NoHeader, bytes.Clone(line))
}
