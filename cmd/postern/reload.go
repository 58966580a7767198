package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/workflows"
)

// watchEvery is how often a watched book is looked at. A change is taken over when the book has stood still that long.
const watchEvery = time.Second

// reloaded is what became of a new look at the book.
type reloaded struct {
	Book    string   `json:"book"`              // what is in it: "3 workflows, 2 modules, 1 landing"
	Added   []string `json:"added,omitempty"`   // workflows
	Changed []string `json:"changed,omitempty"` //
	Removed []string `json:"removed,omitempty"` //
}

func reloadCommand() *cobra.Command {
	var at site
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Let the running process read its book again",
		Long: `Reload has the serving process read its book again and take it over, whole. A book with an error
stays where it is: the process goes on by the one it has, and the complaints are printed here. Runs that
have begun go on by the version they began with. SIGHUP does the same; the complaints are in the log then.`,
		Example: "  postern reload --config postern.yaml",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			result, err := bookReload.ask(cmd.Context(), &at, struct{}{})
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), result, func(out *strings.Builder) {
				fmt.Fprintf(out, "%s\n%s\n", result.Book, result.difference())
			})
		},
	}
	at.flags(cmd)
	return cmd
}

var bookReload = operation[struct{}, reloaded]{name: "book/reload", needs: needsEngine, do: (*house).reloadFor}

func (h *house) reloadFor(ctx context.Context, _ struct{}) (reloaded, error) {
	result, err := h.reloadBook(ctx)
	if err != nil {
		return reloaded{}, fmt.Errorf("the book is not taken over, the one in use stays:\n%w", err)
	}
	return result, nil
}

// reloadBook reads the book again and takes it over if nothing is wrong with it.
func (h *house) reloadBook(ctx context.Context) (reloaded, error) {
	files, err := bookFolder(h.config.Book)
	if err != nil {
		return reloaded{}, err
	}
	book, diags, sources := workflows.Load(files, h.config.bookOptions())
	if book == nil {
		return reloaded{}, complaints{diags, sources}
	}
	if err := h.config.checkHandOvers(book); err != nil {
		return reloaded{}, err
	}
	if err := errors.Join(h.checkPortals(book), h.indexPortals(ctx, book)); err != nil {
		return reloaded{}, err
	}
	before := h.engine.Book()
	if err := h.engine.Reload(ctx, book); err != nil {
		return reloaded{}, err
	}
	result := compareBooks(before, book)
	h.logger.Info("the book was read again", "book", result.Book, "difference", result.difference())
	return result, nil
}

// compareBooks tells what is new in the second of two books.
func compareBooks(before, after *engine.Book) reloaded {
	result := reloaded{Book: bookSummary(after)}
	known := map[string]string{}
	for _, w := range before.Workflows {
		known[w.Name] = w.Version
	}
	for _, w := range after.Workflows {
		switch version, there := known[w.Name]; {
		case !there:
			result.Added = append(result.Added, w.Name)
		case version != w.Version:
			result.Changed = append(result.Changed, w.Name)
		}
		delete(known, w.Name)
	}
	for _, w := range before.Workflows {
		if _, gone := known[w.Name]; gone {
			result.Removed = append(result.Removed, w.Name)
		}
	}
	return result
}

// difference is what is new in a line.
func (r reloaded) difference() string {
	var parts []string
	for _, part := range []struct {
		word  string
		names []string
	}{{"new", r.Added}, {"changed", r.Changed}, {"gone", r.Removed}} {
		if len(part.names) > 0 {
			parts = append(parts, part.word+": "+strings.Join(part.names, ", "))
		}
	}
	if len(parts) == 0 {
		return "no workflow has changed"
	}
	return strings.Join(parts, "; ")
}

// watchBook reads the book again when its files change, if that is asked for, and on SIGHUP. It ends with the context.
func (h *house) watchBook(ctx context.Context) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	taken := h.bookPrint()
	seen := taken
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
			seen = h.bookPrint()
		case <-ticker.C:
			if !h.watching {
				continue
			}
			last := seen
			if seen = h.bookPrint(); seen == taken || seen != last {
				continue // as it was, or still being written
			}
		}
		taken = seen
		if _, err := h.reloadBook(ctx); err != nil && ctx.Err() == nil {
			h.tellBroken(err)
		}
	}
}

// tellBroken logs what is wrong with a book that is not taken over, each complaint on a line of its own.
func (h *house) tellBroken(err error) {
	var wrong complaints
	if !errors.As(err, &wrong) {
		h.logger.Error("the book cannot be read: the one in use stays", "error", err)
		return
	}
	for _, d := range wrong.diags {
		place := fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
		h.logger.Error("the book has a mistake", "at", place, "mistake", d.Message, "hint", d.Hint)
	}
	h.logger.Error("the book is not taken over: the one in use stays", "mistakes", wrong.diags.Errors())
}

// bookPrint changes when a file of the book does: it is a hash of their names, sizes and times of change.
func (h *house) bookPrint() [sha256.Size]byte {
	if h.config.Book == "" {
		return [sha256.Size]byte{} // the shipped book is part of the program
	}
	sum := sha256.New()
	err := fs.WalkDir(os.DirFS(h.config.Book), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			_, _ = fmt.Fprintf(sum, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		_, _ = fmt.Fprintln(sum, err)
	}
	return [sha256.Size]byte(sum.Sum(nil))
}
