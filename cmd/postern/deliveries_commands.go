package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
)

func deliveriesCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "deliveries",
		Short: "Messages to people: list, show, send again, cancel",
		Long: `A delivery is one message to one recipient, with all its tries. One that is unknown may have left:
the answer to it was lost, and an operator decides. An id may be given by its end, at least six
characters of it.`,
	})
	cmd.AddCommand(
		deliveriesListCommand(), deliveriesShowCommand(), deliveriesRetryCommand(), deliveriesCancelCommand(),
	)
	return cmd
}

func deliveriesListCommand() *cobra.Command {
	var at site
	var page listFlags
	var order deliveryListOrder
	var states []string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List deliveries, those in doubt first, then newest first",
		Example: `  postern deliveries ls --config postern.yaml --state unknown
  postern deliveries ls --record HelpDesk:17x8615`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := at.load(cmd); err != nil {
				return err
			}
			if order.States, err = chosen("--state", states, engine.DeliveryStates()); err != nil {
				return err
			}
			if order.Since, order.Record, err = page.read(); err != nil {
				return err
			}
			order.Before, order.Limit = page.before, page.limit
			lines, err := deliveryList.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) {
				layOutDeliveries(out, lines, &page)
			})
		},
	}
	at.flags(cmd)
	page.flags(cmd)
	page.recordFlag(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&states, "state", nil, "only those in a state, such as unknown; may be given again")
	flags.StringVar(&order.Channel, "channel", "", "only those by a channel")
	flags.StringVar(&order.Workflow, "workflow", "", "only those of a workflow")
	return cmd
}

func deliveriesShowCommand() *cobra.Command {
	var at site
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a delivery with all its tries",
		Args:  theArgument("delivery"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			whole, err := deliveryShow.ask(cmd.Context(), &at, args[0])
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), whole, func(out *strings.Builder) { layOutDelivery(out, whole) })
		},
	}
	at.flags(cmd)
	return cmd
}

func deliveriesRetryCommand() *cobra.Command {
	return deliveryChange(deliveryRetry, &cobra.Command{
		Use:   "retry ID",
		Short: "Send a message again that is unknown or rejected",
		Long: `Retry plans the same message with the same link once more, with all tries of its step before it. A
message that is unknown may have left: it may then come twice, though most mail programs show mails with
one Message-ID once.`,
	})
}

func deliveriesCancelCommand() *cobra.Command {
	return deliveryChange(deliveryCancel, &cobra.Command{
		Use:   "cancel ID",
		Short: "Give up a message that is planned or unknown",
	})
}

// deliveryChange completes a command that has a delivery changed and tells what it is then.
func deliveryChange(op operation[changeOrder, deliveryWhole], cmd *cobra.Command) *cobra.Command {
	var at site
	var order changeOrder
	cmd.Args = theArgument("delivery")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(at.load(cmd), order.check()); err != nil {
			return err
		}
		order.ID = args[0]
		d, err := op.ask(cmd.Context(), &at, order)
		if err != nil {
			return err
		}
		return at.print(cmd.OutOrStdout(), d, func(out *strings.Builder) {
			fmt.Fprintf(out, "delivery %s of %s on %s is %s%s\n",
				shortID(d.ID), d.Workflow, oneLine(d.Record, 100), d.State, because(d.Reason))
		})
	}
	at.flags(cmd)
	order.flags(cmd)
	return cmd
}
