package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
)

// linkListOrder asks for a list of links.
type linkListOrder struct {
	linkChoice
	Since  time.Time `json:"since,omitzero"`
	Before string    `json:"before,omitempty"`
	Limit  int       `json:"limit,omitempty"`
}

var linkList = operation[linkListOrder, []linkLine]{"links/ls", needsStore, (*house).linkLines}

func linkListCommand() *cobra.Command {
	var at site
	var page listFlags
	var choice choiceFlags
	var states []string
	var order linkListOrder
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List links, those made last first",
		Long: `Ls lists links. One that is revoked, locked, expired or used is shown as the first of these that
it is; the others are live.`,
		Example: `  postern link ls --config postern.yaml --record HelpDesk:17x8615
  postern link ls --recipient Contacts:12x7 --state live`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := at.load(cmd); err != nil {
				return err
			}
			if order.States, err = chosen("--state", states, engine.LinkStates()); err != nil {
				return err
			}
			if order.Since, _, err = page.read(); err != nil {
				return err
			}
			if err := choice.read(&order.linkChoice); err != nil {
				return err
			}
			order.Before, order.Limit = page.before, page.limit
			lines, err := linkList.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) { layOutLinks(out, lines, &page) })
		},
	}
	at.flags(cmd)
	page.flags(cmd)
	choice.flags(cmd, &order.linkChoice)
	cmd.Flags().StringSliceVar(&states, "state", nil, "only those in a state, such as live; may be given again")
	return cmd
}

func (h *house) linkLines(ctx context.Context, order linkListOrder) ([]linkLine, error) {
	sel, err := h.selection(ctx, order.linkChoice)
	if err != nil {
		return nil, err
	}
	sel.Since, sel.Limit = order.Since, order.Limit
	if sel.Before, err = h.before(ctx, engine.ThingLink, order.Before); err != nil {
		return nil, err
	}
	found, err := h.store.LinkLines(ctx, sel)
	lines := make([]linkLine, len(found))
	for i, l := range found {
		lines[i] = lineOfLink(l, sel.At)
	}
	return lines, err
}

func layOutLinks(out *strings.Builder, lines []linkLine, page *listFlags) {
	if len(lines) == 0 {
		out.WriteString("no links\n")
		return
	}
	var t table
	t.row("ID", "STATE", "LANDING", "RECORD", "TO", "WORKFLOW", "USED", "MADE", "EXPIRES")
	for _, l := range lines {
		t.row(shortID(l.ID), string(l.State), l.Landing, oneLine(l.Record, 60), orDash(oneLine(l.To, 40)),
			orDash(l.Workflow), l.used(), clockText(l.Created), clockText(l.Expires))
	}
	t.write(out)
	page.more(out, len(lines), shortID(lines[len(lines)-1].ID))
}

// orDash is a text for a column, where there is none a dash.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
