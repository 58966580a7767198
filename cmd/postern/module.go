package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/infer"
	"postern/internal/nats"
)

func moduleCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{Use: "module", Short: "Describe the kinds of records of your CRM"})
	cmd.AddCommand(moduleInferCommand())
	return cmd
}

func moduleInferCommand() *cobra.Command {
	var path, url string
	i := &inference{}
	cmd := &cobra.Command{
		Use:   "infer [MODULE…]",
		Short: "Guess module files from the events that were seen",
		Long: `Infer reads the events of the stream, or of a file with one on each line, and writes what the
records look like: the fields and their types, each with a comment that says what the guess
was made of. Without --book it prints the files; with it, it puts them into the book's folder
modules, and leaves alone what is described there already. Guesses are to be read and corrected.`,
		Example: `  postern module infer --config postern.yaml HelpDesk
  postern module infer --config postern.yaml --book ./book
  postern module infer --events events.jsonl --book ./book --force`,
		RunE: func(cmd *cobra.Command, args []string) error {
			i.wanted, i.out = args, cmd.OutOrStdout()
			if i.events != "" {
				if err := i.readFile(cmd.InOrStdin()); err != nil {
					return err
				}
				return i.finish()
			}
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			broker, err := brokerOf(c, url)
			if err != nil {
				return err
			}
			logger := newLogger(cmd.ErrOrStderr(), c.Log, slog.LevelWarn)
			if err := i.readStream(cmd.Context(), broker, logger); err != nil {
				return err
			}
			return i.finish()
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&path, "config", "c", "", "configuration file")
	flags.StringVar(&url, "nats", "", "broker to read from; by default the configured one")
	flags.StringVar(&i.events, "events", "",
		"file with one event on each line, in place of the stream; - for standard input")
	flags.StringVar(&i.book, "book", "", "folder of the book to write the files into")
	flags.BoolVar(&i.force, "force", false, "overwrite what is described in the book already")
	return cmd
}

// inference is one module infer on its way.
type inference struct {
	wanted []string // modules; empty for all
	events string
	book   string
	force  bool
	out    io.Writer
	seen   infer.Seen
}

func (i *inference) readFile(in io.Reader) error {
	source, closeSource, err := emitSource(in, []string{i.events})
	if err != nil {
		return err
	}
	defer closeSource()
	lines := bufio.NewScanner(source)
	lines.Buffer(nil, engine.MaxEventBytes+len("\r\n"))
	n := 0
	for lines.Scan() {
		n++
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		event, err := readEvent(lines.Bytes())
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", i.events, n, err)
		}
		i.seen.Add(event)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: line %d: %w", i.events, n+1, err)
	}
	return nil
}

// readStream reads all that is on the stream now. What is no event says nothing of records.
func (i *inference) readStream(ctx context.Context, broker nats.Config, logger *slog.Logger) error {
	bus, err := nats.Watch(broker, logger)
	if err != nil {
		return fmt.Errorf("%w; is `postern serve` running?", err)
	}
	defer bus.Close()
	position, err := bus.Position(ctx)
	if err != nil {
		return err
	}
	if position.Last == 0 || position.First > position.Last {
		return nil
	}
	err = bus.Read(ctx, 0, emitBatch, func(_ context.Context, entries []engine.Entry) error {
		for _, entry := range entries {
			if s := seen(entry); s.Event != nil {
				i.seen.Add(s.Event)
			}
			if entry.Seq >= position.Last {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// finish prints or writes the files of the modules that are wanted.
func (i *inference) finish() error {
	wanted := i.wanted
	if len(wanted) == 0 {
		wanted = i.seen.Modules()
	}
	if len(wanted) == 0 {
		return errors.New("there is no event about a record to guess from")
	}
	for _, name := range wanted {
		if !i.seen.Has(name) {
			return fmt.Errorf("no event is about a record of %s; there are events about %s",
				name, strings.Join(i.seen.Modules(), ", "))
		}
	}
	there := describedIn(i.book)
	known := func(name string) bool { return there[name] != "" || slices.Contains(wanted, name) }
	for n, name := range wanted {
		var err error
		text := i.seen.File(name, known)
		switch {
		case i.book != "":
			err = i.write(name, there[name], text)
		case n > 0:
			_, err = fmt.Fprintf(i.out, "\n%s", text)
		default:
			_, err = i.out.Write(text)
		}
		if err != nil {
			return err
		}
	}
	if i.book == "" || !hasSchemas(i.book) {
		return nil
	}
	return putSchemas(i.book) // editors propose the new names
}

// write puts a module's file into the book; there is the file that describes it already.
func (i *inference) write(name, there string, text []byte) error {
	if there != "" && !i.force {
		_, err := fmt.Fprintf(i.out, "%s is there already and stays as it is; --force overwrites it\n", there)
		return err
	}
	path := there
	if path == "" {
		path = filepath.Join(i.book, "modules", name+".yaml")
	}
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write module: %w", err)
	}
	if err := replaceFile(path, text, forAll); err != nil {
		return fmt.Errorf("write module: %w", err)
	}
	_, err := fmt.Fprintf(i.out, "%s written\n", path)
	return err
}

// describedIn are the files of a book that describe modules, by module. A book may not be there yet.
func describedIn(book string) map[string]string {
	if book == "" {
		return nil
	}
	return namedIn(book, "modules/*.yaml", "module")
}
