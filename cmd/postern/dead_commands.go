package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
)

// replayGroup is how many dead letters one request is about.
const replayGroup = 50

func deadCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "dead",
		Short: "Messages that were no events: list, show, replay, drop",
		Long: `Dead letters are messages on the stream that could not be read as events, each with the reason.
They harm nobody and are kept until somebody looks.`,
	})
	cmd.AddCommand(deadListCommand(), deadShowCommand(), deadReplayCommand(), deadDropCommand())
	return cmd
}

func deadListCommand() *cobra.Command {
	var at site
	var page listFlags
	var order deadListOrder
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List dead letters, newest first",
		Example: `  postern dead ls --config postern.yaml
  postern dead ls --module HelpDesk --since 2d`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := at.load(cmd); err != nil {
				return err
			}
			if order.Since, _, err = page.read(); err != nil {
				return err
			}
			order.Before, order.Limit = page.before, page.limit
			lines, err := deadList.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) { layOutDead(out, lines, &page) })
		},
	}
	at.flags(cmd)
	page.flags(cmd)
	cmd.Flags().StringVar(&order.Module, "module", "", "only those of a module, by their subject")
	cmd.Flags().BoolVar(&order.Closed, "replayed", false, "also those that became events since")
	return cmd
}

func deadShowCommand() *cobra.Command {
	var at site
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a dead letter with all it holds",
		Long: `Show prints a dead letter with its body as it came, which may hold personal data. An id may be
given by its end, at least six characters of it.`,
		Args: theArgument("dead letter"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			whole, err := deadShow.ask(cmd.Context(), &at, args[0])
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), whole, func(out *strings.Builder) { layOutDeadWhole(out, whole) })
		},
	}
	at.flags(cmd)
	return cmd
}

func deadReplayCommand() *cobra.Command {
	var at site
	var all bool
	var order deadOrder
	cmd := &cobra.Command{
		Use:   "replay ID… | --all",
		Short: "Send dead letters on as events, where they are events by now",
		Long: `Replay reads each dead letter again, with the book as it is now. What is an event by now goes out
on the stream under its subject, is handled like any other, and leaves the list. What is still none stays,
and the reason is told; the exit code is then 1.`,
		Example: `  postern dead replay 8f22937a --reason "module Invoices is described now"
  postern dead replay --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("dead replay needs the ids of dead letters, or --all")
			}
			if err := errors.Join(at.load(cmd), order.check()); err != nil {
				return err
			}
			fates, err := replayLetters(cmd, &at, order, args)
			if err != nil {
				return err
			}
			err = at.print(cmd.OutOrStdout(), fates, func(out *strings.Builder) {
				if len(fates) == 0 {
					out.WriteString("no dead letters\n")
				}
				layOutFates(out, fates)
			})
			return errors.Join(err, failedFates(fates))
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "every dead letter")
	return cmd
}

// replayLetters asks for some at a time, all of the list if none are named.
func replayLetters(cmd *cobra.Command, at *site, order deadOrder, names []string) ([]deadFate, error) {
	fates := []deadFate{}
	if len(names) > 0 {
		for group := range slices.Chunk(names, replayGroup) {
			order.IDs = group
			some, err := deadReplay.ask(cmd.Context(), at, order)
			fates = append(fates, some...)
			if err != nil {
				return fates, err
			}
		}
		return fates, nil
	}
	page := deadListOrder{Limit: replayGroup}
	for {
		lines, err := deadList.ask(cmd.Context(), at, page)
		if err != nil || len(lines) == 0 {
			return fates, err
		}
		order.IDs = nil
		for _, l := range lines {
			order.IDs = append(order.IDs, l.ID.String())
		}
		some, err := deadReplay.ask(cmd.Context(), at, order)
		fates = append(fates, some...)
		if err != nil {
			return fates, err
		}
		page.Before = order.IDs[len(order.IDs)-1]
	}
}

func deadDropCommand() *cobra.Command {
	var at site
	order := deadOrder{opOrder: opOrder{By: caller()}}
	cmd := &cobra.Command{
		Use:   "drop ID…",
		Short: "Forget dead letters for good",
		Args:  someArguments("dead letter"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			order.IDs = args
			dropped, err := deadDrop.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), dropped, func(out *strings.Builder) { layOutDropped(out, dropped) })
		},
	}
	at.flags(cmd)
	return cmd
}

func layOutDropped(out *strings.Builder, dropped []engine.ID) {
	for _, id := range dropped {
		fmt.Fprintf(out, "%s  dropped\n", shortID(id))
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
