package portal_test

import (
	"errors"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest"
	"postern/portal/portaltest/house"
)

// injected are all places of the desk that take a text of the caller's.
func injected(w *house.World, ana portal.Viewer, text string) map[string]func(t *testing.T) ([]portal.Row, error) {
	list := func(q portal.Question) func(t *testing.T) ([]portal.Row, error) {
		if q.Module == "" {
			q.Module = "HelpDesk"
		}
		q.Total = true
		return func(t *testing.T) ([]portal.Row, error) {
			listing, err := w.Desk.List(t.Context(), ana, q)
			return listing.Rows, err
		}
	}
	where := func(op engine.PredicateOp, path string) portal.Question {
		return portal.Question{Where: engine.Predicate{Op: op, Path: path, Values: []engine.Operand{{Value: text}}}}
	}
	places := map[string]func(t *testing.T) ([]portal.Row, error){
		"search": list(portal.Question{Search: text}),
		"sort":   list(portal.Question{Order: []engine.Sorting{{Field: text}}}),
		"after":  list(portal.Question{After: text}), "fields": list(portal.Question{Fields: []string{text}}),
		"module": list(portal.Question{Module: text}), "path": list(where(engine.OpNotEqual, text)),
		"operation": list(where(engine.PredicateOp(text), "ticket_title")),
		"id": func(t *testing.T) ([]portal.Row, error) {
			row, err := w.Desk.Get(t.Context(), ana, engine.Ref{Module: "HelpDesk", ID: text})
			return []portal.Row{row}, err
		},
		"related": func(t *testing.T) ([]portal.Row, error) {
			listing, err := w.Desk.Related(t.Context(), ana, engine.Ref{Module: "HelpDesk", ID: text},
				portal.Question{Module: "ModComments"})
			return listing.Rows, err
		},
	}
	for _, path := range []string{"ticket_title", "parent_id", "id", "rank", "due", "urgent", "reply_to"} {
		for _, op := range []engine.PredicateOp{
			engine.OpEqual, engine.OpIn, engine.OpLike, engine.OpContains, engine.OpFold, engine.OpLess,
			engine.OpNotEqual,
		} {
			places[path+" "+string(op)] = list(where(op, path))
		}
	}
	return places
}

// Nothing that is put into any place of a question gives a row beyond the policy, fails otherwise than a question may,
// or takes its time.
func TestT75NothingEscapesFromAQuestion(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	mine := map[string]bool{"17x1": true, "17x2": true, "17x5": true}
	for _, text := range portaltest.Payloads() {
		for place, ask := range injected(w, ana, text) {
			began := time.Now()
			rows, err := ask(t)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s of %.40q took %s", place, text, took)
			}
			_, refused := errors.AsType[*portal.Refusal](err)
			if err != nil && !refused && !errors.Is(err, portal.ErrForbidden) && !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("%s of %.40q: %v", place, text, err)
			}
			for _, row := range rows {
				if err == nil && !mine[row.ID] || row.Fields["secret"] != nil {
					t.Errorf("%s of %.40q gives %s", place, text, row.Ref)
				}
			}
		}
	}
	if n := len(w.Fields(house.Ref("HelpDesk/17x3"))); n == 0 {
		t.Error("a record is gone")
	}
}
