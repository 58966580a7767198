package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
)

// lock is the file beside the database that says which process has it open. The kernel releases it when the process
// ends, however it ends; the file itself stays.
type lock struct{ file *os.File }

// acquire takes the lock for a database or says which process has it.
func acquire(database string) (*lock, error) {
	file, err := os.OpenFile(database+".lock", os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the database %s is in use by another postern process (%s)", database, holder(file))
		}
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	if err := sign(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	return &lock{file: file}, nil
}

// sign leaves the process id for whoever comes next.
func sign(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func holder(file *os.File) string {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	pid := string(bytes.TrimSpace(text))
	if err != nil || pid == "" {
		return "pid unknown"
	}
	return "pid " + pid
}

// release closes the file, and with it goes the lock. A database in memory has none.
func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
