// Package upload takes in forms with files: each file piece by piece, told by its content, sealed and stored before
// anybody decides whether it is kept.
package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/pages"
)

const (
	// Time is how long a visitor may take to send a form with files, over a slow line too.
	Time = 2 * time.Minute
	// atOnce is how many forms with files are taken in at the same time. Each holds a few pieces in memory.
	atOnce = 8
	// patience is how long a form waits for its turn, and how long its answer may take.
	patience = 10 * time.Second
	// tailSize is how much of a form's end is kept: its last boundary has at most 74 bytes.
	tailSize = 128
	// discardTime is how long it may take to forget a file that nobody keeps; the keeper does it otherwise.
	discardTime = 5 * time.Second
)

// ErrBusy says that too many files are coming in at the same time.
var ErrBusy = errors.New("too many files are sent at the same time")

// Store holds what visitors sent, piece by piece as it comes. What nothing kept is forgotten after a day.
type Store interface {
	// Stage stores the next piece of a file, sealed; pieces count from 0.
	Stage(ctx context.Context, file engine.ID, piece int, sealed []byte, at time.Time) error
	// Discard forgets the pieces of a file that nothing has kept.
	Discard(ctx context.Context, file engine.ID) error
	// File describes a file that is kept; engine.ErrNoFile if there is none (any more).
	File(ctx context.Context, id engine.ID) (engine.File, error)
	// Piece reads a piece; engine.ErrNoFile if there is none.
	Piece(ctx context.Context, file engine.ID, piece int) ([]byte, error)
}

// Intake takes in forms. All of them share its turns.
type Intake struct {
	store  Store
	sealer engine.Sealer
	random io.Reader // of ids
	logger *slog.Logger
	turns  chan struct{} // holds who sends files at the moment
}

// NewIntake makes an intake. random must not be guessable.
func NewIntake(store Store, sealer engine.Sealer, random io.Reader, logger *slog.Logger) *Intake {
	return &Intake{store: store, sealer: sealer, random: random, logger: logger, turns: make(chan struct{}, atOnce)}
}

// Sent is what a form sent: its fields, and its files, whose pieces are stored and not yet kept.
type Sent struct {
	Values url.Values
	Files  map[string]*Arrival // by entry
}

// Arrival is a file as it came.
type Arrival struct {
	File    engine.File
	Sum     [sha256.Size]byte
	Value   string // that its field is set to; "" for what File says of itself
	Problem string // label code of why it is not taken; "" if it is
	Blanks  []any  // of that text
}

// Coming is a form that comes in.
type Coming struct {
	Request *http.Request
	Control *http.ResponseController // of its answer, for the time that files may take
	Now     time.Time
	Link    engine.ID                 // that the files belong to; zero for none
	Record  engine.Ref                // and the record
	Takes   map[string]*engine.Upload // the entries that take a file
	Quota   Quota                     // of who sends it; nil for none
}

// Quota refuses what somebody sends beyond what they may. It is asked before each megabyte of a file is stored, and is
// told whether that is the file's first. The form, or the file, fails with its error.
type Quota func(ctx context.Context, first bool) error

// Takes are the entries among some that take a file.
func Takes(edits []*engine.Edit) map[string]*engine.Upload {
	takes := map[string]*engine.Upload{}
	for _, edit := range edits {
		if edit.Upload != nil {
			takes[edit.Field.Name] = edit.Upload
		}
	}
	return takes
}

// Read reads a form. Files are taken only for entries that are there for them. It fails as pages.ReadForm does, with
// ErrBusy, or with an error of the quota or the store; nothing is staged then.
func (i *Intake) Read(c Coming) (Sent, error) {
	if !pages.IsMultipart(c.Request) || len(c.Takes) == 0 {
		values, err := pages.ReadForm(c.Request)
		return Sent{Values: values}, err
	}
	limit := int64(pages.MaxBody)
	for _, upload := range c.Takes {
		limit += upload.Max
	}
	limit += engine.MaxUpload // so that a file which is too large can be told by name
	if c.Request.ContentLength > limit {
		return Sent{}, pages.ErrTooLarge
	}
	leave, err := i.turn(c.Request.Context())
	if err != nil {
		return Sent{}, err
	}
	defer leave()
	GiveTime(c.Control)
	return i.readParts(c, limit)
}

