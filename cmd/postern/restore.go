package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/keys"
	"postern/internal/nats"
	"postern/internal/store"
)

func restoreCommand() *cobra.Command {
	var s site
	var after string
	var revoke bool
	cmd := &cobra.Command{
		Use:   "restore FOLDER",
		Short: "Bring the data back from a backup",
		Long: `Restore puts the database of a backup in the place of the one in the data folder, which is kept under
another name. Nothing is sent by it, and nothing runs before you start Postern again.

If the event stream is still there, it holds events that came after the backup. You choose what becomes of
them. With run they are taken in as any others: workflows that had run by then run again, so that mails may be
sent a second time. With skip the records follow them and nothing starts; runs that were under way and
messages that had not been sent when the backup was made are put aside for you to look at.

What people did by links after the backup is counted again, so that no link can be used more often than it
may. Links that were sent after it answer that they have expired. Links that were revoked after it would open
again: --revoke-links ends every link of the backup for good.`,
		Example: `  postern restore -c postern.yaml --after-backup=skip /backup/postern-2026-11-25`,
		Args:    oneFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch engine.AfterBackup(after) {
			case "", engine.AfterBackupRun, engine.AfterBackupSkip:
			default:
				return fmt.Errorf("--after-backup is %q; it is run or skip", after)
			}
			if err := s.load(cmd); err != nil {
				return err
			}
			r := restoration{
				config: s.config, folder: args[0], after: engine.AfterBackup(after), revoke: revoke,
				logger: newLogger(s.log, s.config.Log, slog.LevelWarn),
			}
			if err := r.run(cmd.Context()); err != nil {
				return err
			}
			return r.tell(cmd.OutOrStdout(), s.json)
		},
	}
	s.flags(cmd)
	cmd.Flags().BoolVar(&revoke, "revoke-links", false,
		"end every link of the backup: some may have been revoked since")
	cmd.Flags().StringVar(&after, "after-backup", "", "what becomes of events that came after the backup: run or skip")
	return cmd
}

// restoration is one restore on its way.
type restoration struct {
	config config
	folder string
	after  engine.AfterBackup
	revoke bool
	logger *slog.Logger

	note  backup
	since since
	kept  string // where the former database is; "" for there was none
	done  engine.Restored
}

// since is what the stream holds after the backup.
type since struct {
	Stream string
	Last   uint64
	Anew   bool        // it is another stream
	Events int         // events of records
	Used   []engine.ID // links that somebody acted by, once for each time

	told map[string]bool // events that told so
}

func (r *restoration) run(ctx context.Context) error {
	if err := errors.Join(r.check(), r.checkServed(ctx)); err != nil {
		return err
	}
	bus, err := nats.Open(ctx, r.config.NATS, filepath.Join(r.config.Data, "stream"), r.logger)
	if err != nil {
		return err
	}
	defer bus.Close()
	if r.since, err = r.look(ctx, bus); err != nil {
		return err
	}
	if r.since.Events > 0 && r.after == "" {
		return fmt.Errorf("%s came after this backup of %s; say with --after-backup what becomes of them:\n"+
			"  run    they are taken in as any others: what was sent since may be sent a second time\n"+
			"  skip   records follow them, nothing starts, and what was under way is put aside for you\n"+
			"nothing has been changed", counted(r.since.Events, "event"), r.note.At.Format(time.RFC3339))
	}
	if err := r.checkServed(ctx); err != nil { // it may have been started meanwhile
		return err
	}
	restored := r.config.database() + ".restored"
	if err := r.bring(ctx, restored); err != nil {
		return err
	}
	if err := r.place(restored); err != nil {
		return err
	}
	return discard(restored)
}

