package store

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"postern/engine"
)

// What the notes say after the file was opened again, of a delivery that left and of one that did not.
func TestNotes(t *testing.T) {
	id, other := testRun(1).ID, testRun(2).ID
	held := testNow
	for name, c := range map[string]struct {
		boots [2]string // before and after
		spoil func(path string) error
		lost  bool
	}{
		"the same boot":           {boots: [2]string{"a", "a"}},
		"the machine restarted":   {boots: [2]string{"a", "b"}, lost: true},
		"no boot has a name":      {boots: [2]string{"", ""}, lost: true},
		"the file is cut":         {[2]string{"a", "a"}, func(path string) error { return os.Truncate(path, 99) }, true},
		"the file is gone":        {[2]string{"a", "a"}, os.Remove, true},
		"the file was never made": {[2]string{"a", "a"}, func(path string) error { return os.Truncate(path, 0) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "slots")
			var all []int
			for slot := range noteSlots + 2 { // no notes can be had of the first and of the last
				all = append(all, slot)
			}
			n := notesAt(t, path, c.boots[0], all...)
			for slot := 1; slot <= noteSlots; slot++ {
				n.leave(slot, other, slot, held)
			}
			n.leave(noteSlots, id, 3, held.Add(time.Second))
			if err := n.close(); err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				if err := c.spoil(path); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // notes that are lost stay so over a further start
				n = notesAt(t, path, c.boots[1], all...)
				for slot, attempt := range map[int]int{1: 1, 7: 2, noteSlots: 4} {
					if left := n.left(slot, id, attempt, held); slot < noteSlots && left != c.lost {
						t.Errorf("slot %d, left by another: may have left %v, want %v", slot, left, c.lost)
					}
				}
				if !n.left(noteSlots, id, 3, held) {
					t.Error("a try that left is said to be kept")
				}
				if err := n.close(); err != nil {
					t.Fatal(err)
				}
			}
			n = notesAt(t, path, c.boots[1], all...)
			n.leave(5, other, 1, held)
			if n.left(5, id, 1, held) {
				t.Error("a slot that was used again is still lost")
			}
			for _, slot := range []int{-1, 0, noteSlots + 1} {
				if !n.left(slot, id, 1, held) {
					t.Errorf("slot %d, which is none, says that something did not leave", slot)
				}
			}
		})
	}
}

func notesAt(t *testing.T, path, boot string, held ...int) *notes {
	t.Helper()
	n, err := openNotes(path, boot, held)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Whoever still sends while the store closes does not get to it.
func TestNothingLeavesAClosedStore(t *testing.T) {
	s := fresh(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var left bool
	var sender sync.WaitGroup
	sender.Go(func() {
		s.Leaving(1, testRun(1).ID, 1)
		left = true
	})
	sender.Wait()
	if left {
		t.Error("a delivery left that nobody can note")
	}
}

func TestNotesThatCannotBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.db")
	if err := os.Mkdir(path+"-slots", 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Open(t.Context(), path, engine.SystemClock{}, slog.New(slog.DiscardHandler)); err == nil {
			t.Fatal("opened a store without notes")
		}
	}
	if err := os.Remove(path + "-slots"); err != nil {
		t.Fatal(err)
	}
	at(t, path)
}

// sendUntilKilled holds two deliveries, lets one leave, says so, and then does nothing more.
func sendUntilKilled(ctx context.Context, path string) error {
	s, err := Open(ctx, path, engine.SystemClock{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	partitions, err := s.Claim(ctx, "one", "EVENTS", testNow)
	if err != nil {
		return err
	}
	run := testRun(1)
	if _, err := s.Intake(ctx, engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		return err
	}
	step := testStep(run, engine.Fence{Partition: run.Partition, Epoch: partitions[run.Partition].Epoch})
	for i, d := range step.Deliveries {
		d.Slot = i + 1
	}
	if err := s.Advance(ctx, step); err != nil {
		return err
	}
	s.Leaving(1, step.Deliveries[0].ID, 1)
	fmt.Println("left")
	<-ctx.Done()
	return nil
}

// A killed process says which of its deliveries had left; a database from before it does not believe it.
func TestKilledSender(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.db")
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path, childSends+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "left" {
		t.Fatalf("the other process says %q", lines.Text())
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()

	s := at(t, path)
	expectKept(t, s, false, true)
	// As if the database was put back from before: its slots have been used since.
	for slot := 1; slot <= 2; slot++ {
		s.Leaving(slot, testRun(9).ID, 1)
	}
	expectKept(t, s, false, false)
}

// expectKept compares which of the orphans, by slot, are known not to have left.
func expectKept(t *testing.T, s *Store, want ...bool) {
	t.Helper()
	orphans, err := s.Orphans(t.Context())
	if err != nil || len(orphans) != len(want) {
		t.Fatalf("%d orphans, %v; want %d", len(orphans), err, len(want))
	}
	for i, orphan := range orphans {
		if orphan.Kept != want[i] {
			t.Errorf("the delivery in slot %d is kept: %v, want %v", orphan.Delivery.Slot, orphan.Kept, want[i])
		}
	}
}
