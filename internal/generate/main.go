// Command generate writes docs/reference and the schemas of the files that an admin writes, from the kinds of tasks and
// channels and from the structs that the files are decoded into: what an admin reads on a page or in an editor are the
// comments of the very fields that the program fills. It is run by `make generate`, and is no part of the product.
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
)

//go:generate go run . ../..

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run writes the pages of the module whose top folder is the only argument, and returns the exit code.
func run(args []string, errOut io.Writer) int {
	if len(args) != 1 {
		_, _ = fmt.Fprintln(errOut, "usage: generate FOLDER")
		return 2
	}
	if err := generate(args[0]); err != nil {
		_, _ = fmt.Fprintf(errOut, "generate: %v\n", err)
		return 1
	}
	return 0
}

func generate(root string) error {
	files, err := everything(root)
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write file: %w", err)
		}
	}
	return nil
}

// everything is the text of each generated file by its path in the module.
func everything(root string) (map[string]string, error) {
	pages, err := reference(root)
	if err != nil {
		return nil, err
	}
	files, err := jsonSchemas(root)
	if err != nil {
		return nil, err
	}
	maps.Copy(files, pages)
	return files, nil
}
