package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/yamldoc"
)

// How ids, times and texts are read from and shown to an operator.

// leastEnding is how much of the end of an id names it: less is too easily that of another.
const leastEnding = 6

// idOf finds what an operator names by its id, or by the end of it.
func (h *house) idOf(ctx context.Context, thing engine.Thing, text string) (engine.ID, error) {
	if id, err := engine.ParseID(strings.ToLower(text)); err == nil {
		return id, nil
	}
	if len(strings.ReplaceAll(text, "-", "")) < leastEnding {
		return engine.ID{}, fmt.Errorf("%q is too short for the end of an id: give at least %d characters of it",
			text, leastEnding)
	}
	found, err := h.store.Ending(ctx, thing, text)
	switch {
	case err != nil:
		return engine.ID{}, err
	case len(found) == 0:
		return engine.ID{}, fmt.Errorf("there is no %s whose id ends in %q", thing, text)
	case len(found) > 1:
		return engine.ID{}, fmt.Errorf("the id of more than one %s ends in %q: give more of it", thing, text)
	}
	return found[0], nil
}

// order makes the engine's order of one that came in a request.
func (o opOrder) order() engine.Order {
	return engine.Order{By: o.By, Reason: o.Reason, At: engine.SystemClock{}.Now()}
}

// opOrder is who orders a change and why.
type opOrder struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// maxReason bounds what an operator gives as a reason.
const maxReason = 500

// orderFlags adds --reason and notes who asks.
func (o *opOrder) flags(cmd *cobra.Command) {
	o.By = caller()
	cmd.Flags().StringVar(&o.Reason, "reason", "", "why, for the history")
}

func (o *opOrder) check() error {
	if len(o.Reason) > maxReason || strings.ContainsFunc(o.Reason, unicode.IsControl) {
		return fmt.Errorf("--reason is one line of at most %d bytes", maxReason)
	}
	return nil
}

// plainly leaves out of a refusal what led to it in the code: the operator has named the thing and the change.
func plainly(err error) error {
	if !engine.IsPermanent(err) && !errors.Is(err, engine.ErrNoRun) && !errors.Is(err, engine.ErrNoThing) {
		return err
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// pastTime reads a time in the past: how long ago, or when.
func pastTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := yamldoc.ParseDuration(text); err == nil {
		return time.Now().Add(-ago), nil
	}
	return someTime(flag, text)
}

// someTime reads a time; one without a zone is of this machine's.
func someTime(flag, text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q is no time such as \"2026-05-06 07:08\" or 2026-05-06T07:08:09Z", flag, text)
}

// clockText is a time as operators read it, to the second.
func clockText(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

// shortID is the end of an id, by which it can be named.
func shortID(id engine.ID) string {
	text := id.String()
	return text[len(text)-8:]
}

// oneLine is text on one line of at most n characters, without what would command a terminal.
func oneLine(text string, n int) string {
	text = printable(strings.Join(strings.Fields(text), " "))
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return text
}

// table lays rows out in columns; the last column is as long as it is.
type table struct{ rows [][]string }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(out *strings.Builder) {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// listFlags are the flags of every list.
type listFlags struct {
	since, record, before string
	limit                 int
}

func (l *listFlags) recordFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.record, "record", "", "only those about a record, as Module:id")
}

// read checks the flags and reads those that are more than text.
func (l *listFlags) read() (since time.Time, record engine.Ref, err error) {
	if l.limit < 1 || l.limit > 1000 {
		return since, record, errors.New("--limit is between 1 and 1000")
	}
	if since, err = pastTime("--since", l.since); err != nil || l.record == "" {
		return since, record, err
	}
	record, err = parseRecord(l.record)
	return since, record, err
}

// chosen holds the words of a flag against those there are.
func chosen[S ~string](flag string, words []string, known []S) ([]S, error) {
	var names []string
	for _, k := range known {
		names = append(names, string(k))
	}
	var found []S
	for _, word := range words {
		if !slices.Contains(names, word) {
			return nil, fmt.Errorf("%s %q is not one of %s", flag, word, strings.Join(names, ", "))
		}
		found = append(found, S(word))
	}
	return found, nil
}

func (l *listFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&l.since, "since", "", "only what is not older, such as 2h or \"2026-05-06 07:00\"")
	flags.IntVar(&l.limit, "limit", 50, "lines at most, up to 1000")
	flags.StringVar(&l.before, "before", "", "only what is older than the one with this id: the next page")
}

// more tells how the next page is seen, after a list that is full.
func (l *listFlags) more(out *strings.Builder, lines int, last string) {
	if lines > 0 && lines == l.limit {
		fmt.Fprintf(out, "\nthere may be more: --before %s\n", last)
	}
}

// someArguments lets a command have one argument or more.
func someArguments(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return fmt.Errorf("%s needs the id of a %s; see `%[1]s --help`", cmd.CommandPath(), what)
	}
}

// theArgument lets a command have exactly one argument.
func theArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s needs the id of one %s, found %d; see `%[1]s --help`", cmd.CommandPath(), what, len(args))
	}
}
