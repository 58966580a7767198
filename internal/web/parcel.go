package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"postern/engine"
)

// bodyTime is how long a client may take for the body of its request: it holds room meanwhile.
const bodyTime = 10 * time.Second

const (
	kindOne   = "application/cloudevents+json"
	kindBatch = "application/cloudevents-batch+json"
)

// parcel is what one request brings.
type parcel struct {
	batch  bool          // a list, however short
	header engine.Header // the attributes in binary mode
	size   int64         // bytes of the body, or the most it may have where the client does not say
	events []*engine.Event
}

// readForm tells by the headers how the events are written and how long they are.
func readForm(r *http.Request) (*parcel, *refusal) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	binary := r.Header.Get("Ce-Specversion") != ""
	p := &parcel{header: engine.NoHeader}
	switch {
	case err != nil:
		kind = ""
	case kind == kindBatch:
		p.batch = true
	case kind == kindOne:
	case binary && (kind == "application/json" || strings.HasSuffix(kind, "+json")):
		p.header = binaryHeader(r.Header)
	case kind == "application/json":
	default:
		kind = ""
	}
	if kind == "" {
		const message = "Send one event as " + kindOne + ", or as JSON data with ce-… headers, " +
			"or a list as " + kindBatch + "."
		return nil, &refusal{status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Message: message}
	}
	if p.size = r.ContentLength; p.size > p.limit() {
		return nil, p.tooLarge()
	} else if p.size < 0 {
		p.size = p.limit()
	}
	return p, nil
}

func (p *parcel) limit() int64 {
	if p.batch {
		return engine.MaxBatchBytes
	}
	return engine.MaxEventBytes
}

func (p *parcel) tooLarge() *refusal {
	message := fmt.Sprintf("An event has at most %d bytes.", engine.MaxEventBytes)
	if p.batch {
		message = fmt.Sprintf("A list of events has at most %d bytes.", engine.MaxBatchBytes)
	}
	return &refusal{status: http.StatusRequestEntityTooLarge, Code: "too_large", Message: message}
}

// read takes the body in, decodes it whole and refuses what nobody but Postern may say.
func (p *parcel) read(w http.ResponseWriter, r *http.Request, limit time.Duration) *refusal {
	body, bad := p.body(w, r, limit)
	if bad != nil {
		return bad
	}
	var err error
	if p.batch {
		p.events, err = engine.DecodeBatch(body)
	} else {
		var event *engine.Event
		event, err = engine.DecodeUnaddressed(p.header, body)
		p.events = []*engine.Event{event}
	}
	if err == nil {
		err = p.foreign()
	}
	if err != nil {
		return p.bad(err)
	}
	return nil
}

// bad says what is wrong with an event, and with which if it is one of a list.
func (p *parcel) bad(err error) *refusal {
	r := &refusal{status: http.StatusBadRequest, Code: "bad_event", Message: err.Error()}
	if one, ok := errors.AsType[*engine.EventError](err); ok {
		r.Message = one.Error()
		if p.batch {
			r.Index = &one.Index
		}
	}
	return r
}

// body reads within a deadline of its own, which must be gone before the events are stored: the server would take its
// passing for the end of the connection.
func (p *parcel) body(w http.ResponseWriter, r *http.Request, limit time.Duration) ([]byte, *refusal) {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(limit)) // where there is none to set, the server's own holds
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, p.limit()))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, p.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		message := fmt.Sprintf("The body took longer than %v.", limit)
		return nil, &refusal{status: http.StatusRequestTimeout, Code: "too_slow", Message: message}
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, Code: "bad_request", Message: "The body ended early."}
	}
	_ = conn.SetReadDeadline(time.Time{})
	return body, nil
}

func (p *parcel) foreign() error {
	for i, event := range p.events {
		if err := notOurs(event); err != nil {
			return &engine.EventError{Index: i, Err: err}
		}
	}
	return nil
}

// stored is the answer when the events are.
func (p *parcel) stored() any {
	if !p.batch {
		return struct {
			ID string `json:"id"`
		}{p.events[0].ID}
	}
	ids := make([]string, len(p.events))
	for i, event := range p.events {
		ids[i] = event.ID
	}
	return struct {
		IDs []string `json:"ids"`
	}{ids}
}

// binaryHeader reads ce-… headers, which are percent-encoded (CloudEvents HTTP binding 1.0.2, 3.1.3.2).
func binaryHeader(headers http.Header) engine.Header {
	return func(name string) string {
		text := headers.Get(name)
		if plain, err := url.PathUnescape(text); err == nil {
			return plain
		}
		return text
	}
}
