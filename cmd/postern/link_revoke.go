package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
)

// linkRevokeOrder asks for links to be ended, or, with Count, only how many there are.
type linkRevokeOrder struct {
	opOrder
	linkChoice
	Count bool `json:"count,omitempty"`
}

// linksRevoked is what links were found and how many of them were ended.
type linksRevoked struct {
	Found   map[engine.LinkState]int `json:"found"`
	Revoked int                      `json:"revoked"`
}

var linkRevoke = operation[linkRevokeOrder, linksRevoked]{"links/revoke", needsStore, (*house).revokeLinks}

func linkRevokeCommand() *cobra.Command {
	var at site
	var choice choiceFlags
	var before string
	var yes bool
	var order linkRevokeOrder
	cmd := &cobra.Command{
		Use:   "revoke [ID…]",
		Short: "End links for good",
		Long: `Revoke ends links for good, with whatever their visitors are about to do. They then open the same
page as a link that never was. Name them by their ids, or choose them by the flags, which all must fit.

More than one is revoked only with --yes; without it, revoke tells how many there are and changes nothing.
After a backup was restored, --before ends what was revoked since the backup and would be valid again.`,
		Example: `  postern link revoke 8f22937a --reason "sent to the wrong person"
  postern link revoke --record HelpDesk:17x8615 --yes
  postern link revoke --before "2026-05-06 07:00" --yes --reason "backup of that night restored"`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := errors.Join(at.load(cmd), order.check()); err != nil {
				return err
			}
			if err := choice.read(&order.linkChoice); err != nil {
				return err
			}
			if order.Until, err = pastTime("--before", before); err != nil {
				return err
			}
			order.IDs = args
			if !order.names() {
				return errors.New("link revoke needs the ids of links, or a flag that chooses them; " +
					"see `postern link revoke --help`")
			}
			found, err := revokeChosen(cmd.Context(), &at, order, yes)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), found, func(out *strings.Builder) {
				fmt.Fprintf(out, "%s revoked\n", counted(found.Revoked, "link"))
			})
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	choice.flags(cmd, &order.linkChoice)
	cmd.Flags().StringVar(&before, "before", "", "only those made before a time, such as 2d or \"2026-05-06 07:00\"")
	cmd.Flags().BoolVar(&yes, "yes", false, "revoke them, however many there are")
	return cmd
}

// names tells whether the choice says which links it means.
func (c linkChoice) names() bool {
	return len(c.IDs) > 0 || !c.Record.IsZero() || !c.Recipient.IsZero() || c.Workflow != "" || c.Landing != "" ||
		!c.Until.IsZero()
}

// revokeChosen looks how many links there are before it has more than one ended.
func revokeChosen(ctx context.Context, at *site, order linkRevokeOrder, yes bool) (linksRevoked, error) {
	if !yes {
		order.Count = true
		found, err := linkRevoke.ask(ctx, at, order)
		if err != nil {
			return found, err
		}
		if open := found.open(); open > 1 {
			return found, fmt.Errorf("%s: to revoke %d of them, say so with --yes", tallyText(found.Found), open)
		}
		order.Count = false
	}
	return linkRevoke.ask(ctx, at, order)
}

// open is how many of the links found are not revoked.
func (r linksRevoked) open() int {
	var open int
	for state, n := range r.Found {
		if state != engine.LinkStateRevoked {
			open += n
		}
	}
	return open
}

func (h *house) revokeLinks(ctx context.Context, order linkRevokeOrder) (linksRevoked, error) {
	sel, err := h.selection(ctx, order.linkChoice)
	if err != nil {
		return linksRevoked{}, err
	}
	if !sel.Narrows() {
		return linksRevoked{}, errors.New("which links are meant is not said")
	}
	var result linksRevoked
	if result.Found, err = h.store.LinkTally(ctx, sel); err != nil || order.Count {
		return result, err
	}
	if sel.OnlyUntil() { // all of an age: no link needs to be touched
		result.Revoked, err = h.store.RevokeBefore(ctx, sel.Until, order.order())
		return result, err
	}
	// A million of them take longer than a command waits; whoever asks again has the rest revoked.
	ctx, cancel := context.WithTimeout(ctx, controlTime-time.Second)
	defer cancel()
	result.Revoked, err = h.store.RevokeLinks(ctx, sel, order.order())
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%s revoked so far: give the order once more for the rest", counted(result.Revoked, "link"))
	}
	return result, err
}
