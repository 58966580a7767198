package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/yamldoc"
	"postern/workflows"
)

// timingList tells where everything stands that goes by time.
var timingList = operation[struct{}, standings]{"timings/ls", needsStore, (*house).standings}

type standings struct {
	Timings []engine.TimingLine `json:"timings"`
	Windows []engine.WindowLine `json:"windows"`
}

func (h *house) standings(ctx context.Context, _ struct{}) (all standings, err error) {
	if all.Timings, err = h.store.TimingLines(ctx, ""); err != nil {
		return all, err
	}
	all.Windows, err = h.store.WindowLines(ctx)
	return all, err
}

// maxTicks is the most ticks of a schedule that are shown.
const maxTicks = 1000

// scheduleLine is a trigger that goes by time, and what comes of it.
type scheduleLine struct {
	Workflow string     `json:"workflow"`
	Says     string     `json:"says"`
	Zone     string     `json:"zone,omitempty"`
	About    string     `json:"about"`
	Missed   string     `json:"missed,omitempty"`
	Ticks    []tickLine `json:"ticks,omitempty"`

	Standing *engine.TimingLine `json:"standing,omitempty"` // as stored; nil where nothing is
	Gathers  *engine.WindowLine `json:"gathers,omitempty"`  // likewise

	around bool   // it goes by the dates of records, or gathers events, and has no ticks
	key    string // that it is stored under
}

// tickLine is when a schedule is due.
type tickLine struct {
	Local string    `json:"local"`
	UTC   time.Time `json:"utc"`
	Note  string    `json:"note,omitempty"` // what the clocks do on that day
}

func schedulesCommand() *cobra.Command {
	var at site
	var folder, from string
	next := 5
	cmd := &cobra.Command{
		Use:   "schedules [WORKFLOW]",
		Short: "Show when workflows are due that go by time",
		Long: `Schedules shows the next times of each schedule of a book, in its zone and in UTC, with what the
clocks of the zone do. With --config or --data it also tells where each stands: when it is due next
by the database, how far it has walked over records, how many alarms are armed.`,
		Example: `  postern schedules --book ./book
  postern schedules weekly-list --book ./book --next 10 --at 2026-03-27
  postern schedules --config postern.yaml`,
		Args: oneArgument("workflow"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if next < 1 || next > maxTicks {
				return fmt.Errorf("--next is from 1 to %d", maxTicks)
			}
			began := time.Now()
			if from != "" {
				var err error
				if began, err = someTime("--at", from); err != nil {
					return err
				}
			}
			book, err := schedulesBook(cmd, &at, folder)
			if err != nil {
				return err
			}
			lines, err := scheduleLines(book, args, began, next)
			if err == nil && (at.path != "" || at.data != "") {
				err = standingOf(cmd.Context(), &at, lines)
			}
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) { layOutSchedules(out, lines) })
		},
	}
	at.flags(cmd)
	cmd.Flags().StringVar(&folder, "book", "", "folder of the book, in place of the configured one")
	cmd.Flags().IntVar(&next, "next", next, "how many times of each are shown, up to 1000")
	cmd.Flags().StringVar(&from, "at", "", "show what comes after a time, in place of now")
	return cmd
}

// schedulesBook loads the book: the one of the flag, the configured one, or the shipped one.
func schedulesBook(cmd *cobra.Command, at *site, folder string) (*engine.Book, error) {
	if err := at.load(cmd); err != nil {
		return nil, err
	}
	if folder == "" {
		folder = at.config.Book
	}
	files, err := bookFolder(folder)
	if err != nil {
		return nil, err
	}
	book, diags, sources := workflows.Load(files, at.config.bookOptions())
	if book == nil {
		return nil, complaints{diags, sources}
	}
	return book, nil
}

func scheduleLines(book *engine.Book, only []string, after time.Time, next int) ([]*scheduleLine, error) {
	if err := book.HasWorkflows(only); err != nil {
		return nil, err
	}
	lines := []*scheduleLine{}
	for _, w := range book.Workflows {
		if len(only) > 0 && !slices.Contains(only, w.Name) {
			continue
		}
		if w.Debounce != nil {
			lines = append(lines, lineOfDebounce(w))
		}
		for _, t := range w.Triggers {
			if t.Schedule != nil {
				lines = append(lines, lineOfSchedule(w, t.Schedule, after, next))
			}
			if t.Around != nil {
				lines = append(lines, &scheduleLine{
					Workflow: w.Name, Says: t.Around.Source, Zone: t.Around.Zone.String(),
					About: "a run for each record of " + t.Module, around: true, key: t.Around.Key(t.Module),
				})
			}
		}
	}
	return lines, nil
}

