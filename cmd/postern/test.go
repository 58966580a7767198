package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/rehearsal"
	"postern/internal/yamldoc"
)

// testOptions are the flags of `postern test`.
type testOptions struct {
	channels []string
	run      string
	verbose  bool
}

func testCommand() *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test [BOOK|FILE…]",
		Short: "Run the tests that stand beside the workflows of a book",
		Long: `Test runs the cases of every x.test.yaml, which stands beside its workflow x.yaml, with the
real engine on a clock of its own: nothing is sent, nothing leaves the process, and two days of waiting
take a millisecond. Without a folder or file it tests the shipped book. Exit code 1 means that a case failed.`,
		Example: `  postern test ./book
  postern test ./book/ticket-created.test.yaml --run "nobody" -v`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return test(cmd.Context(), cmd.OutOrStdout(), args, o)
		},
	}
	cmd.Flags().StringSliceVar(&o.channels, "channel", []string{"email"}, "a channel that workflows may use")
	cmd.Flags().StringVar(&o.run, "run", "", "only the cases whose name has this in it")
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "name every case")
	return cmd
}

// program is the tests of one book.
type program struct {
	folder string // as it was named; "" for the shipped book
	files  fs.FS
	only   []string // test files; nil for all
}

// programs finds the books that the arguments name. A file is tested with the book that it lies in.
func programs(args []string) ([]program, error) {
	if len(args) == 0 {
		args = []string{""}
	}
	var all []program
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == "" || err != nil || info.IsDir() {
			files, err := bookFolder(arg)
			if err != nil {
				return nil, err
			}
			all = append(all, program{folder: arg, files: files})
			continue
		}
		if !strings.HasSuffix(arg, ".yaml") {
			return nil, fmt.Errorf("%s is no test: a test is a file x.test.yaml beside its workflow x.yaml", arg)
		}
		folder, name := filepath.Split(arg)
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".test") + ".test.yaml"
		folder = filepath.Clean(folder)
		if last := len(all) - 1; last >= 0 && all[last].folder == folder && all[last].only != nil {
			all[last].only = append(all[last].only, name)
			continue
		}
		files, err := bookFolder(folder)
		if err != nil {
			return nil, err
		}
		all = append(all, program{folder: folder, files: files, only: []string{name}})
	}
	return all, nil
}

func test(ctx context.Context, out io.Writer, args []string, o testOptions) error {
	all, err := programs(args)
	if err != nil {
		return err
	}
	t := &tester{out: out, options: o}
	for _, p := range all {
		if err := t.book(ctx, p); err != nil {
			return err
		}
	}
	return t.close()
}

// tester runs tests and prints how they go.
type tester struct {
	out            io.Writer
	options        testOptions
	passed, failed int
}

func (t *tester) book(ctx context.Context, p program) error {
	book, diags, sources := loadBook(p.files, t.options.channels, true)
	if book == nil {
		return complaints{diags, sources}
	}
	names := p.only
	if names == nil {
		var err error
		if names, err = fs.Glob(p.files, "*.test.yaml"); err != nil {
			return err
		}
	}
	slices.Sort(names)
	var files []*rehearsal.File
	var wrong yamldoc.Diagnostics
	for _, name := range names {
		text, err := fs.ReadFile(p.files, name)
		if err != nil {
			return fmt.Errorf("read test: %w", err)
		}
		shown := path.Join(filepath.ToSlash(p.folder), name)
		file, diags := rehearsal.Parse(shown, text, book)
		sources[shown] = text
		wrong = append(wrong, diags...)
		files = append(files, file)
	}
	if wrong.Err() != nil {
		return complaints{wrong, sources}
	}
	for _, file := range files {
		if err := t.file(ctx, book, file); err != nil {
			return err
		}
	}
	return nil
}

func (t *tester) file(ctx context.Context, book *engine.Book, file *rehearsal.File) error {
	for _, c := range file.Cases {
		if !strings.Contains(c.Name, t.options.run) {
			continue
		}
		result, err := rehearsal.Play(ctx, book, t.options.channels, c, openStage, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Place(), err)
		}
		t.tell(result)
	}
	return nil
}

func (t *tester) tell(r rehearsal.Result) {
	if len(r.Failures) == 0 {
		t.passed++
		if t.options.verbose {
			_, _ = fmt.Fprintf(t.out, "ok    %s: %s\n", r.Case.Place(), r.Case.Name)
		}
		return
	}
	t.failed++
	_, _ = fmt.Fprintf(t.out, "FAIL  %s: %s\n", r.Case.Place(), r.Case.Name)
	for _, f := range r.Failures {
		_, _ = fmt.Fprintf(t.out, "      line %d\n", f.Line)
		for _, line := range f.Lines {
			_, _ = fmt.Fprintf(t.out, "        %s\n", line)
		}
	}
	for _, line := range r.History {
		_, _ = fmt.Fprintf(t.out, "        %s\n", line)
	}
}

func (t *tester) close() error {
	_, err := fmt.Fprintf(t.out, "%d passed, %d failed\n", t.passed, t.failed)
	if t.failed > 0 {
		return toldError{errors.New("a test failed")}
	}
	return err
}
