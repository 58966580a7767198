package engine

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
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

	// Channel is its name in the configuration.
	Channel string
	// Callbacks is the public address below which its provider reaches it, without a final slash:
	// https://go.acme.example/callbacks/sms.
	Callbacks string
	// Key gives 32 bytes for a purpose, the same after every start.
	Key func(purpose string) []byte
	// Hear takes in what the channel heard. An error is worth another try.
	Hear func(ctx context.Context, h Heard) error
	// Press takes an action of a landing for somebody who pressed a button of a message. An error is a sentence for
	// the operator; what the person is told is in Pressed.
	Press func(ctx context.Context, p Press) (Pressed, error)
}

// Carried is a Channel that says what reaches its recipients, once its configuration is decoded and before Open. One
// that says nothing is of its kind's name and reaches by a field of type email.
type Carried interface {
	Carrier() Carrier
}

// Callee is a Channel whose provider calls back over HTTP.
type Callee interface {
	// Callbacks answers everything that comes below Outfit.Callbacks. It proves who calls, hands what it heard to
	// Outfit.Hear and only then answers.
	Callbacks() http.Handler
}

// Listener is a Channel that listens on a port of its own.
type Listener interface {
	// Listen works until the context ends, and waits for what is under way.
	Listen(ctx context.Context) error
}

// Examined is a Channel that can look whether it would work, for postern doctor. It sends nothing to anybody.
type Examined interface {
	Examine(ctx context.Context, tools ExamineTools) []Finding
}

// ExamineTools are what an examination asks the world with.
type ExamineTools struct {
	Resolver Resolver
}

// Resolver asks the DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Finding is one thing that an examination looked at.
type Finding struct {
	What string // what was looked at: SPF, login, callback
	Good bool
	Look bool   // not Good, but may be right all the same: a person is to look
	Text string // one line: what was found
	Hint string // what to do about it; "" where it is good
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