// lineOfDebounce tells how a workflow gathers events.
func lineOfDebounce(w *engine.Workflow) *scheduleLine {
	about := "a run for each burst of events about one record"
	if w.Debounce.Key != nil {
		about = "a run for each burst of events of one " + w.Debounce.Key.Source()
	}
	return &scheduleLine{
		Workflow: w.Name, About: about, around: true,
		Says: fmt.Sprintf("%s after the last event, at most %s after the first",
			yamldoc.FormatDuration(w.Debounce.For), yamldoc.FormatDuration(w.Debounce.Max)),
	}
}

func lineOfSchedule(w *engine.Workflow, s *engine.Schedule, after time.Time, next int) *scheduleLine {
	line := &scheduleLine{
		Workflow: w.Name, Says: s.Source, Zone: s.Zone.String(), About: "one run, about no record",
		Missed: string(s.Missed), key: s.Key(),
	}
	if s.Each != nil {
		line.About = "a run for each record of " + s.Each.Module
		if s.Each.Where != nil {
			line.About += " where " + s.Each.Where.Source()
		}
	}
	for at := s.Next(after); !at.IsZero() && len(line.Ticks) < next; at = s.Next(at) {
		line.Ticks = append(line.Ticks, tickLine{
			Local: at.In(s.Zone).Format("Mon 2006-01-02 15:04 -07:00"), UTC: at.UTC(), Note: clockNote(at, s.Zone),
		})
	}
	return line
}

// clockNote says that the clocks of a zone are moved on the day of a moment.
func clockNote(at time.Time, zone *time.Location) string {
	by, when := engine.Moved(at, zone)
	switch {
	case by > 0:
		return fmt.Sprintf("clocks go forward by %s to %s", yamldoc.FormatDuration(by), when.Format("15:04"))
	case by < 0:
		return fmt.Sprintf("clocks go back by %s to %s", yamldoc.FormatDuration(-by), when.Format("15:04"))
	}
	return ""
}

// standingOf adds where each stands by the database.
func standingOf(ctx context.Context, at *site, lines []*scheduleLine) error {
	all, err := timingList.ask(ctx, at, struct{}{})
	if err != nil {
		return err
	}
	stored := all.Timings
	for _, line := range lines {
		for i, w := range all.Windows {
			if line.key == "" && w.Workflow == line.Workflow {
				line.Gathers = &all.Windows[i]
			}
		}
		i := slices.IndexFunc(stored, func(l engine.TimingLine) bool {
			return l.Workflow == line.Workflow && l.Key == line.key
		})
		if i >= 0 {
			line.Standing = &stored[i]
		}
	}
	return nil
}

func layOutSchedules(out *strings.Builder, lines []*scheduleLine) {
	if len(lines) == 0 {
		out.WriteString("no workflow goes by time\n")
		return
	}
	for i, l := range lines {
		if i > 0 {
			out.WriteString("\n")
		}
		in := ""
		if l.key != "" {
			in = " in " + l.Zone
		}
		fmt.Fprintf(out, "%s: %s%s, %s\n", l.Workflow, oneLine(l.Says, 100), in, oneLine(l.About, 200))
		l.layOutStanding(out)
		if len(l.Ticks) == 0 && !l.around {
			out.WriteString("  never again\n")
		}
		var t table
		for _, tick := range l.Ticks {
			t.row("  "+tick.Local, clockText(tick.UTC), tick.Note)
		}
		t.write(out)
	}
}

// layOutStanding tells where a timing stands, if anything is stored of it.
func (l *scheduleLine) layOutStanding(out *strings.Builder) {
	if g := l.Gathers; g != nil {
		fmt.Fprintf(out, "  %s gathered in %s, the first over at %s\n", counted(g.Events, "event"),
			counted(g.Windows, "window"), clockText(g.First))
	}
	s := l.Standing
	if s == nil {
		return
	}
	if l.around {
		fmt.Fprintf(out, "  %s\n", alarmsText(s))
	}
	if s.Walk != nil && l.around {
		fmt.Fprintf(out, "  arms alarms for the records that are there, after record %q\n", s.Walk.After)
	} else if s.Walk != nil {
		fmt.Fprintf(out, "  walks over its records for %s, after record %q\n", clockText(s.Walk.Tick), s.Walk.After)
	}
	if !s.Next.IsZero() {
		fmt.Fprintf(out, "  due next at %s\n", clockText(s.Next))
	}
}

// alarmsText says how many alarms are armed.
func alarmsText(s *engine.TimingLine) string {
	if s.Alarms == 0 {
		return "no alarms are armed"
	}
	return fmt.Sprintf("%s armed, the first due at %s", counted(s.Alarms, "alarm"), clockText(s.First))
}
