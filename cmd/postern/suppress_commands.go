package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/yamldoc"
)

func suppressCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "suppress",
		Short: "Addresses that get nothing more: list, add, remove",
		Long: `An address is suppressed when its owner wants nothing more, when nothing arrives there, when a
message was called spam, or when an operator wants it so. It is kept as a keyed hash: lists show it masked.`,
	})
	cmd.AddCommand(suppressListCommand(), suppressAddCommand(), suppressRemoveCommand())
	return cmd
}

func suppressListCommand() *cobra.Command {
	var at site
	var order suppressListOrder
	var reason, since string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List suppressed addresses, the latest first",
		Example: `  postern suppress ls --config postern.yaml --channel email --reason bounce
  postern suppress ls --channel email --address zoe@acme.example`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := at.load(cmd); err != nil {
				return err
			}
			if order.Limit < 1 || order.Limit > 1000 {
				return errors.New("--limit is between 1 and 1000")
			}
			if order.Since, err = pastTime("--since", since); err != nil {
				return err
			}
			if reason != "" {
				reasons, err := chosen("--reason", []string{reason}, engine.SuppressionReasons())
				if err != nil {
					return err
				}
				order.Reason = reasons[0]
			}
			lines, err := suppressList.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) { layOutSuppressed(out, lines) })
		},
	}
	at.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&order.Channel, "channel", "", "only those of a channel")
	flags.StringVar(&order.Address, "address", "", "only this address, as the channel sends to it")
	flags.StringVar(&order.List, "list", "", "only those that get nothing more of this workflow alone")
	flags.StringVar(&reason, "reason", "", "only those suppressed because of opt_out, bounce, complaint or operator")
	flags.StringVar(&since, "since", "", "only what is not older, such as 2h or \"2026-05-06 07:00\"")
	flags.IntVar(&order.Limit, "limit", 50, "lines at most, up to 1000")
	return cmd
}

func suppressAddCommand() *cobra.Command {
	var at site
	var order suppressOrder
	var span string
	cmd := &cobra.Command{
		Use:   "add CHANNEL ADDRESS",
		Short: "Keep messages from an address",
		Long: `Add keeps all messages of a channel from an address, written as the channel sends to it: a mail
address, or a number such as +34600123456. With --list only those of one workflow, if its class is notice
or marketing. What is planned already is held back too.`,
		Example: `  postern suppress add email zoe@acme.example --reason "asked on the telephone"
  postern suppress add sms +34600123456 --for 30d`,
		Args: theAddress,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(at.load(cmd), order.check()); err != nil {
				return err
			}
			if span != "" {
				var err error
				if order.For, err = yamldoc.ParseDuration(span); err != nil || order.For <= 0 {
					return fmt.Errorf("--for %q is no length of time, such as 30d", span)
				}
			}
			order.Channel, order.Address = args[0], args[1]
			return suppressChange(cmd, &at, suppressAdd, order, "gets nothing more")
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	cmd.Flags().StringVar(&order.List, "list", "", "only messages of this workflow")
	cmd.Flags().StringVar(&span, "for", "", "for how long, such as 30d; for good by default")
	return cmd
}

func suppressRemoveCommand() *cobra.Command {
	var at site
	var order suppressOrder
	cmd := &cobra.Command{
		Use:   "rm ID | CHANNEL ADDRESS",
		Short: "Let an address get messages again",
		Long: `Rm removes whatever is suppressed for an address on a channel, whatever the reason. Who wants
nothing more must not be written to: remove an opt_out only when its owner asked for it.`,
		Example: `  postern suppress rm email zoe@acme.example --reason "she asked for it"
  postern suppress rm 8f22937a`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch len(args) {
			case 1:
				order.ID = args[0]
			case 2:
				order.Channel, order.Address = args[0], args[1]
			default:
				return fmt.Errorf("%s needs an id, or a channel and an address; see `%[1]s --help`", cmd.CommandPath())
			}
			if err := errors.Join(at.load(cmd), order.check()); err != nil {
				return err
			}
			return suppressChange(cmd, &at, suppressRemove, order, "gets messages again")
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	cmd.Flags().StringVar(&order.List, "list", "", "only what is suppressed of this workflow")
	return cmd
}

// suppressChange has a change made and tells it.
func suppressChange(
	cmd *cobra.Command, at *site, op operation[suppressOrder, []suppressLine], order suppressOrder, what string,
) error {
	lines, err := op.ask(cmd.Context(), at, order)
	if err != nil {
		return err
	}
	return at.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) { layOutSuppressChange(out, lines, what) })
}

// theAddress lets a command have a channel and an address.
func theAddress(cmd *cobra.Command, args []string) error {
	if len(args) == 2 && strings.TrimSpace(args[1]) != "" {
		return nil
	}
	return fmt.Errorf("%s needs a channel and an address, found %d; see `%[1]s --help`", cmd.CommandPath(), len(args))
}
