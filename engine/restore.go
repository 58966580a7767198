package engine

import (
	"context"
	"time"
)

// Restoration is what a store that comes from a backup has to remember.
type Restoration struct {
	At     time.Time // when it was restored; zero: never
	Backup time.Time // when the backup was made
	Skip   uint64    // stream position up to which events start nothing: records only follow them
}

// AfterBackup says what becomes of the events that the stream holds after a backup.
type AfterBackup string

// The choices of postern restore --after-backup.
const (
	AfterBackupRun  AfterBackup = "run"  // they are taken in as any others; what was sent may be sent again
	AfterBackupSkip AfterBackup = "skip" // records follow them, and nothing starts
)

// RestoreOrder tells a store, just copied from a backup and not yet served, how to go on.
type RestoreOrder struct {
	Restoration
	Stream string      // the stream it follows from now on
	Anew   bool        // it is another stream than before: positions begin at 0
	After  AfterBackup // of the events on the stream it followed before
	Used   []ID        // links that somebody acted by after the backup, once for each time
	Revoke bool        // every link of the backup ends: some may have been revoked after it
	Events []*Event    // that the backup saved because the stream may be lost; they are published again
}

// Restored counts what a restoration had to put aside. With skip, what may have been done after the backup
// is not done again by itself.
type Restored struct {
	Held    int // runs that were not over
	Unknown int // deliveries that were planned or being sent
	Uses    int // of links, counted again
	Events  int // to be published again
}

// Archive brings a copy of a store back.
type Archive interface {
	// Restore makes a store that was copied from a backup ready to be served.
	Restore(ctx context.Context, order RestoreOrder) (Restored, error)
	// Restoration tells whether and how the store was restored.
	Restoration(ctx context.Context) (Restoration, error)
}
