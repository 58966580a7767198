package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"postern/engine"
)

// The file of notes: a head with the name of the machine's boot, then for each slot the id of a delivery, the number of
// its try, and when it left in Unix milliseconds.
const (
	noteSlots = 128
	noteBytes = 32
	noteHead  = 64
	noteFile  = noteHead + noteSlots*noteBytes
	noteTry   = 16
	noteTime  = 24
	noteLost  = math.MaxUint32 // instead of a number: nobody knows what left from the slot
)

// notes say of each sender slot which try of which delivery left from it last. They are written to memory that is a
// file, without waiting for a disk: the kernel keeps what a killed process wrote, but not over a restart of the
// machine. The head tells the one from the other.
type notes struct {
	mu     sync.Mutex
	file   []byte // as it is in memory; nil once closed
	mapped bool   // it is a file, and not only memory
}

// passingNotes are those of a database in memory, and gone with it.
func passingNotes() *notes { return &notes{file: make([]byte, noteFile)} }

// bootID names the time since the machine was started; "" where the system does not tell.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(id))
}

// notesBeside opens the notes that belong to a database.
func notesBeside(ctx context.Context, path string, db *sql.DB) (*notes, error) {
	var list string
	const held = "SELECT json_group_array(slot) FROM deliveries WHERE state = 'sending'"
	if err := db.QueryRowContext(ctx, held).Scan(&list); err != nil {
		return nil, fmt.Errorf("find the slots that are held: %w", err)
	}
	var slots []int
	if err := (document{&slots}).Scan(list); err != nil {
		return nil, fmt.Errorf("find the slots that are held: %w", err)
	}
	return openNotes(path+"-slots", bootID(), slots)
}

// openNotes opens or makes the file. Notes of another boot, or of one without a name, are lost: what left from the
// slots that are held is then not known.
func openNotes(path, boot string, held []int) (*notes, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, fmt.Errorf("open the notes of the slots: %w", err)
	}
	defer file.Close()
	if err := renew(file, boot, held); err != nil {
		return nil, fmt.Errorf("read the notes of the slots: %w", err)
	}
	mapped, err := syscall.Mmap(int(file.Fd()), 0, noteFile, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the notes of the slots into memory: %w", err)
	}
	return &notes{file: mapped, mapped: true}, nil
}

// renew begins the notes anew unless they are of this boot. The head is written last: whoever is stopped before leaves
// a head that says nothing of this boot.
func renew(file *os.File, boot string, held []int) error {
	all := make([]byte, noteFile)
	copy(all[:noteHead], boot)
	has := make([]byte, noteFile)
	_, err := file.ReadAt(has, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err == nil && boot != "" && bytes.Equal(has[:noteHead], all[:noteHead]) {
		return nil
	}
	for _, slot := range held {
		if slot >= 1 && slot <= noteSlots {
			binary.LittleEndian.PutUint32(noteOf(all, slot)[noteTry:], noteLost)
		}
	}
	if _, err := file.WriteAt(all[noteHead:], noteHead); err != nil {
		return err
	}
	_, err = file.WriteAt(all[:noteHead], 0)
	return err
}

// noteOf is the place of a slot's note, counted from 1.
func noteOf(file []byte, slot int) []byte {
	at := noteHead + (slot-1)*noteBytes
	return file[at : at+noteBytes]
}

// leave notes a try. When it returns, the whole note is in the file; one that was being written when the process ended
// is of a try that did not leave, whatever it says. What cannot be noted any more must not leave: on closed notes the
// goroutine of the caller ends here.
func (n *notes) leave(slot int, delivery engine.ID, attempt int, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.file == nil {
		runtime.Goexit()
	}
	note := noteOf(n.file, slot)
	copy(note, delivery[:])
	binary.LittleEndian.PutUint32(note[noteTry:], uint32(attempt))
	binary.LittleEndian.PutUint64(note[noteTime:], uint64(at.UnixMilli()))
}

// left tells whether a try may have left of a delivery that got its slot at a time. A note from after that time is not
// of the slot's last holder: the database is an older copy of the one that these notes belong to.
func (n *notes) left(slot int, delivery engine.ID, attempt int, held time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.file == nil || slot < 1 || slot > noteSlots {
		return true
	}
	note := noteOf(n.file, slot)
	number := binary.LittleEndian.Uint32(note[noteTry:])
	at := int64(binary.LittleEndian.Uint64(note[noteTime:]))
	noted := bytes.HasPrefix(note, delivery[:]) && int64(number) == int64(attempt)
	return noted || number == noteLost || at > held.UnixMilli()
}

// close gives the memory back; the file stays.
func (n *notes) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	file := n.file
	n.file = nil
	if !n.mapped {
		return nil
	}
	return syscall.Munmap(file)
}