// One takes in a file that comes by itself, such as the whole body of a request. Its Link and Record are not set. It
// fails with ErrBusy, pages.ErrMalformed for content that was cut off, or an error of the quota or the store; nothing
// is staged then, nor is a file with a Problem.
func (i *Intake) One(
	ctx context.Context, content io.Reader, takes *engine.Upload, name string, now time.Time, quota Quota,
) (*Arrival, error) {
	leave, err := i.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	arrived, err := i.stage(ctx, Coming{Now: now, Quota: quota}, content, takes, name)
	if arrived != nil && (err != nil || arrived.Problem != "") {
		i.Discard(ctx, Sent{Files: map[string]*Arrival{"": arrived}})
	}
	var unreadable unreadableError
	switch {
	case errors.As(err, &unreadable):
		return nil, unreadable.cause
	case err != nil:
		return nil, pages.ErrMalformed
	}
	return arrived, nil
}

// turn waits until another file may come in; leave ends the turn.
func (i *Intake) turn(ctx context.Context) (leave func(), err error) {
	select {
	case i.turns <- struct{}{}:
		return func() { <-i.turns }, nil
	case <-time.After(patience):
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ErrBusy
	}
}

// GiveTime lets a request with a file take Time. A server that cannot give more time than its own has to do.
func GiveTime(control *http.ResponseController) {
	until := time.Now().Add(Time) // the machine's time: it bounds a connection
	_, _ = control.SetReadDeadline(until), control.SetWriteDeadline(until.Add(patience))
}

// readParts reads a form part by part, each only as far as it may go. What was staged is forgotten with an error.
func (i *Intake) readParts(c Coming, limit int64) (got Sent, err error) {
	got = Sent{Values: url.Values{}, Files: map[string]*Arrival{}}
	defer func() {
		if err != nil {
			i.Discard(c.Request.Context(), got)
		}
	}()
	body := &bounded{from: c.Request.Body, left: limit}
	_, params, _ := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	if params["boundary"] == "" {
		return got, pages.ErrMalformed
	}
	reader := multipart.NewReader(body, params["boundary"])
	texts := int64(pages.MaxBody)
	for range pages.MaxFields + 1 {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) && bytes.Contains(body.tail, []byte("--"+params["boundary"]+"--")) {
			return got, nil
		}
		if err != nil { // or it was cut off
			return got, body.blame(err)
		}
		if err := i.readPart(c, part, &got, &texts); err != nil {
			return got, body.blame(err)
		}
	}
	return got, pages.ErrMalformed
}

// readPart reads one part: a text, or a file if there is an entry for it. Anything else is passed over.
func (i *Intake) readPart(c Coming, part *multipart.Part, got *Sent, texts *int64) error {
	name, fileName := part.FormName(), part.FileName()
	upload := c.Takes[name]
	switch {
	case upload != nil && fileName != "":
		if got.Files[name] != nil {
			return pages.ErrMalformed
		}
		arrived, err := i.stage(c.Request.Context(), c, part, upload, fileName)
		got.Files[name] = arrived
		return err
	case upload != nil || fileName != "":
		return nil // no file was chosen, or nobody asked for one
	}
	text, err := io.ReadAll(io.LimitReader(part, *texts+1))
	if *texts -= int64(len(text)); *texts < 0 {
		return pages.ErrTooLarge
	}
	got.Values.Add(name, string(text))
	return err
}

// Discard forgets the files of a form that nothing has kept. Whoever reads a form calls it when they are done with it.
func (i *Intake) Discard(ctx context.Context, s Sent) {
	for _, arrived := range s.Files {
		if arrived == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
		if err := i.store.Discard(ctx, arrived.File.ID); err != nil {
			i.logger.WarnContext(ctx, "a file that nobody keeps is forgotten later", "error", err)
		}
		cancel()
	}
}

// bounded is a body that must not be longer than it may be.
type bounded struct {
	from io.Reader
	left int64
	over bool
	tail []byte // what was read last, enough for the boundary that ends a form (RFC 2046 section 5.1.1)
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		// One byte more tells a long body from one that just fits.
		n, err := b.from.Read(p[:min(1, len(p))])
		if n > 0 {
			b.over = true
			return 0, pages.ErrTooLarge
		}
		return 0, err
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.tail = append(b.tail, p[max(0, n-tailSize):n]...)
	b.tail = b.tail[max(0, len(b.tail)-tailSize):]
	return n, err
}

// blame is why a form could not be read: it is too long, it cannot be understood, or what the store says.
func (b *bounded) blame(err error) error {
	var unreadable unreadableError
	switch {
	case b.over || errors.Is(err, pages.ErrTooLarge):
		return pages.ErrTooLarge
	case errors.As(err, &unreadable):
		return unreadable.cause
	}
	return pages.ErrMalformed
}

// unreadableError is a failure of ours while a form was read, or its sender's quota: nothing is wrong with the form.
type unreadableError struct{ cause error }

func (e unreadableError) Error() string { return e.cause.Error() }
func (e unreadableError) Unwrap() error { return e.cause }

// Listed is a list of words for reading.
func Listed(words []string) string { return strings.Join(words, ", ") }
