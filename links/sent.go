package links

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/pages"
)

const (
	// uploadTime is how long a visitor may take to send a form with files, over a slow line too.
	uploadTime = 2 * time.Minute
	// uploadsAtOnce is how many forms with files are taken in at the same time. Each holds a few pieces in memory.
	uploadsAtOnce = 8
	// tailSize is how much of a form's end is kept: its last boundary has at most 74 bytes.
	tailSize = 128
	// discardTime is how long it may take to forget a file that nobody keeps; the keeper does it otherwise.
	discardTime = 5 * time.Second
)

// errBusy says that too many files are coming in at the same time.
var errBusy = errors.New("too many files are sent at the same time")

// sent is what a form sent: its fields, and its files, whose pieces are stored and not yet kept.
type sent struct {
	values url.Values
	files  map[string]*arrival // by entry
}

// arrival is a file as it came.
type arrival struct {
	file    engine.File
	sum     [sha256.Size]byte
	problem string // label code of why it is not taken; "" if it is
	blanks  []any  // of that text
}

// readSent reads a form with some entries. Files are taken only for entries that are there for them.
func (d *Door) readSent(c *call, p passage, edits []*engine.Edit) (sent, error) {
	uploads := map[string]*engine.Upload{}
	limit := int64(pages.MaxBody)
	for _, edit := range edits {
		if edit.Upload != nil {
			uploads[edit.Field.Name] = edit.Upload
			limit += edit.Upload.Max
		}
	}
	if !pages.IsMultipart(c.Request) || len(uploads) == 0 {
		values, err := pages.ReadForm(c.Request)
		return sent{values: values}, err
	}
	limit += engine.MaxUpload // so that a file which is too large can be told by name
	if c.ContentLength > limit {
		return sent{}, pages.ErrTooLarge
	}
	select {
	case d.uploads <- struct{}{}:
		defer func() { <-d.uploads }()
	case <-time.After(patience):
		return sent{}, errBusy
	case <-c.Context().Done():
		return sent{}, errBusy
	}
	// A server that cannot give more time than its own has to do.
	until := time.Now().Add(uploadTime) // the machine's time: it bounds a connection
	_, _ = c.control.SetReadDeadline(until), c.control.SetWriteDeadline(until.Add(patience))
	return d.readParts(c, p, uploads, limit)
}

// readParts reads a form part by part, each only as far as it may go. What was staged is forgotten with an error.
func (d *Door) readParts(c *call, p passage, uploads map[string]*engine.Upload, limit int64) (got sent, err error) {
	got = sent{values: url.Values{}, files: map[string]*arrival{}}
	defer func() {
		if err != nil {
			d.discard(c, got)
		}
	}()
	body := &bounded{from: c.Body, left: limit}
	_, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
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
		if err := d.readPart(c, p, part, uploads, &got, &texts); err != nil {
			return got, body.blame(err)
		}
	}
	return got, pages.ErrMalformed
}

// readPart reads one part: a text, or a file if there is an entry for it. Anything else is passed over.
func (d *Door) readPart(
	c *call, p passage, part *multipart.Part, uploads map[string]*engine.Upload, got *sent, texts *int64,
) error {
	name, fileName := part.FormName(), part.FileName()
	upload := uploads[name]
	switch {
	case upload != nil && fileName != "":
		if got.files[name] != nil {
			return pages.ErrMalformed
		}
		arrived, err := d.stage(c, p, part, upload, fileName)
		got.files[name] = arrived
		return err
	case upload != nil || fileName != "":
		return nil // no file was chosen, or nobody asked for one
	}
	text, err := io.ReadAll(io.LimitReader(part, *texts+1))
	if *texts -= int64(len(text)); *texts < 0 {
		return pages.ErrTooLarge
	}
	got.values.Add(name, string(text))
	return err
}

// discard forgets what no act has kept.
func (d *Door) discard(c *call, s sent) {
	for _, arrived := range s.files {
		if arrived == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), discardTime)
		if err := d.with.Store.Discard(ctx, arrived.file.ID); err != nil {
			d.with.Logger.WarnContext(ctx, "a file that nobody keeps is forgotten later", "error", err)
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

// unreadableError is a failure of ours while a form was read: nothing is wrong with the form.
type unreadableError struct{ cause error }

func (e unreadableError) Error() string { return e.cause.Error() }
func (e unreadableError) Unwrap() error { return e.cause }

// listed is a list of words for reading.
func listed(words []string) string { return strings.Join(words, ", ") }
