package store

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"postern/engine"
)

// The environment variables that make this test program the other process of TestKilledProcess, or the one of
// TestKilledSender.
const (
	childPath  = "POSTERN_TEST_STORE"
	childSends = "POSTERN_TEST_STORE_SENDS"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		work := takeInForever
		if os.Getenv(childSends) != "" {
			work = sendUntilKilled
		}
		if err := work(context.Background(), path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// takeInForever takes in one run after another and prints the number of each that is stored.
func takeInForever(ctx context.Context, path string) error {
	s, err := Open(ctx, path, engine.SystemClock{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	for seq := uint64(1); ; seq++ {
		if _, err := s.Intake(ctx, engine.Intake{Runs: []*engine.Run{testRun(seq)}}); err != nil {
			return err
		}
		fmt.Println(seq)
	}
}

// The other process holds the database, is killed in the middle of its work, and has lost nothing that it told.
func TestKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.db")
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	told := 0
	for told < 100 && lines.Scan() {
		if told, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatalf("the other process says %q", lines.Text())
		}
	}
	_, err = Open(t.Context(), path, engine.SystemClock{}, slog.New(slog.DiscardHandler))
	want := fmt.Sprintf("the database %s is in use by another postern process (pid %d)", path, child.Process.Pid)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("opened beside another process: %v\nwant: %s", err, want)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			told = n
		}
	}
	_ = child.Wait()

	runs, err := at(t, path).Unfinished(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if told < 100 || len(runs) < told || len(runs) > told+1 {
		t.Errorf("%d runs were told to be stored, %d are", told, len(runs))
	}
}

func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.db")
	ctx, now := t.Context(), testNow
	s := at(t, path)
	claimed, err := s.Claim(ctx, "one", "EVENTS", now)
	if err != nil {
		t.Fatal(err)
	}
	fence := engine.Fence{Partition: 1, Epoch: claimed[1].Epoch}
	run := testRun(1)
	dead := engine.DeadLetter{ID: run.ID, Seq: 9, Subject: "crm.x", Reason: "no JSON", At: now}
	_, err = s.Intake(ctx, engine.Intake{
		Marks:   []engine.Mark{{Fence: fence, Cursor: 77}},
		Runs:    []*engine.Run{run},
		Refused: []engine.DeadLetter{dead},
	})
	if err != nil {
		t.Fatal(err)
	}
	sending, planned := testDelivery(run, "sending"), testDelivery(run, "planned")
	sending.State, sending.Slot = engine.DeliverySending, 3
	err = s.Advance(ctx, engine.Advance{
		Fence: fence, Run: run, Deliveries: []*engine.Delivery{sending, planned}, Events: []*engine.Event{run.Event},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = at(t, path)
	select {
	case <-s.Waiting():
	default:
		t.Error("nobody is told of the events that were left in the outbox")
	}
	again, err := s.Claim(ctx, "two", "EVENTS", now)
	if err != nil || again[1] != (engine.Partition{ID: 1, Owner: "two", Epoch: fence.Epoch + 1, Cursor: 77}) {
		t.Errorf("after the restart: %+v, %v", again[1], err)
	}
	runs, err := s.Unfinished(ctx)
	if err != nil || len(runs) != 1 || runs[0].ID != run.ID {
		t.Errorf("unfinished runs after the restart: %v, %v", runs, err)
	}
	orphans, err := s.Orphans(ctx)
	if err != nil || len(orphans) != 1 || orphans[0].Delivery.ID != sending.ID {
		t.Errorf("orphans after the restart: %v, %v", orphans, err)
	}
	expectRow(t, s, `SELECT count(*) || state FROM deliveries WHERE slot = 0`, "1planned")
	expectRow(t, s, `SELECT subject || ': ' || reason FROM dead_letters WHERE seq = 9`, "crm.x: no JSON")
	expectRow(t, s, `SELECT count(*) FROM deliveries WHERE instr(recipient || masked || links || history, 'zoe')`, "0")
}

func expectRow(t *testing.T, s *Store, query, want string) {
	t.Helper()
	var got string
	if err := s.reads.get(t.Context(), query, nil, []any{&got}); err != nil || got != want {
		t.Errorf("%s\ngot  %q, %v\nwant %q", query, got, err, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change string // of a sound database; "" for a file that is none
		want   string
	}{
		"another number of partitions": {
			"UPDATE meta SET value = '32' WHERE name = 'partitions'", "32 partitions",
		},
		"tables of a newer program": {
			"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)", "newer postern",
		},
		"a file that is no database": {"", "not a database"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "postern.db")
			if c.change == "" {
				if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 99)), 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				spoil(t, path, c.change)
			}
			for range 2 { // the second time shows that the first gave the lock back
				s, err := Open(t.Context(), path, engine.SystemClock{}, slog.New(slog.DiscardHandler))
				if err == nil {
					s.Close()
				}
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q in it", err, c.want)
				}
			}
		})
	}
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "none", "x.db"), engine.SystemClock{}, nil); err == nil {
		t.Error("opened a database in a folder that is not there")
	}
}

