package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
)

// linkShowOrder asks for the story of a link.
type linkShowOrder struct {
	ID     string `json:"id"`
	Values bool   `json:"values,omitempty"` // with what visitors entered, which may be personal
}

// linkWhole is a link with what came of it.
type linkWhole struct {
	linkLine
	Preset     string    `json:"preset,omitempty"`
	Language   string    `json:"language,omitempty"`
	Generation int       `json:"generation"`
	Run        engine.ID `json:"run,omitzero"`
	Delivery   engine.ID `json:"delivery,omitzero"`
	OneBrowser bool      `json:"one_browser,omitempty"` // it opens in the browser that opened it first alone
	Timeline   []moment  `json:"timeline"`
}

var linkShow = operation[linkShowOrder, linkWhole]{"links/show", needsStore, (*house).linkWhole}

func linkShowCommand() *cobra.Command {
	var at site
	var order linkShowOrder
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a link and what came of it",
		Long: `Show tells what a link is and what was done by it. Its address cannot be shown: it is not kept.
What visitors entered is shown with --values alone.`,
		Args: theArgument("link"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			order.ID = args[0]
			whole, err := linkShow.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), whole, func(out *strings.Builder) { layOutLink(out, whole) })
		},
	}
	at.flags(cmd)
	cmd.Flags().BoolVar(&order.Values, "values", false, "with what visitors entered, which may be personal")
	return cmd
}

func (h *house) linkWhole(ctx context.Context, order linkShowOrder) (linkWhole, error) {
	id, err := h.idOf(ctx, engine.ThingLink, order.ID)
	if err != nil {
		return linkWhole{}, err
	}
	story, err := h.store.LinkStory(ctx, id)
	if err != nil {
		return linkWhole{}, plainly(err)
	}
	return wholeOfLink(story, order.Values), nil
}

func wholeOfLink(story engine.LinkStory, values bool) linkWhole {
	l := story.Link
	whole := linkWhole{
		linkLine: lineOfLink(l, engine.SystemClock{}.Now()), Preset: l.Preset, Language: l.Language,
		Generation: l.Generation, Run: l.Run, Delivery: l.Delivery, OneBrowser: len(l.Bound) > 0,
	}
	times := timeline{began: l.Created}
	if !l.Run.IsZero() {
		times.add(l.Created, "", "made")
	}
	tellActs(&times, "", story, values)
	if !l.Locked.IsZero() {
		times.add(l.Locked, "", "locked by too many guesses")
	}
	times.sort()
	whole.Timeline = times.moments
	return whole
}

func layOutLink(out *strings.Builder, l linkWhole) {
	fmt.Fprintf(out, "link %s\n%s: %s times used, expires %s\n\n", l.ID, l.State, l.used(), clockText(l.Expires))
	var t table
	landing := l.Landing
	if l.Preset != "" {
		landing += ", opens with " + l.Preset
	}
	t.row("landing", landing)
	t.row("record", oneLine(l.Record, 100))
	switch {
	case l.Recipient != "":
		t.row("sent to", orDash(oneLine(l.To, 60))+" ("+oneLine(l.Recipient, 60)+")")
	case l.To != "":
		t.row("sent to", oneLine(l.To, 60))
	}
	if l.Run.IsZero() {
		t.row("made", "by hand")
	} else {
		t.row("run", shortID(l.Run)+" of "+l.Workflow)
	}
	if !l.Delivery.IsZero() {
		t.row("delivery", shortID(l.Delivery))
	}
	if l.Generation > 1 {
		t.row("generation", fmt.Sprintf("%d: sent again, and the addresses before no longer open", l.Generation))
	}
	if l.OneBrowser {
		t.row("bound", "to the browser that opened it first")
	}
	t.write(out)
	out.WriteString("\n")
	times := timeline{began: l.Created, moments: l.Timeline}
	times.write(out)
	layOutNext(out, l.next())
}

// next is what an operator may do about the link.
func (l linkWhole) next() []string {
	id := shortID(l.ID)
	var next []string
	if l.State == engine.LinkStateLocked {
		next = append(next, "to open it again: postern link unlock "+id)
	}
	if !l.Delivery.IsZero() && (l.State == engine.LinkStateLive || l.State == engine.LinkStateExpired) {
		next = append(next, "to send it again, with a new address: postern link resend "+id)
	}
	if l.State != engine.LinkStateRevoked {
		next = append(next, "to end it: postern link revoke "+id)
	}
	return next
}
