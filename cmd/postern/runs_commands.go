package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
)

func runsCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "runs",
		Short: "What workflows do: list, show, retry, cancel",
		Long: `A run is one workflow on one occasion, which is an event. An id may be given by its end, at least
six characters of it.`,
	})
	cmd.AddCommand(runsListCommand(), runsShowCommand(), runsRetryCommand(), runsCancelCommand())
	return cmd
}

func runsListCommand() *cobra.Command {
	var at site
	var page listFlags
	var order runListOrder
	var states []string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List runs, newest first",
		Example: `  postern runs ls --config postern.yaml --state failed
  postern runs ls --record HelpDesk:17x8615 --since 2d`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := at.load(cmd); err != nil {
				return err
			}
			if order.States, err = chosen("--state", states, engine.RunStates()); err != nil {
				return err
			}
			if order.Since, order.Record, err = page.read(); err != nil {
				return err
			}
			order.Before, order.Limit = page.before, page.limit
			lines, err := runList.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) { layOutRuns(out, lines, &page) })
		},
	}
	at.flags(cmd)
	page.flags(cmd)
	page.recordFlag(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&states, "state", nil, "only those in a state, such as failed; may be given again")
	flags.StringVar(&order.Workflow, "workflow", "", "only those of a workflow")
	flags.IntVar(&order.Replay, "replay", 0, "only those of a replay, by its number")
	return cmd
}

func runsShowCommand() *cobra.Command {
	var at site
	var order runShowOrder
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a run from its event to where it stands",
		Long: `Show tells in the order of time what a run did and what became of it: the event, decisions, waits,
writes to the CRM, messages with all tries, and what people did by their links. It names the fields that
changed; their values may be personal, and are shown only if asked for.`,
		Args: theArgument("run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			order.ID = args[0]
			whole, err := runShow.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), whole, func(out *strings.Builder) { layOutRun(out, whole) })
		},
	}
	at.flags(cmd)
	cmd.Flags().BoolVar(&order.Values, "values", false, "with the values of fields")
	return cmd
}

func runsRetryCommand() *cobra.Command {
	var at site
	var order changeOrder
	cmd := &cobra.Command{
		Use:   "retry ID",
		Short: "Let a run go on where it failed, was held or was cancelled",
		Long: `Retry lets a run go on at the step where it ended, with all tries of that step before it. What it
has done is not done again. It goes on with the files of the workflow it began with; to run its event by
the files as they are now, see postern replay.`,
		Args: theArgument("run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeRun(cmd, &at, runRetry, order, args[0])
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	return cmd
}

func runsCancelCommand() *cobra.Command {
	var at site
	var order changeOrder
	cmd := &cobra.Command{
		Use:   "cancel ID",
		Short: "Stop a run that is not over",
		Long: `Cancel stops a run where it stands. Writes to the CRM that it asked for and that were not tried yet
are dropped. Messages it asked for are sent all the same, unless --deliveries is given; one that is being
sent cannot be called back.`,
		Args: theArgument("run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeRun(cmd, &at, runCancel, order, args[0])
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	cmd.Flags().BoolVar(&order.Deliveries, "deliveries", false, "cancel its planned messages too")
	return cmd
}

// changeRun has a run changed and tells what it is then.
func changeRun(cmd *cobra.Command, at *site, op operation[changeOrder, runLine], order changeOrder, id string) error {
	if err := errors.Join(at.load(cmd), order.check()); err != nil {
		return err
	}
	order.ID = id
	line, err := op.ask(cmd.Context(), at, order)
	if err != nil {
		return err
	}
	return at.print(cmd.OutOrStdout(), line, func(out *strings.Builder) { layOutChanged(out, line) })
}
