package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"postern/engine"
)

// maxStart is the longest body of an order to start a workflow, in bytes.
const maxStart = 64 << 10

// Starter puts an order to start a workflow on the stream, once for one id. A Permanent error is a sentence for who
// ordered it; after any other the same order may be sent again.
type Starter func(ctx context.Context, order engine.StartOrder, ref engine.Ref, id string) error

// startBody is what POST /api/runs takes.
type startBody struct {
	Workflow string        `json:"workflow"`
	Record   string        `json:"record"` // "Module/id"
	Inputs   engine.Fields `json:"inputs"`
	Actor    string        `json:"actor"` // who pressed the button; by default the name of the key
}

// StartsHandler takes orders to start a workflow from whoever shows one of the keys: POST {"workflow", "record",
// "inputs", "actor"}. It answers 202 with {"id": "…"}, that of the order's event, when the order is on the stream; 422
// with a sentence if it cannot be started. The header Idempotency-Key makes an order that is sent again the same one.
func StartsHandler(
	start Starter, keys Keys, random io.Reader, refusing func() string, logger *slog.Logger,
) http.Handler {
	return &starts{start: start, keys: keys, random: random, refusing: refusing, logger: logger}
}

type starts struct {
	start    Starter
	keys     Keys
	random   io.Reader
	refusing func() string
	logger   *slog.Logger
}

// ServeHTTP asks who it is before it reads anything that they sent.
func (s *starts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, bad := s.keys.admit(w, r, http.MethodPost, ScopeRuns)
	if bad == nil {
		bad = s.take(w, r, name)
	}
	if bad != nil {
		refuse(w, *bad)
	}
}

func (s *starts) take(w http.ResponseWriter, r *http.Request, name string) *refusal {
	if reason := s.refusing(); reason != "" {
		return &refusal{status: http.StatusServiceUnavailable, retry: retryWhenDown, Code: "not_ready", Message: reason}
	}
	body, ref, err := readStart(http.MaxBytesReader(w, r.Body, maxStart))
	if err != nil {
		return &refusal{status: http.StatusBadRequest, Code: "bad_order", Message: err.Error()}
	}
	order := engine.StartOrder{Workflow: body.Workflow, Inputs: body.Inputs, By: body.Actor}
	if order.By == "" {
		order.By = "key:" + name
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeTime)
	defer cancel()
	id, err := s.id(name, r.Header.Get("Idempotency-Key"))
	if err == nil {
		err = s.start(ctx, order, ref, id)
	}
	switch {
	case engine.IsPermanent(err):
		return &refusal{status: http.StatusUnprocessableEntity, Code: "not_startable", Message: err.Error()}
	case err != nil:
		s.logger.Warn("start not stored", "sender", name, "workflow", order.Workflow, "error", err)
		return &refusal{
			status: http.StatusServiceUnavailable, retry: retryWhenDown, Code: "unavailable",
			Message: "It is not known whether the order was stored; send it again with the same Idempotency-Key.",
		}
	}
	answer(w, http.StatusAccepted, map[string]string{"id": id})
	return nil
}

// id names an order: by who sent it and their key, if they gave one, so that it is the same when it is sent again.
func (s *starts) id(name, key string) (string, error) {
	if key == "" {
		id, err := engine.NewID(time.Now(), s.random)
		return id.String(), err
	}
	digest := sha256.Sum256([]byte(name + "\x00" + key))
	return hex.EncodeToString(digest[:16]), nil
}

func readStart(in io.Reader) (body startBody, ref engine.Ref, err error) {
	if err := readJSON(in, &body); err != nil {
		const form = `{"workflow": "remind", "record": "HelpDesk/17x1"}`
		return body, ref, fmt.Errorf("the body is no order such as %s: %w", form, err)
	}
	if body.Workflow == "" {
		return body, ref, errors.New(`"workflow" is missing`)
	}
	ref, err = engine.ParseRef(body.Record)
	if err != nil {
		err = fmt.Errorf(`"record": %w`, err)
	}
	return body, ref, err
}

// readJSON reads one value and nothing that it does not know.
func readJSON(in io.Reader, into any) error {
	decoder := json.NewDecoder(in)
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// startable is a workflow as GET /api/workflows tells it: enough for a button and its form.
type startable struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Module      string          `json:"module"`
	Inputs      []startableItem `json:"inputs"`
}

type startableItem struct {
	Name     string           `json:"name"`
	Type     engine.FieldType `json:"type"`
	Label    engine.Labels    `json:"label,omitempty"`
	Options  []string         `json:"options,omitempty"`
	Required bool             `json:"required"`
}

// WorkflowsHandler lists by GET, to whoever shows one of the keys, the workflows that may be started by hand with the
// inputs they ask for.
func WorkflowsHandler(book func() *engine.Book, keys Keys) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, bad := keys.admit(w, r, http.MethodGet, ScopeRuns); bad != nil {
			refuse(w, *bad)
			return
		}
		list := []startable{}
		for _, workflow := range book().Workflows {
			if workflow.ByHand() {
				list = append(list, startableOf(workflow))
			}
		}
		answer(w, http.StatusOK, map[string]any{"workflows": list})
	})
}

func startableOf(w *engine.Workflow) startable {
	s := startable{Name: w.Name, Description: w.Description, Module: w.Module.Name, Inputs: []startableItem{}}
	if w.Inputs == nil {
		return s
	}
	for _, name := range w.Inputs.Names {
		f := w.Inputs.Fields[name]
		s.Inputs = append(s.Inputs, startableItem{
			Name: name, Type: f.Type, Label: f.Label, Options: f.Options, Required: f.Required,
		})
	}
	return s
}