// spoil makes a database and changes it behind the store's back.
func spoil(t *testing.T, path, change string) {
	t.Helper()
	if err := at(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(change); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "odd ü%20?#&name")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s := at(t, filepath.Join(folder, "postern.db"))
	if _, err := s.Claim(t.Context(), "one", "EVENTS", testNow); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 5 { // the database, its lock, its log and the log's index, and the notes of the slots
		t.Fatalf("files: %v, %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

// The settings that durability rests on, as the connections really have them.
func TestConnections(t *testing.T) {
	s := fresh(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := s.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("writer: %s is %s, %v; want %s", pragma, got, err, want)
		}
	}
	if _, err := s.reading.ExecContext(t.Context(), "DELETE FROM runs"); err == nil {
		t.Error("a connection for reading deleted rows")
	}
}

// What runs often, or over tables that only grow, must find its rows by an index.
func TestQueriesUseTheirIndex(t *testing.T) {
	s := fresh(t)
	for query, want := range map[string]string{
		unfinishedRuns: "runs_unfinished", dueDeliveries: "deliveries_due (channel=? AND due<?)",
		earliestDue: "deliveries_due (channel=?)", overDeliveries: "deliveries_until (channel=? AND until<?)",
		earliestOver: "deliveries_until (channel=?)", nextChannel: "COVERING INDEX deliveries_",
		heldDeliveries: "deliveries_sending", deliveryByProvider: "deliveries_provider (provider_id=? AND channel=?)", dueWaits: "waits_due", nextWait: "waits_due",
		touchWaits: "waits_topic (topic=?)", awaitedTopic: "COVERING INDEX waits_topic", dueEffects: "effects_due",
		nextEffect: "effects_due", effectsOfRun: "effects_run", followingEffect: "effects_open (module=? AND record=?)",
	} {
		var plan []string
		err := s.reads.each(t.Context(), "EXPLAIN QUERY PLAN "+query, []any{"[]", "[]", 1, "[]", 1}[:parameters(query)],
			func(row scan) error {
				var detail string
				var n int
				err := row(&n, &n, &n, &detail)
				plan = append(plan, detail)
				return err
			})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(plan, "; ")
		if !strings.Contains(text, want) || strings.Contains(text, "TEMP B-TREE FOR ORDER") {
			t.Errorf("plan of %s\n%s\nwant index %s and no sorting", query, text, want)
		}
	}
}

// parameters is how many values a query wants.
func parameters(query string) int {
	if !strings.Contains(query, "?1") {
		return strings.Count(query, "?")
	}
	n := 1
	for strings.Contains(query, fmt.Sprint("?", n+1)) {
		n++
	}
	return n
}
