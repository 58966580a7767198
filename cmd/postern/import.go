package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/internal/corebosimport"
	"postern/internal/yamldoc"
)

func importCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "import",
		Short: "Bring in the workflows of another product",
	})
	cmd.AddCommand(importCorebosCommand())
	return cmd
}

// corebosImport is what the command line says of an import.
type corebosImport struct {
	out      string
	modules  []string
	settings []string
	asJSON   bool
	force    bool
	options  corebosimport.Options
}

func importCorebosCommand() *cobra.Command {
	i := &corebosImport{}
	cmd := &cobra.Command{
		Use:   "corebos EXPORT...",
		Short: "Turn the workflows of a coreBOS into a book",
		Long: `Corebos reads exports of coreBOS: the export of its workflow list, or rows of com_vtiger_workflows,
com_vtiger_workflowtasks and vtiger_cbmap as JSON or CSV. It writes a workflow file for each, the texts
of the messages and, from what the web service's describe answered, module files.

What means something else here is told in a comment at its place and in the report. A workflow that is
not converted whole, or was switched off, becomes a file that ends with .off, which no book loads. Files
that are there are kept: without --force nothing is written if one of them would change. Exit code 1
means that nothing was written.`,
		Example: `  postern import corebos workflows.csv --modules describe.json --out book/
  postern import corebos workflows.json tasks.json maps.json --modules describe.json --out book/ \
    --zone Europe/Madrid --language es --set siteurl=https://crm.example`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs the files of an export; see `%[1]s --help`", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return i.run(cmd.OutOrStdout(), args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&i.out, "out", "", "folder of the book to write (required)")
	flags.StringSliceVar(&i.modules, "modules", nil, "answers of describe; without them types are guessed")
	flags.StringVar(&i.options.Zone, "zone", "UTC", "time zone of coreBOS's first administrator")
	flags.StringVar(&i.options.Language, "language", "en", "language that the messages are written in")
	flags.StringArrayVar(&i.settings, "set", nil, "what the export does not say, as NAME=VALUE: "+
		strings.Join(corebosimport.SettingNames(), ", "))
	flags.BoolVar(&i.asJSON, "json", false, "print the report as JSON")
	flags.BoolVar(&i.force, "force", false, "replace files that are there")
	return cmd
}

func (i *corebosImport) run(out io.Writer, names []string) error {
	if err := i.check(); err != nil {
		return err
	}
	files, err := readAll(names)
	if err != nil {
		return err
	}
	export, err := corebosimport.Read(files)
	if err != nil {
		return fmt.Errorf("read export: %w", err)
	}
	modules, described, err := i.readModules()
	if err != nil {
		return err
	}
	book := corebosimport.Convert(export, modules, i.options)
	maps.Copy(book.Files, described)
	if err := i.write(book.Files); err != nil {
		return err
	}
	return i.tell(out, book)
}

var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// check reads the flags.
func (i *corebosImport) check() error {
	if i.out == "" {
		return errors.New("import corebos needs --out: the folder of the book to write")
	}
	if _, err := time.LoadLocation(i.options.Zone); err != nil || i.options.Zone == "" {
		return fmt.Errorf("--zone %q is no time zone; an example is Europe/Madrid", i.options.Zone)
	}
	if !languageTag.MatchString(i.options.Language) {
		return fmt.Errorf("--language %q is no language; examples are en and pt-BR", i.options.Language)
	}
	i.options.Settings = map[string]string{}
	for _, setting := range i.settings {
		name, value, found := strings.Cut(setting, "=")
		if !found || !slices.Contains(corebosimport.SettingNames(), name) {
			hint := "one of: " + strings.Join(corebosimport.SettingNames(), ", ")
			if near, ok := yamldoc.Suggest(name, corebosimport.SettingNames()); ok && near != name {
				hint = "did you mean " + near + "?"
			}
			return fmt.Errorf("--set %q is not NAME=VALUE with a name that is known (%s)", setting, hint)
		}
		i.options.Settings[name] = value
	}
	return nil
}

func readAll(names []string) ([]corebosimport.File, error) {
	var files []corebosimport.File
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read export: there is no file %s", name)
		case err == nil && info.Size() > corebosimport.MaxFile:
			return nil, fmt.Errorf("read export: %s is larger than %d MB", name, corebosimport.MaxFile>>20)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read export: %w", err)
		}
		files = append(files, corebosimport.File{Name: filepath.Base(name), Text: text})
	}
	return files, nil
}

// readModules reads the descriptions, and beside them the module files that the book has already.
func (i *corebosImport) readModules() (corebosimport.Modules, map[string]string, error) {
	modules := corebosimport.Modules{}
	if len(i.modules) > 0 {
		files, err := readAll(i.modules)
		if err != nil {
			return nil, nil, err
		}
		if modules, err = corebosimport.ReadModules(files); err != nil {
			return nil, nil, fmt.Errorf("read modules: %w", err)
		}
	}
	described := modules.Files()
	there, err := filepath.Glob(filepath.Join(i.out, "modules", "*.yaml"))
	if err != nil {
		return nil, nil, fmt.Errorf("read modules: %w", err)
	}
	texts := map[string][]byte{}
	for _, name := range there {
		if texts[name], err = os.ReadFile(name); err != nil {
			return nil, nil, fmt.Errorf("read modules: %w", err)
		}
	}
	modules.AddFiles(texts)
	return modules, described, nil
}

// write puts the files into the book, all or none: none if one that is there would change.
func (i *corebosImport) write(files map[string]string) error {
	names := slices.Sorted(maps.Keys(files))
	var changed []string
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(i.out, name))
		if err == nil && string(text) != files[name] {
			changed = append(changed, name)
		}
		if finished, off := strings.CutSuffix(name, ".off"); off {
			if _, err := os.Stat(filepath.Join(i.out, finished)); err == nil {
				changed = append(changed, finished) // somebody has finished what would come again
			}
		}
	}
	if len(changed) > 0 && !i.force {
		const most = 3
		shown := strings.Join(changed[:min(len(changed), most)], ", ")
		if len(changed) > most {
			shown += fmt.Sprintf(" and %d more", len(changed)-most)
		}
		return fmt.Errorf("write book: %s would be replaced; nothing was written. "+
			"Choose another folder, or replace them with --force", shown)
	}
	for _, name := range names {
		path := filepath.Join(i.out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a book is for everyone to read
			return fmt.Errorf("write book: %w", err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil { //nolint:gosec // as its folder
			return fmt.Errorf("write book: %w", err)
		}
	}
	return nil
}

// told is the report as JSON.
type told struct {
	corebosimport.Report
	Written int `json:"written"` // files
	Errors  int `json:"errors"`  // that lint finds in the book
}

// tell prints the report, and whether the book is in order.
func (i *corebosImport) tell(out io.Writer, book *corebosimport.Book) error {
	channels := []string{"email", "sms", "whatsapp"}
	_, diags, _ := loadBook(os.DirFS(i.out), carriersNamed(channels), true)
	if i.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(told{book.Report, len(book.Files), diags.Errors()})
	}
	if err := book.Report.Print(out); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	last := "the book is in order"
	if n := diags.Errors(); n > 0 {
		last = fmt.Sprintf("lint finds %s: postern lint %s --channel %s",
			counted(n, "error"), i.out, strings.Join(channels, " --channel "))
	}
	_, err := fmt.Fprintf(out, "%s written to %s; %s\n", counted(len(book.Files), "file"), i.out, last)
	return err
}
