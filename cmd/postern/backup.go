package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"postern/internal/nats"
	"postern/internal/store"
)

// The files of a backup.
const (
	backupDatabase = "postern.db"
	backupEvents   = "events.jsonl" // what the stream held and the database had not taken in
	backupNote     = "backup.json"
)

// backup is the note of what a backup holds.
type backup struct {
	Version string            `json:"version"` // of the program that made it
	At      time.Time         `json:"at"`
	Schema  int               `json:"schema"`  // version of the database's tables
	Stream  string            `json:"stream"`  // the event stream that the database followed
	Cursors map[int]uint64    `json:"cursors"` // positions up to which the partitions had taken it in
	Before  uint64            `json:"before"`  // its last position before the database was copied
	Last    uint64            `json:"last"`    // and after
	Events  int               `json:"events"`  // in the file beside
	Sums    map[string]string `json:"sha256"`  // of the files, in hexadecimal digits
}

// savedEntry is a message of the stream in a backup.
type savedEntry struct {
	Seq     uint64            `json:"seq"`
	Subject string            `json:"subject"`
	Header  map[string]string `json:"header,omitempty"`
	Data    []byte            `json:"data"`
}

func backupCommand() *cobra.Command {
	var s site
	cmd := &cobra.Command{
		Use:   "backup FOLDER",
		Short: "Copy the data into a folder, while Postern runs",
		Long: `Backup writes a copy of the database as it is at one moment, and the events that it had not taken in
yet, into a new folder. Postern may go on meanwhile. The key file is left out on purpose: keep one copy of
it elsewhere, for the two together open every link.`,
		Example: `  postern backup -c postern.yaml /backup/postern-2026-11-25`,
		Args:    oneFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(cmd); err != nil {
				return err
			}
			logger := newLogger(s.log, s.config.Log, slog.LevelWarn)
			note, warning, err := makeBackup(cmd.Context(), s.config, args[0], logger)
			if err != nil {
				return err
			}
			return tellBackup(cmd, s.json, args[0], note, warning)
		},
	}
	s.flags(cmd)
	return cmd
}

// oneFolder lets a command have one folder and nothing else.
func oneFolder(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("name a folder, such as `%s /backup/postern-2026-11-25`", cmd.CommandPath())
	}
	return oneArgument("folder")(cmd, args)
}

func tellBackup(cmd *cobra.Command, asJSON bool, folder string, note backup, warning string) error {
	if warning != "" {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "postern: %s\n", warning)
	}
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(note)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n"+
		"database  as of %s, tables version %d\n"+
		"events    %d not taken in yet\n"+
		"key file  not in it: keep a copy of root.key elsewhere\n",
		folder, note.At.Format(time.RFC3339), note.Schema, note.Events)
	return err
}

// makeBackup writes the files and then the note, by which a whole backup is known. The warning says what could not be
// saved and when that matters.
func makeBackup(ctx context.Context, c config, folder string, logger *slog.Logger) (backup, string, error) {
	note := backup{Version: version, At: engine.SystemClock{}.Now().Truncate(time.Second), Sums: map[string]string{}}
	if _, err := os.Stat(c.database()); errors.Is(err, fs.ErrNotExist) {
		return note, "", fmt.Errorf("there is no data in the folder %s: "+
			"name another folder with --data or --config", c.Data)
	}
	switch err := os.Mkdir(folder, 0o700); {
	case errors.Is(err, fs.ErrExist):
		return note, "", fmt.Errorf("%s is there already: a backup goes into a new folder", folder)
	case err != nil:
		return note, "", fmt.Errorf("make the folder of the backup: %w", err)
	}
	bus, cause := backupBus(ctx, c, logger)
	if cause == nil {
		defer bus.Close()
		at, err := bus.Position(ctx)
		if err != nil {
			return note, "", fmt.Errorf("find the event stream: %w", err)
		}
		note.Before = at.Last
	}
	database := filepath.Join(folder, backupDatabase)
	if err := store.Copy(ctx, c.database(), database); err != nil {
		return note, "", err
	}
	position, err := store.PositionOf(ctx, database)
	if err != nil {
		return note, "", err
	}
	note.Schema, note.Stream, note.Cursors = position.Schema, position.Stream, position.Cursors
	warning := ""
	if cause != nil {
		warning = fmt.Sprintf("the events that were not taken in yet are not in this backup (%v); "+
			"it matters only if the event stream is lost as well", cause)
		note.Before = note.highest()
	}
	events := filepath.Join(folder, backupEvents)
	if err := saveEvents(ctx, bus, events, &note); err != nil {
		return note, "", err
	}
	for _, path := range []string{database, events} {
		if note.Sums[filepath.Base(path)], err = sumOf(path); err != nil {
			return note, "", fmt.Errorf("sum up the backup: %w", err)
		}
	}
	text, err := json.MarshalIndent(note, "", "  ")
	if err != nil {
		return note, "", err
	}
	return note, warning, os.WriteFile(filepath.Join(folder, backupNote), append(text, '\n'), 0o600)
}

