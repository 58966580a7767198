package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

func functionsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "functions [WORD]",
		Short: "List what may be called in an expression",
		Long: `Functions lists the functions of expressions, each with what it gives, a line of what it does and
an example that is true. With a word it lists those that have to do with it, also by the names
that other programs give them.`,
		Example: `  postern functions
  postern functions month
  postern functions average
  postern functions --json`,
		Args: oneArgument("word"),
		RunE: func(cmd *cobra.Command, args []string) error {
			word := ""
			if len(args) == 1 {
				word = args[0]
			}
			return listFunctions(cmd.OutOrStdout(), word, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print them as JSON")
	return cmd
}

func listFunctions(out io.Writer, word string, asJSON bool) error {
	list := slices.DeleteFunc(exprsafe.Functions(), func(f exprsafe.Function) bool { return !speaksOf(f, word) })
	others := otherNames(word)
	if len(list) == 0 && len(others) == 0 {
		return noFunction(word)
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(list)
	}
	var text strings.Builder
	for _, name := range others {
		fmt.Fprintf(&text, "%s is written %s\n", name, exprsafe.Elsewhere()[name])
	}
	group := ""
	for _, f := range list {
		if f.Group != group {
			group = f.Group
			if text.Len() > 0 {
				text.WriteByte('\n')
			}
			fmt.Fprintln(&text, group)
		}
		fmt.Fprintf(&text, "  %s\n      %s\n      %s\n", f.Signature, f.Summary, f.Example)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// speaksOf tells whether a function has to do with a word.
func speaksOf(f exprsafe.Function, word string) bool {
	word = strings.ToLower(word)
	return strings.Contains(strings.ToLower(f.Signature+" "+f.Summary), word) || strings.ToLower(f.Group) == word
}

// otherNames are those that other programs give to what is asked for.
func otherNames(word string) []string {
	if word == "" {
		return nil
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(exprsafe.Elsewhere())), func(name string) bool {
		return !strings.EqualFold(name, word)
	})
}

func noFunction(word string) error {
	var names []string
	for _, f := range exprsafe.Functions() {
		names = append(names, f.Name)
	}
	if near, ok := yamldoc.Suggest(word, names); ok {
		return fmt.Errorf("no function has to do with %q; did you mean %s?", word, near)
	}
	return fmt.Errorf("no function has to do with %q; `postern functions` lists them all", word)
}
