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
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/rehearsal"
	"postern/internal/yamldoc"
	"postern/workflows"
)

// testOptions are the flags of `postern test`.
type testOptions struct {
	config   string
	channels []string
	run      string
	verbose  bool
	coverage bool
	json     bool
	junit    string
	book     workflows.Options
}

func testCommand() *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test [BOOK|FILE…]",
		Short: "Run the tests that stand beside the workflows of a book",
		Long: `Test runs the cases of every x.test.yaml, which stands beside its workflow x.yaml, with the
real engine on a clock of its own: nothing is sent, nothing leaves the process, and two days of waiting
take a millisecond. Without a folder or file it tests the shipped book. It closes with how many of the
steps and branches of the workflows the cases have seen. Exit code 1 means that a case failed.`,
		Example: `  postern test ./book
  postern test ./book/ticket-created.yaml --run "nobody" -v
  postern test --config postern.yaml --coverage --junit report.xml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadConfig(o.config)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args = []string{c.Book}
			}
			o.book = c.bookOptions()
			o.book.KeepAll = true
			if cmd.Flags().Changed("channel") {
				o.book.Carriers, o.book.Shipped = carriersNamed(o.channels), false
			}
			return test(cmd.Context(), cmd.OutOrStdout(), args, o)
		},
	}
	cmd.Flags().StringVarP(&o.config, "config", "c", "", "configuration file: its book, channels and secrets")
	cmd.Flags().StringSliceVar(&o.channels, "channel", nil,
		"a channel that workflows may use; by default all that are configured, or every kind")
	cmd.Flags().StringVar(&o.run, "run", "", "only the cases whose name has this in it")
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "name every case, and what no case has seen")
	cmd.Flags().BoolVar(&o.coverage, "coverage", false, "name the steps and branches that no case has seen")
	cmd.Flags().BoolVar(&o.json, "json", false, "print everything as JSON")
	cmd.Flags().StringVar(&o.junit, "junit", "", "write a report in the form of JUnit to a file")
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
	report := &testReport{Cases: []caseReport{}, Untested: []string{}}
	for _, p := range all {
		if err := p.run(ctx, o, report); err != nil {
			return err
		}
	}
	if o.junit != "" {
		if err := report.writeJUnit(o.junit); err != nil {
			return err
		}
	}
	if err := report.print(out, o); err != nil {
		return err
	}
	if report.Failed > 0 {
		return toldError{errors.New("a test failed")}
	}
	return nil
}

// run runs the tests of a book.
func (p program) run(ctx context.Context, o testOptions, report *testReport) error {
	options := o.book
	options.Shipped = options.Shipped && p.folder == ""
	book, diags, sources := workflows.Load(p.files, options)
	if book == nil {
		return complaints{diags, sources}
	}
	files, err := p.tests(book, sources)
	if err != nil {
		return err
	}
	coverage := rehearsal.NewCoverage()
	results, err := playAll(ctx, book, casesNamed(files, o.run), o.book.Carriers, coverage)
	if err != nil {
		return err
	}
	var tested []*engine.Workflow
	for _, w := range book.Workflows {
		has := slices.ContainsFunc(files, func(f *rehearsal.File) bool {
			return path.Base(f.Name) == strings.TrimSuffix(rehearsal.FileOf(w), ".yaml")+".test.yaml"
		})
		if has || p.only == nil {
			tested = append(tested, w)
		}
		if !has && p.only == nil {
			report.Untested = append(report.Untested, path.Join(filepath.ToSlash(p.folder), rehearsal.FileOf(w)))
		}
	}
	report.add(results, coverage.Tally(tested), filepath.ToSlash(p.folder))
	return nil
}

// tests reads the test files. All complaints come at once.
func (p program) tests(book *engine.Book, sources map[string][]byte) (files []*rehearsal.File, err error) {
	names := p.only
	if names == nil {
		if names, err = fs.Glob(p.files, "*.test.yaml"); err != nil {
			return nil, fmt.Errorf("find tests: %w", err)
		}
	}
	slices.Sort(names)
	var wrong yamldoc.Diagnostics
	for _, name := range slices.Compact(names) {
		text, err := fs.ReadFile(p.files, name)
		if err != nil {
			return nil, fmt.Errorf("read test: %w", err)
		}
		shown := path.Join(filepath.ToSlash(p.folder), name)
		file, diags := rehearsal.Parse(shown, text, book)
		sources[shown] = text
		wrong = append(wrong, diags...)
		files = append(files, file)
	}
	if wrong.Err() != nil {
		return nil, complaints{wrong, sources}
	}
	return files, nil
}

// casesNamed are the cases whose name has a text in it.
func casesNamed(files []*rehearsal.File, text string) (cases []*rehearsal.Case) {
	for _, file := range files {
		for _, c := range file.Cases {
			if strings.Contains(c.Name, text) {
				cases = append(cases, c)
			}
		}
	}
	return cases
}

// playAll plays cases side by side. The results are in the order of the cases.
func playAll(
	ctx context.Context, book *engine.Book, cases []*rehearsal.Case, carriers map[string]engine.Carrier,
	coverage *rehearsal.Coverage,
) ([]rehearsal.Result, error) {
	stages, err := newStages(ctx)
	if err != nil {
		return nil, err
	}
	defer stages.close()
	results, failures := make([]rehearsal.Result, len(cases)), make([]error, len(cases))
	next := make(chan int)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				results[i], failures[i] = rehearsal.Play(ctx, book, carriers, cases[i], stages.open, coverage.Watch)
				if failures[i] != nil {
					failures[i] = fmt.Errorf("%s: %w", cases[i].Place(), failures[i])
				}
			}
		})
	}
	for i := range cases {
		next <- i
	}
	close(next)
	group.Wait()
	return results, errors.Join(failures...)
}
