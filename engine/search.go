package engine

import (
	"context"
	"errors"
)

// Search asks for the records of a module that a predicate holds for, a page at a time.
type Search struct {
	Module  *Module
	Modules map[string]*Module // that routes of Where lead through
	Where   Predicate          // all operands are constants
	Order   []Sorting          // then by id; by id alone if empty
	After   string             // Found.Next of the page before; "" for the first
	Offset  int                // records to pass over, in place of After
	Limit   int                // at most so many records: 0 to MaxListed
	Total   bool               // whether to count all that there are
}

// Sorting is one field that records are sorted by, as SortKey orders its values. Records without a value come first, or
// last if Desc.
type Sorting struct {
	Field string // or "id"
	Desc  bool
}

// Found is a page of what a Search is for.
type Found struct {
	Records []Record
	Next    string // where it goes on; "" at the end. A page with fewer records than the limit need not be the last
	Total   int    // how many there are in all, if that was asked for

	// Uncounted says that a total was asked for and the CRM cannot say how many there are exactly.
	Uncounted bool
}

// ErrTooWide says that a search would have to look at more records than a CRM does for one question.
var ErrTooWide = errors.New("too many records would have to be looked at: ask for fewer")

// ErrNoPlace says that Search.After is no place in the list that is asked for.
var ErrNoPlace = errors.New("this is no place in the list")

// The bounds of what one predicate may ask.
const (
	MaxComparisons = 200 // in the whole of it
	MaxNested      = 50  // levels of and, or and not
	MaxAmong       = 500 // values of one in
	MaxSortings    = 4   // fields to sort by
)

// Searcher is a CRM that finds records by a predicate, exactly those that Predicate.Holds holds for. What it cannot
// answer by itself it refuses, Permanent; it never reads everything to look through it.
//
// A list goes on after the values of the last record that it gave, so that over all its pages no record comes twice,
// and one that is there from the first page to the last, with the same values, comes once, whatever is made, changed or
// deleted meanwhile. Offset promises neither. Errors are ErrTooWide and ErrNoPlace, both Permanent; a search that found
// no room beside the others is Busy.
type Searcher interface {
	Search(ctx context.Context, search Search) (Found, error)
}
