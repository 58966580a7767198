package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
)

var linkUnlock = operation[changeOrder, linkLine]{"links/unlock", needsStore, (*house).unlockLink}

func linkUnlockCommand() *cobra.Command {
	return linkChange(linkUnlock, "%s is %s again", &cobra.Command{
		Use:   "unlock ID",
		Short: "Open a link that too many wrong guesses shut",
		Long: `Unlock opens a link that was locked because the proof it asks for was guessed wrong too often, and
forgets those guesses. Ask the recipient first whether it was them: a lock may also be somebody who tries.`,
		Example: `  postern link ls --config postern.yaml --state locked
  postern link unlock 8f22937a --reason "she had the old code"`,
	})
}

// linkChange completes a command that has one link changed and tells what it is then.
func linkChange(op operation[changeOrder, linkLine], told string, cmd *cobra.Command) *cobra.Command {
	var at site
	var order changeOrder
	cmd.Args = theArgument("link")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(at.load(cmd), order.check()); err != nil {
			return err
		}
		order.ID = args[0]
		line, err := op.ask(cmd.Context(), &at, order)
		if err != nil {
			return err
		}
		return at.print(cmd.OutOrStdout(), line, func(out *strings.Builder) {
			name := fmt.Sprintf("link %s to %s for %s", shortID(line.ID), line.Landing, oneLine(line.Record, 100))
			fmt.Fprintf(out, told+"\n", name, line.State)
		})
	}
	at.flags(cmd)
	order.flags(cmd)
	return cmd
}

func (h *house) unlockLink(ctx context.Context, order changeOrder) (linkLine, error) {
	id, err := h.idOf(ctx, engine.ThingLink, order.ID)
	if err != nil {
		return linkLine{}, err
	}
	asked := order.order()
	link, err := h.store.UnlockLink(ctx, id, asked)
	if err != nil {
		return linkLine{}, plainly(err)
	}
	return lineOfLink(link, asked.At), nil
}
