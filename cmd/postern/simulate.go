package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/rehearsal"
	"postern/workflows"
)

// simulateOptions are the flags of `postern simulate`.
type simulateOptions struct {
	config  string
	book    string
	records []string
	crm     bool
	at      string
	json    bool
}

func simulateCommand() *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:   "simulate EVENT.json|-",
		Short: "Show what one event would lead to, and why not",
		Long: `Simulate holds one event, a CloudEvent in structured mode, against every workflow about its module:
whether it begins, and if not, why: by its trigger, or by its condition, whose parts are shown with their
values. Then it shows the steps that would be taken at once, the messages as they would be written, and
what would be written to records, called and told. Nothing is sent, written or called.

The records that workflows look at come from files (--record), in the form of records: in a test file,
and with --crm from the configured CRM, which is only read.`,
		Example: `  postern simulate event.json
  postern simulate event.json --book ./book --record contacts.yaml
  postern simulate - --config postern.yaml --crm < event.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%s takes the file of one event, or - for standard input; see `%[1]s --help`",
					cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return simulate(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.config, "config", "c", "", "configuration file")
	cmd.Flags().StringVar(&o.book, "book", "", "folder of workflows; by default the configured or the shipped book")
	cmd.Flags().StringSliceVar(&o.records, "record", nil, "file with records as they are before the event")
	cmd.Flags().BoolVar(&o.crm, "crm", false, "read other records from the configured CRM")
	cmd.Flags().StringVar(&o.at, "at", "", "when it happens, as 2026-03-02T09:00:00+01:00; by default now")
	cmd.Flags().BoolVar(&o.json, "json", false, "print everything as JSON")
	return cmd
}

func simulate(ctx context.Context, in io.Reader, out io.Writer, file string, o simulateOptions) error {
	c, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	if o.book != "" {
		c.Book = o.book
	}
	files, err := bookFolder(c.Book)
	if err != nil {
		return err
	}
	options := c.bookOptions()
	options.KeepAll = true
	book, diags, sources := workflows.Load(files, options)
	if book == nil {
		return complaints{diags, sources}
	}
	event, err := readOneEvent(in, file)
	if err != nil {
		return err
	}
	now := time.Now()
	if o.at != "" {
		if now, err = time.Parse(time.RFC3339, o.at); err != nil {
			return fmt.Errorf("--at %q is no time; write it like 2026-03-02T09:00:00+01:00", o.at)
		}
	}
	records, err := readRecords(o.records, book, now)
	if err != nil {
		return err
	}
	cast := rehearsal.Cast{Book: book, Clock: engine.NewStillClock(now)}
	if o.crm {
		outside, err := c.openReading()
		if err != nil {
			return err
		}
		defer closeReading(outside)
		cast.Outside = outside
	}
	stages, err := newStages(ctx)
	if err != nil {
		return err
	}
	defer stages.close()
	result, err := rehearsal.Simulate(ctx, cast, options.Carriers, event, records, stages.open)
	if err != nil {
		return err
	}
	return printSimulation(out, result, o.json)
}

// readOneEvent reads the event of a file, or of standard input for -.
func readOneEvent(in io.Reader, file string) (*engine.Event, error) {
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read event: %w", err)
		}
		defer opened.Close()
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, engine.MaxEventBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	event, err := engine.DecodeUnaddressed(engine.NoHeader, text)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	if event.Ref().ID == "" {
		return nil, errors.New("read event: its subject names no record")
	}
	return event, nil
}

func readRecords(names []string, book *engine.Book, now time.Time) (records []*engine.Event, err error) {
	for i, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read records: %w", err)
		}
		read, diags := rehearsal.ParseRecords(name, text, book, now)
		if diags.Err() != nil {
			return nil, complaints{diags, map[string][]byte{name: text}}
		}
		for _, event := range read {
			event.ID = fmt.Sprintf("%s-%d", event.ID, i)
		}
		records = append(records, read...)
	}
	return records, nil
}

// openReading opens the configured CRM, of which a simulation only reads.
func (c config) openReading() (engine.CRM, error) {
	if c.mirrors() {
		return nil, errors.New("--crm: the configured CRM is the mirror, whose records lie in the database of the " +
			"server; name records with --record")
	}
	outside, err := crm.Open(c.CRM, nil)
	if err != nil {
		return nil, fmt.Errorf("crm: %w", err)
	}
	return outside, nil
}

func closeReading(outside engine.CRM) {
	if closer, ok := outside.(io.Closer); ok {
		_ = closer.Close()
	}
}

func printSimulation(out io.Writer, s *rehearsal.Simulation, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(s)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", s.Event)
	if len(s.Workflows) == 0 {
		b.WriteString("\nno workflow is about this module\n")
	}
	for _, v := range s.Workflows {
		tellVerdict(&b, v)
	}
	for _, o := range s.Outcomes {
		fmt.Fprintf(&b, "\n%s\n", o.Title)
		for _, line := range o.Lines() {
			fmt.Fprintln(&b, strings.TrimRight("  "+line, " "))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func tellVerdict(b *strings.Builder, v rehearsal.Verdict) {
	if v.Begins {
		fmt.Fprintf(b, "\n%s begins\n", v.Workflow)
	} else {
		fmt.Fprintf(b, "\n%s does not begin: %s\n", v.Workflow, v.Reason)
	}
	width := 0
	for _, p := range v.Parts {
		width = max(width, len([]rune(p.Source)))
	}
	if v.After {
		b.WriteString("  but it begins after that, by what a workflow wrote or told\n")
	}
	if len(v.Parts) > 1 {
		fmt.Fprintf(b, "  if %s\n", v.Condition)
	}
	for _, p := range v.Parts {
		pad := strings.Repeat(" ", width-len([]rune(p.Source)))
		fmt.Fprintf(b, "    %s%s  %s\n", p.Source, pad, p.Value)
	}
	for _, step := range v.Steps {
		fmt.Fprintf(b, "  step %s  %s\n", step.Step, step.Text)
	}
	if v.Begins {
		fmt.Fprintf(b, "  then it is %s%s\n", v.State, map[bool]string{true: ": " + v.Why, false: ""}[v.Why != ""])
	}
}