// check sees that the backup is whole and that its key is here.
func (r *restoration) check() error {
	text, err := os.ReadFile(filepath.Join(r.folder, backupNote))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(r.folder); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no folder %s", r.folder)
		}
		return fmt.Errorf("%s is no whole backup: it has no %s", r.folder, backupNote)
	}
	if err == nil {
		err = json.Unmarshal(text, &r.note)
	}
	if err != nil {
		return fmt.Errorf("read the note of the backup: %w", err)
	}
	for name, want := range r.note.Sums {
		switch got, err := sumOf(filepath.Join(r.folder, name)); {
		case err != nil:
			return fmt.Errorf("read the backup: %w", err)
		case got != want:
			return fmt.Errorf("%s of the backup is damaged: its SHA-256 is not the one that was noted", name)
		}
	}
	if err := os.MkdirAll(r.config.Data, 0o700); err != nil {
		return fmt.Errorf("open data folder: %w", err)
	}
	if _, err := keys.Open(r.config.keyFile()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is missing: put it there from its copy first; without it no link of the backup opens",
				filepath.Join(r.config.Data, "root.key"))
		}
		return err
	}
	return nil
}

// look finds out what the stream holds after the backup.
func (r *restoration) look(ctx context.Context, bus engine.Bus) (since, error) {
	at, err := bus.Position(ctx)
	if err != nil {
		return since{}, err
	}
	s := since{Stream: at.Stream, Last: at.Last, Anew: at.Stream != r.note.Stream}
	if s.Anew {
		return s, nil
	}
	err = readTo(ctx, bus, min(r.note.cursor(), r.note.Before), s.Last, func(entry engine.Entry) error {
		s.add(entry, &r.note)
		return nil
	})
	if err == nil {
		r.lookBack(ctx, &s)
	}
	return s, err
}

// lookBack adds what the database that is there now had not told the stream yet. One that cannot be read, which may be
// why it is replaced, tells nothing.
func (r *restoration) lookBack(ctx context.Context, s *since) {
	events, err := store.OutgoingOf(ctx, r.config.database())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		r.logger.WarnContext(ctx, "the present database does not tell of uses of links that the stream lacks",
			"error", err)
		return
	}
	for _, event := range events {
		s.use(event)
	}
}

// add counts an entry. A use of a link that was told while the database was copied may or may not be in the copy, and
// is counted: a link may then be used once less, never once more.
func (s *since) add(entry engine.Entry, note *backup) {
	at, err := engine.ParseAddress(entry.Subject)
	if err != nil {
		return
	}
	event, err := engine.DecodeEvent(at, entry.Header, entry.Data)
	if err != nil {
		return
	}
	switch {
	case event.IsRecord() && event.Source != engine.Source:
		if !note.taken(entry) {
			s.Events++
		}
	case entry.Seq > note.Before:
		s.use(event)
	}
}

// use counts the use of a link, if an event tells one, once for each event.
func (s *since) use(event *engine.Event) {
	if event.Type != engine.LinkUsed || s.told[event.ID] {
		return
	}
	var used struct {
		Link engine.ID `json:"link"`
	}
	if json.Unmarshal(event.Data, &used) != nil {
		return
	}
	if s.told == nil {
		s.told = map[string]bool{}
	}
	s.told[event.ID] = true
	s.Used = append(s.Used, used.Link)
}

// checkServed refuses a folder that a process serves.
func (r *restoration) checkServed(ctx context.Context) error {
	if !isServed(r.config) {
		return nil
	}
	if err := callControl(ctx, r.config.Data, "/", struct{}{}, nil); !errors.Is(err, errNotRunning) {
		return errors.New("a postern process serves this data folder: stop it first")
	}
	return nil
}

// The files beside a database that belong to it.
var besideDatabase = []string{"-wal", "-shm", "-slots"}

// place puts the restored database where it is served, and what is there aside. At no time is there none: serving
// would begin a new one.
func (r *restoration) place(restored string) error {
	database := r.config.database()
	if _, err := os.Stat(database); err == nil {
		r.kept = database + ".before-" + r.note.At.Format("20060102T150405") + "-" +
			engine.SystemClock{}.Now().Format("20060102T150405")
		for _, suffix := range besideDatabase {
			if err := os.Rename(database+suffix, r.kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("put the present database aside: %w", err)
			}
		}
		if err := os.Link(database, r.kept); err != nil {
			return fmt.Errorf("put the present database aside: %w", err)
		}
	}
	if err := os.Rename(restored, database); err != nil {
		return fmt.Errorf("put the restored database in its place: %w", err)
	}
	return nil
}

