package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"postern/internal/yamldoc"
	"postern/schemas"
	"postern/workflows"
)

// schemaFolder is where editors find the schemas of a book. The loader passes over folders that begin with a dot.
const schemaFolder = ".schemas"

func schemaCommand() *cobra.Command {
	var book string
	cmd := &cobra.Command{
		Use:   "schema [NAME]",
		Short: "Print a JSON Schema, or set a book up for editors",
		Long: `Schema prints a JSON Schema: ` + strings.Join(schemas.Names(), ", ") + `.
With --write it sets a book up for editors with a YAML language server, so that they propose
keys, explain them and mark mistakes while you write, without a network: it writes the schemas
into the book's folder ` + schemaFolder + ` and puts a line that names its schema on top of every file
that has none. The names of the book's modules, landings, factors, templates and workflows are
proposed too.
Do it again when there are new ones, and after an update of Postern.`,
		Example: `  postern schema --write ./book
  postern schema workflow`,
		Args: oneArgument("schema"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case book != "" && len(args) > 0:
				return errors.New("--write writes all schemas; name a schema or --write, not both")
			case book != "":
				return writeSchemas(cmd.OutOrStdout(), book)
			case len(args) == 0:
				return fmt.Errorf("which schema? One of: %s; or --write BOOK", strings.Join(schemas.Names(), ", "))
			}
			return printSchema(cmd.OutOrStdout(), args[0])
		},
	}
	cmd.Flags().StringVar(&book, "write", "", "folder of a book to set up for editors")
	return cmd
}

func printSchema(out io.Writer, name string) error {
	text, ok := schemas.Of(name)
	if !ok {
		if near, ok := yamldoc.Suggest(name, schemas.Names()); ok {
			return fmt.Errorf("unknown schema %q; did you mean %s?", name, near)
		}
		return fmt.Errorf("unknown schema %q; one of: %s", name, strings.Join(schemas.Names(), ", "))
	}
	_, err := out.Write(text)
	return err
}

// writeSchemas writes the schemas beside the files of a book, and marks the files.
func writeSchemas(out io.Writer, book string) error {
	files, err := bookFolder(book)
	if err != nil {
		return err
	}
	if err := putSchemas(book); err != nil {
		return err
	}
	marked := 0
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		kind := workflows.KindOf(name)
		if err != nil || kind == "" || !entry.Type().IsRegular() {
			return err
		}
		done, err := mark(filepath.Join(book, filepath.FromSlash(name)), schemaLine(name, kind))
		if done {
			marked++
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("mark files: %w", err)
	}
	_, err = fmt.Fprintf(out, "wrote %s into %s and marked %s\n",
		counted(len(schemas.Names()), "schema"), filepath.Join(book, schemaFolder), counted(marked, "file"))
	return err
}

// putSchemas writes the schemas to where the files of a book look for them.
func putSchemas(book string) error {
	if err := makeFolder(filepath.Join(book, schemaFolder)); err != nil {
		return fmt.Errorf("write schemas: %w", err)
	}
	names := namesIn(book)
	for _, name := range schemas.Names() {
		text, _ := schemas.For(name, names)
		if err := replaceFile(filepath.Join(book, schemaFolder, schemas.File(name)), text, forAll); err != nil {
			return fmt.Errorf("write schemas: %w", err)
		}
	}
	return nil
}

// hasSchemas tells whether a book is set up for editors.
func hasSchemas(book string) bool {
	_, err := os.Stat(filepath.Join(book, schemaFolder))
	return err == nil
}

// schemaSign is what the line that names a file's schema begins with.
const schemaSign = "# yaml-language-server: $schema="

// schemaLine is the line that leads editors from a file of a book to its schema.
func schemaLine(name, kind string) string {
	up := strings.Repeat("../", strings.Count(name, "/"))
	return schemaSign + up + schemaFolder + "/" + schemas.File(kind) + "\n"
}

// mark puts a line on top of a file, unless it has one of the kind; it tells whether it did.
func mark(path, line string) (bool, error) {
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), schemaSign) {
		return false, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return true, replaceFile(path, append([]byte(line), text...), info.Mode().Perm())
}

// forAll is what the files of a book are to others: who serves one need not be who writes it.
const forAll fs.FileMode = 0o644

// makeFolder makes a folder of a book, which others may read as they may its files.
func makeFolder(path string) error {
	return os.MkdirAll(path, 0o755) //nolint:gosec // who serves a book need not be who writes it
}

// replaceFile writes a file anew so that whoever reads it meanwhile finds the old text or the new.
func replaceFile(path string, text []byte, mode fs.FileMode) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, text, mode); err != nil { //nolint:gosec // the admin says where the book is
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}
