package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/yamldoc"
	"postern/tasks"
	"postern/workflows"
)

func lintCommand() *cobra.Command {
	var asJSON bool
	var path string
	var channelNames []string
	cmd := &cobra.Command{
		Use:   "lint [BOOK]",
		Short: "Check a book and say everything that is wrong with it",
		Long: `Lint checks every file of a book: workflows, modules, landings, factors, labels and templates.
All complaints come at once, each with its file, line and column. Without a folder
it checks the shipped book. Exit code 1 means that there was an error.
With --config it checks the book as serve would run it: the configured one, if no folder
is named, with the channels and secrets there are, with records where they live, and with what
calls may reach.`,
		Example: `  postern lint ./book
  postern lint --config postern.yaml
  postern lint ./book --channel email --channel sms
  postern lint ./book --json`,
		Args: oneArgument("folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				c.Book = args[0]
			}
			options := c.bookOptions()
			named := cmd.Flags().Changed("channel")
			if named {
				options.Carriers, options.Shipped = carriersNamed(channelNames), false
			}
			return lint(cmd.OutOrStdout(), c, options, path == "" && !named, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the complaints as JSON")
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration file")
	cmd.Flags().StringSliceVar(&channelNames, "channel", nil,
		"a channel that workflows may use; by default all that are configured, or every kind")
	return cmd
}

// lint checks a book. The channels are guessed where neither a configuration nor the command names them.
func lint(out io.Writer, c config, options workflows.Options, guessed, asJSON bool) error {
	files, err := bookFolder(c.Book)
	if err != nil {
		return err
	}
	book, diags, sources := workflows.Load(files, options)
	ofBook := len(sources)
	if book != nil {
		diags = append(diags, c.lintPortals(book)...)
	}
	if wrong := c.lint(); len(wrong) > 0 {
		diags = append(diags, wrong...)
		sources = maps.Clone(sources)
		maps.Copy(sources, c.complain(wrong).sources)
	}
	if asJSON {
		err = yamldoc.PrintJSON(out, diags)
	} else {
		err = printLint(out, book, ofBook, diags, sources)
	}
	if err == nil && guessed && !asJSON && slices.ContainsFunc(diags, aboutChannel) {
		_, err = fmt.Fprintln(out, "which channels there are, the configuration says: --config postern.yaml")
	}
	if err != nil {
		return fmt.Errorf("print complaints: %w", err)
	}
	if book == nil {
		return toldError{errors.New("the book has errors")}
	}
	if diags.Errors() > 0 {
		return toldError{errors.New("the configuration has errors")}
	}
	return nil
}

func aboutChannel(d yamldoc.Diagnostic) bool { return strings.HasPrefix(d.Message, "unknown channel ") }

func printLint(
	out io.Writer, book *engine.Book, files int, diags yamldoc.Diagnostics, sources map[string][]byte,
) error {
	if err := yamldoc.Print(out, diags, sources); err != nil {
		return err
	}
	last := fmt.Sprintf("%s, %s", counted(diags.Errors(), "error"), counted(diags.Warnings(), "warning"))
	if book != nil && diags.Errors() == 0 {
		last = fmt.Sprintf("%s in order: %s", counted(files, "file"), bookSummary(book))
	}
	_, err := fmt.Fprintln(out, last)
	return err
}

// bookFolder opens the folder of a book; the shipped one if no folder is named.
func bookFolder(folder string) (fs.FS, error) {
	if folder == "" {
		return workflows.Shipped, nil
	}
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open book: there is no folder %s", folder)
	}
	if err != nil {
		return nil, fmt.Errorf("open book: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("open book: %s is a file; a book is a folder", folder)
	}
	files := os.DirFS(folder)
	if found, err := fs.Glob(files, "*.yaml"); err != nil || len(found) == 0 {
		return nil, fmt.Errorf("open book: there is no workflow (*.yaml) in %s", folder)
	}
	return files, nil
}

// loadBook loads a book for a house of which no more is known than its channels, and where its records live.
func loadBook(
	files fs.FS, carriers map[string]engine.Carrier, keepAll bool,
) (*engine.Book, yamldoc.Diagnostics, map[string][]byte) {
	texts, languages := pageTexts()
	return workflows.Load(files, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: carriers, KeepAll: keepAll, Texts: texts, Languages: languages,
	})
}

func bookSummary(book *engine.Book) string {
	summary := fmt.Sprintf("%s, %s, %s", counted(len(book.Workflows), "workflow"),
		counted(len(book.Modules), "module"), counted(len(book.Landings), "landing"))
	if len(book.Factors) > 0 {
		summary += ", " + counted(len(book.Factors), "factor")
	}
	if len(book.Portals) > 0 {
		summary += ", " + counted(len(book.Portals), "portal")
	}
	return summary
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