// discard removes what an earlier restoration left that did not come to its end.
func discard(database string) error {
	for _, suffix := range append([]string{"", ".lock"}, besideDatabase...) {
		if err := os.Remove(database + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what an earlier restoration left: %w", err)
		}
	}
	return nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// bring makes a copy of the database that is ready to be served. It lies beside the place where that is done: one that
// is not ready would be served as if nothing had happened since the backup.
func (r *restoration) bring(ctx context.Context, to string) error {
	if err := discard(to); err != nil {
		return err
	}
	if err := copyFile(filepath.Join(r.folder, backupDatabase), to); err != nil {
		return err
	}
	order := engine.RestoreOrder{
		Restoration: engine.Restoration{At: engine.SystemClock{}.Now(), Backup: r.note.At},
		Stream:      r.since.Stream, Anew: r.since.Anew, After: r.after, Used: r.since.Used,
		Revoke: r.revoke,
	}
	if r.after == engine.AfterBackupSkip {
		order.Skip = r.since.Last
	}
	var err error
	if r.since.Anew {
		if order.Events, err = savedEvents(filepath.Join(r.folder, backupEvents)); err != nil {
			return err
		}
	}
	s, err := store.Open(ctx, to, engine.SystemClock{}, r.logger)
	if err != nil {
		return err
	}
	r.done, err = s.Restore(ctx, order)
	return errors.Join(err, s.Close())
}

// savedEvents reads what the backup saved of the stream. What was no event then is none now.
func savedEvents(path string) ([]*engine.Event, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the saved events: %w", err)
	}
	defer file.Close()
	var events []*engine.Event
	decoder := json.NewDecoder(bufio.NewReader(file))
	for {
		var saved savedEntry
		err := decoder.Decode(&saved)
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the saved events: %w", err)
		}
		at, err := engine.ParseAddress(saved.Subject)
		if err != nil {
			continue
		}
		header := func(name string) string { return saved.Header[name] }
		if event, err := engine.DecodeEvent(at, header, saved.Data); err == nil {
			events = append(events, event)
		}
	}
}

func (r *restoration) tell(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{
			"backup": r.note.At, "former_database": r.kept, "same_stream": !r.since.Anew,
			"events_after": r.since.Events, "held_runs": r.done.Held, "unknown_deliveries": r.done.Unknown,
			"uses_counted": r.done.Uses, "events_published_again": r.done.Events, "links_revoked": r.revoke,
		})
	}
	stream := "the same; " + counted(r.since.Events, "event") + " came after the backup"
	if r.since.Anew {
		stream = "another; " + counted(r.done.Events, "event") + " of the backup will be published again"
	}
	former := r.kept
	if former == "" {
		former = "none"
	}
	_, err := fmt.Fprintf(out, "restored from the backup of %s\n\nformer database  %s\nevent stream     %s\n"+
		"put aside        %s, %s\nuses of links    %d counted again\n\n%s\n",
		r.note.At.Format(time.RFC3339), former, stream, counted(r.done.Held, "run"),
		counted(r.done.Unknown, "message"), r.done.Uses, r.next())
	return err
}

// next says what is to be done now.
func (r *restoration) next() string {
	start := "start it with `postern serve`"
	if r.done.Held+r.done.Unknown > 0 {
		start += "; what was put aside is in `postern runs ls --state held` and `postern deliveries ls`"
	}
	if r.revoke {
		return start + "\nno link of the backup opens any more"
	}
	before := r.note.At.UTC().Truncate(time.Second).Add(time.Second)
	return start + "\nlinks that were revoked after the backup open again; " +
		"to end all links that were made before it:\n" +
		"  postern link revoke --yes --reason \"restored\" --before " + before.Format(time.RFC3339)
}
