package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"postern/internal/yamldoc"
)

// The mistakes of a command line are told in one line each, with what was probably meant and never with a page of
// usage.

// chooses makes a command that only holds others: alone it shows its help.
func chooses(cmd *cobra.Command) *cobra.Command {
	cmd.DisableFlagsInUseLine = true
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
	return cmd
}

func unknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if near, ok := yamldoc.Suggest(word, names); ok {
		return fmt.Errorf("unknown command %q; did you mean `%s %s`?", word, cmd.CommandPath(), near)
	}
	return fmt.Errorf("unknown command %q; `%s --help` lists what there is", word, cmd.CommandPath())
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			about.InitDefaultVersionFlag()
			return about.Help()
		},
	}
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no arguments, found %q; see `%[1]s --help`", cmd.CommandPath(), args[0])
}

// oneArgument lets a command have one argument or none.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return fmt.Errorf("%s takes one %s at most, found %d; see `%[1]s --help`", cmd.CommandPath(), what, len(args))
	}
}

// oneName wants one argument.
func oneName(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s takes one %s, found %d; see `%[1]s --help`", cmd.CommandPath(), what, len(args))
	}
}

// arguments wants from least to most of them; what says which.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		return fmt.Errorf("%s needs %s, found %d; see `%[1]s --help`", cmd.CommandPath(), what, len(args))
	}
}

// flagMistake says what is wrong with a flag and which was probably meant.
func flagMistake(cmd *cobra.Command, err error) error {
	var wrong *pflag.InvalidValueError
	if errors.As(err, &wrong) && strings.Contains(wrong.GetFlag().Value.Type(), "int") {
		return fmt.Errorf("--%s %q is no whole number; see `%s --help`",
			wrong.GetFlag().Name, wrong.GetValue(), cmd.CommandPath())
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	}
	word := "--" + unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		word = "-" + unknown.GetSpecifiedName()
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near, ok := yamldoc.Suggest(strings.TrimLeft(word, "-"), names); ok {
		return fmt.Errorf("unknown flag %s; did you mean --%s?", word, near)
	}
	return fmt.Errorf("unknown flag %s; see `%s --help`", word, cmd.CommandPath())
}
