package engine

import (
	"io"
	"log/slog"
	"path/filepath"
)

// TaskKind describes a kind of task: its key in YAML, what it does, an example, and how to make one
// with its defaults.
type TaskKind struct {
	Name    string
	Summary string
	Example string
	Short   string // the key that a text in place of the task's mapping is the value of; "" for none
	New     func() Task
}

// ChannelKind describes a kind of channel: its name in the configuration, what it does, an example,
// and how to make one with its defaults.
type ChannelKind struct {
	Name    string
	Summary string
	Example string
	New     func() Channel
}

// Outfit is what a channel is given before its first message.
type Outfit struct {
	Clock  Clock
	Random io.Reader
	Logger *slog.Logger
	Folder string // of the configuration file: relative paths begin there
}

// Path is a path of the configuration, from its folder if it is relative; "" stays so.
func (o Outfit) Path(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(o.Folder, path)
}

// Opener is a Channel that checks its configuration and makes ready before the first message, without
// a connection yet. The error is a sentence for the operator and names the key that is wrong.
type Opener interface {
	Open(outfit Outfit) error
}