// taken tells whether an entry had been taken in. What has no address is of partition 0, as for the engine.
func (b *backup) taken(entry engine.Entry) bool {
	at, _ := engine.ParseAddress(entry.Subject)
	return entry.Seq <= b.Cursors[at.Partition()]
}

// cursor is the position up to which every partition had taken the stream in.
func (b *backup) cursor() uint64 {
	least := b.Last
	for _, cursor := range b.Cursors {
		least = min(least, cursor)
	}
	return least
}

// highest is the position up to which some partition had taken the stream in: what was published after the database
// was copied stands behind it.
func (b *backup) highest() (most uint64) {
	for _, cursor := range b.Cursors {
		most = max(most, cursor)
	}
	return most
}

// saveEvents writes what the stream holds after the database's cursors; nothing if there is no bus.
func saveEvents(ctx context.Context, bus *nats.Bus, path string, note *backup) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("save events: %w", err)
	}
	defer func() { err = errors.Join(err, file.Sync(), file.Close()) }()
	if bus == nil {
		return nil
	}
	at, err := bus.Position(ctx)
	if err != nil {
		return fmt.Errorf("save events: %w", err)
	}
	if note.Last = at.Last; at.Stream != note.Stream {
		return nil // nothing of this stream was ever taken in
	}
	out := bufio.NewWriter(file)
	err = saveAfter(ctx, bus, note, out)
	return errors.Join(err, out.Flush())
}

// backupBus reaches the stream: of the running process, or of the folder where none runs.
func backupBus(ctx context.Context, c config, logger *slog.Logger) (*nats.Bus, error) {
	broker, err := brokerOf(c, "")
	if err == nil {
		var bus *nats.Bus
		if bus, err = nats.Watch(broker, logger); err == nil {
			return bus, nil
		}
	}
	if c.NATS.URL != "" || isServed(c) {
		return nil, err
	}
	c.NATS.Listen = "off"
	return nats.Open(ctx, c.NATS, filepath.Join(c.Data, "stream"), logger)
}

// isServed tells whether a process serves the data folder.
func isServed(c config) bool {
	path, err := controlPath(c.Data)
	if err != nil {
		return false
	}
	_, err = os.Stat(path)
	return err == nil
}

// saveAfter writes the entries that had not been taken in.
func saveAfter(ctx context.Context, bus engine.Bus, note *backup, out io.Writer) error {
	encoder := json.NewEncoder(out)
	return readTo(ctx, bus, note.cursor(), note.Last, func(entry engine.Entry) error {
		if note.taken(entry) {
			return nil
		}
		note.Events++
		return encoder.Encode(savedOf(entry))
	})
}

// readTo calls take with the entries after one position, up to another.
func readTo(ctx context.Context, bus engine.Bus, after, last uint64, take func(engine.Entry) error) error {
	if after >= last {
		return nil
	}
	err := bus.Read(ctx, after, emitBatch, func(_ context.Context, entries []engine.Entry) error {
		for _, entry := range entries {
			if entry.Seq > last {
				return errEnough
			}
			if err := take(entry); err != nil {
				return err
			}
			if entry.Seq == last {
				return errEnough
			}
		}
		return nil
	})
	if err == nil || errors.Is(err, errEnough) {
		return nil
	}
	return fmt.Errorf("read the event stream: %w", err)
}

func savedOf(entry engine.Entry) savedEntry {
	saved := savedEntry{Seq: entry.Seq, Subject: entry.Subject, Data: entry.Data, Header: map[string]string{}}
	for _, name := range engine.AttributeHeaders() {
		if value := entry.Header(name); value != "" {
			saved.Header[name] = value
		}
	}
	return saved
}

// sumOf is the SHA-256 of a file.
func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
