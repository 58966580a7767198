// Command generate writes docs/reference from the kinds of tasks and channels and from the configuration's struct: what
// an admin reads there are the comments of the very fields that the program fills. It is run by `make generate`, and is
// no part of the product.
package main

import (
	"fmt"
	"io"
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
	pages, err := reference(root)
	if err != nil {
		return err
	}
	for name, text := range pages {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
	}
	return nil
}
