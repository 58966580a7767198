package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"postern/internal/yamldoc"
)

func waitsCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "waits",
		Short: "What runs wait for: list, cancel, move",
		Long: `A run rests in a wait step, before a step is tried again, or until its writes to the CRM are over.
It costs nothing while it rests, and its wait is named by the run.`,
	})
	cmd.AddCommand(waitsListCommand(), waitsCancelCommand(), waitsMoveCommand())
	return cmd
}

func waitsListCommand() *cobra.Command {
	var at site
	var order waitListOrder
	var record, until string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List what runs wait for, the next due first",
		Example: `  postern waits ls --config postern.yaml --workflow reminder
  postern waits ls --until "2026-05-07 08:00"`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			page := listFlags{record: record, limit: order.Limit}
			if err := at.load(cmd); err != nil {
				return err
			}
			if _, order.Record, err = page.read(); err != nil {
				return err
			}
			if until != "" {
				if order.Until, err = someTime("--until", until); err != nil {
					return err
				}
			}
			lines, err := waitList.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) {
				layOutWaits(out, lines, order.Limit)
			})
		},
	}
	at.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&order.Workflow, "workflow", "", "only those of a workflow")
	flags.StringVar(&record, "record", "", "only those about a record, as Module:id")
	flags.StringVar(&until, "until", "", "only what falls due before a time")
	flags.IntVar(&order.Limit, "limit", 50, "lines at most, up to 1000")
	return cmd
}

func waitsCancelCommand() *cobra.Command {
	var at site
	var order changeOrder
	cmd := &cobra.Command{
		Use:   "cancel RUN",
		Short: "Stop a run that waits",
		Args:  theArgument("run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeRun(cmd, &at, runCancel, order, args[0])
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	return cmd
}

func waitsMoveCommand() *cobra.Command {
	var at site
	var order waitMoveOrder
	var to, by string
	cmd := &cobra.Command{
		Use:   "move RUN --to TIME | --by DURATION",
		Short: "Let a wait be over at another time",
		Long: `Move sets when the wait of a run is over at the latest. What the run waits for besides, such as a
change of its record, ends the wait as before.`,
		Example: `  postern waits move 8f22937a --to "2026-05-07 08:00"
  postern waits move 8f22937a --by 2d`,
		Args: theArgument("run"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			switch {
			case to == "" && by == "":
				return errors.New("waits move needs --to, such as \"2026-05-07 08:00\", or --by, such as 2d")
			case to != "" && by != "":
				return errors.New("waits move takes --to or --by, not both")
			}
			if err := errors.Join(at.load(cmd), order.check()); err != nil {
				return err
			}
			if to != "" {
				order.To, err = someTime("--to", to)
			} else if order.Later, err = yamldoc.ParseDuration(by); err != nil {
				err = fmt.Errorf("--by: %w", err)
			}
			if err != nil {
				return err
			}
			order.ID = args[0]
			line, err := waitMove.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), line, func(out *strings.Builder) {
				fmt.Fprintf(out, "run %s of %s on %s now waits until %s\n", shortID(line.Run), line.Workflow,
					oneLine(line.Record, 100), clockText(line.Due))
			})
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	cmd.Flags().StringVar(&to, "to", "", "when it is over, such as \"2026-05-07 08:00\"")
	cmd.Flags().StringVar(&by, "by", "", "how much later it is over, such as 2d")
	return cmd
}
