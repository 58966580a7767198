package engine

import (
	"context"
	"fmt"
)

// Reload puts another book in the place of the one in use, at once and whole. Events that are being taken in go by the
// one or the other; runs go on by the version that they began with, and so do messages and links. On an error the book
// in use stays.
func (e *Engine) Reload(ctx context.Context, book *Book) error {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	if err := e.keepVersions(ctx, book, e.Book()); err != nil {
		return fmt.Errorf("take the new book: %w", err)
	}
	m := newMatcher(book)
	m.watch = e.Watch
	e.matcher.Store(m)
	nudge(e.timetable.tick) // its schedules may be others
	return nil
}

// keepVersions stores the files of everything in a book that runs and links will ask for by version, but for what
// another book, whose versions are kept, has as well.
func (e *Engine) keepVersions(ctx context.Context, book, known *Book) error {
	kept := map[string]bool{}
	if known != nil {
		for _, w := range known.Workflows {
			kept[w.Version] = true
		}
		for _, l := range known.Landings {
			kept[l.Version] = true
		}
	}
	for _, w := range book.Workflows {
		if kept[w.Version] {
			continue
		}
		if err := e.Store.KeepVersion(ctx, w.Version, w.Files, e.Clock.Now()); err != nil {
			return fmt.Errorf("keep version of workflow %s: %w", w.Name, err)
		}
	}
	for _, l := range book.Landings {
		if kept[l.Version] {
			continue
		}
		if err := e.Store.KeepVersion(ctx, l.Version, l.Files, e.Clock.Now()); err != nil {
			return fmt.Errorf("keep version of landing %s: %w", l.Name, err)
		}
	}
	return nil
}

// modulesFor are the modules that an environment speaks of: those of the version that the run began with.
func (e *Engine) modulesFor(env *Env) map[string]*Module {
	if env.Modules != nil {
		return env.Modules
	}
	return e.Book().Modules
}
