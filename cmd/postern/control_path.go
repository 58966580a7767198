package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// longestSocket is how long the path of a Unix socket may be everywhere, in bytes: 107 on Linux, 103 elsewhere.
const longestSocket = 100

// controlPath is where the control socket of a data folder is: in the folder or, where that is too deep for a socket,
// in one of our own among the temporary files. Whoever asks and whoever serves find the same one, however they name the
// folder.
func controlPath(data string) (string, error) {
	folder, err := filepath.Abs(data)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		folder = real
	}
	if path := filepath.Join(folder, controlName); len(path) <= longestSocket {
		return path, nil
	}
	sum := sha256.Sum256([]byte(folder))
	own := filepath.Join(os.TempDir(), fmt.Sprintf("postern-%x", sum[:8]))
	return filepath.Join(own, controlName), ownFolder(own)
}

// ownFolder makes a folder that nobody else can enter, or sees that one of this name is such: among the temporary files
// anybody could have made it.
func ownFolder(path string) error {
	if err := os.Mkdir(path, 0o700); err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ok || int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a folder of this user alone: remove it", path)
	}
	return nil
}
