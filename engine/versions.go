package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// versions finds workflows by version: a run finishes by the one it began with, even after the book
// was changed.
type versions struct {
	store  VersionStore
	reload func(files map[string]string) (*Workflow, error)

	mu  sync.Mutex
	old map[string]*Workflow
}

// maxOldVersions is how many workflows of former books are kept compiled.
const maxOldVersions = 1000

// errNoVersion is why a run is held: the files of its workflow's version no longer make a workflow.
var errNoVersion = errors.New("its version cannot be used")

// workflow returns the workflow of a version: the current one, or one compiled again from its kept
// files. One that cannot be had is a permanent error.
func (e *Engine) workflow(ctx context.Context, name, version string) (*Workflow, error) {
	if w := e.matcher.Load().byName[name]; w != nil && w.Version == version {
		return w, nil
	}
	return e.versions.find(ctx, name, version)
}

func (v *versions) find(ctx context.Context, name, version string) (*Workflow, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if w := v.old[version]; w != nil {
		return w, nil
	}
	files, err := v.store.Version(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("find version %s of workflow %s: %w", version, name, err)
	}
	w, err := v.reload(files)
	if err != nil {
		return nil, Permanent(fmt.Errorf("version %s of workflow %s no longer compiles: %w; %w",
			version, name, err, errNoVersion))
	}
	if v.old == nil || len(v.old) == maxOldVersions {
		v.old = map[string]*Workflow{} // what is still asked for comes back
	}
	v.old[version] = w
	return w, nil
}
