package portal

import (
	"errors"
	"net/http"
	"time"

	"postern/engine"
)

// Why the desk does not do what it was asked for.
var (
	// ErrForbidden (403): the role has no such access to the module.
	ErrForbidden = errors.New("this is not open to you")
	// ErrNotFound (404): the record is not there, or is not the viewer's. Nobody can tell which.
	ErrNotFound = errors.New("there is no such record")
	// ErrConflict (409): the record is no longer as the viewer saw it.
	ErrConflict = errors.New("somebody else changed this meanwhile")
	// ErrFresh (403): the viewer has to prove once more who they are, before this.
	ErrFresh = errors.New("please sign in again before you change this")
	// ErrUnavailable (503): the records cannot be reached now. Wrapped around the cause.
	ErrUnavailable = errors.New("the records cannot be reached at the moment")
)

// Refusal says what is wrong with what the viewer asked for. Field is "" where the viewer may not know the field.
type Refusal struct {
	Status int    // 400 for what no form can send, 422 for a value that does not fit
	Field  string // of the module, "" for none in particular
	Code   string // for programs: see the Code constants
	Label  string // name of the sentence for people, in the texts that links and portal share
	Blanks []any  // of that sentence

	Part  Part               // of what was asked for; "" for all of it
	Asked string             // the name that stands there, in the viewer's words: there need be no such field
	Op    engine.PredicateOp // of PartWhere
}

// Part is a part of a question, or of a change.
type Part string

// The parts that a refusal can be about.
const (
	PartWhere  Part = "where"
	PartSearch Part = "search"
	PartOrder  Part = "order"
	PartLimit  Part = "limit"
	PartOffset Part = "offset"
	PartAfter  Part = "after"
	PartFields Part = "fields"
	PartSet    Part = "set" // what is to be written
	PartKey    Part = "key" // that makes an order that is sent again the same one
)

// The codes of refusals. They are part of the API.
const (
	CodeField    = "field"    // there is no such field that may be changed, or given to a new record
	CodeFilter   = "filter"   // no such field that may be filtered by
	CodeSort     = "sort"     // no such field that may be sorted by
	CodeShown    = "fields"   // no such field that may be shown
	CodeQuestion = "question" // too long, too deep, or nothing that can be asked
	CodeWide     = "wide"     // too many records would have to be looked at, or counted
	CodeValue    = "value"    // does not fit the type of the field
	CodeRequired = "required" // must not be empty
	CodeOption   = "option"   // is none of the options
	CodeLong     = "long"     // is longer than the field may be
	CodeTaken    = "taken"    // another record has it
	CodeFile     = "file"     // is none of the files that are taken, or too large
	CodeEmpty    = "empty"    // there is nothing to change
	CodeKey      = "key"      // the Idempotency-Key was used for something else
	CodeRows     = "rows"     // the record would not be the viewer's any more
	CodeSettled  = "settled"  // the record is no longer one that may be changed or deleted
)

// Error is a sentence for logs.
func (r *Refusal) Error() string {
	if r.Field == "" {
		return "refused: " + r.Code
	}
	return "refused: " + r.Code + " of field " + r.Field
}

func malformed(code, field string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: code, Field: field, Label: "error." + code}
}

// about says what the refusal is about, of what was asked for.
func (r *Refusal) about(part Part, asked string) *Refusal {
	r.Part, r.Asked = part, asked
	return r
}

func unfit(code, field, label string, blanks ...any) *Refusal {
	return &Refusal{
		Status: http.StatusUnprocessableEntity, Code: code, Field: field, Label: label, Blanks: blanks,
	}
}

// Throttled (429) says that a subject changed too much in too short a time.
type Throttled struct{ Wait time.Duration }

// Error is a sentence for logs.
func (t *Throttled) Error() string { return "too many changes; the next one in " + t.Wait.String() }
