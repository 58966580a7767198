package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
contract and publishes it to the event stream. The first line that is wrong stops it before anything
of its group is published; the message says which lines were.`,
		Example: `  postern emit events.jsonl
  echo '{"specversion":"1.0","id":"1","source":"crm","type":"record.created","subject":"HelpDesk/17x1",
    "data":{"record":{"ticket_title":"No power"}}}' | tr -d '\n' | postern emit --nats nats://127.0.0.1:4222`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			in, closeIn, err := emitSource(cmd.InOrStdin(), args)
			if err != nil {
				return err
			}
			defer closeIn()
			return emit(cmd.Context(), in, cmd.OutOrStdout(), brokerOf(c, url), newLogger(cmd.ErrOrStderr(), c.Log, slog.LevelWarn))
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
func brokerOf(c config, url string) nats.Config {
	broker := c.NATS
	switch {
	case url != "":
		broker.URL = url
	case broker.URL == "":
		broker.URL = "nats://" + broker.Listen
	}
	return broker
}

func emit(ctx context.Context, in io.Reader, out io.Writer, broker nats.Config, logger *slog.Logger) error {
	bus, err := nats.Connect(ctx, broker, logger)
	if err != nil {
		return fmt.Errorf("%w; is `postern serve` running?", err)
	}
	defer bus.Close()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, engine.MaxEventBytes+1)
	sent, at := 0, 0
	var group []*engine.Event
	flush := func() error {
		if err := bus.Publish(ctx, group...); err != nil {
			return fmt.Errorf("publish: %w (%s before)", err, counted(sent, "event"))
		}
		sent += len(group)
		group = group[:0]
		return nil
	}
	for lines.Scan() {
		at++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		event, err := readEvent(lines.Bytes())
		if err != nil {
			return fmt.Errorf("line %d: %w; %s published before", at, err, counted(sent, "event"))
		}
		if group = append(group, event); len(group) == emitBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("the event is longer than %d bytes", engine.MaxEventBytes)
		}
		return fmt.Errorf("line %d: %w; %s published before", at+1, err, counted(sent, "event"))
	}
	if err := flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s published\n", counted(sent, "event"))
	return err
}

// readEvent checks one line against the contract. The scanner's buffer is used again, so it is copied.
func readEvent(line []byte) (*engine.Event, error) {
	line = bytes.Clone(line)
	var head struct {
		Type    string `json:"type"`
		Subject string `json:"subject"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("this is no JSON object: %w", err)
	}
	at := (&engine.Event{Type: head.Type, Subject: head.Subject}).Address()
	return engine.DecodeEvent(at, engine.NoHeader, line)
}
