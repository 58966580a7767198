package engine

import "context"

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

// Sorting is one field that records are sorted by. Records without a value come first, or last if Desc.
type Sorting struct {
	Field string
	Desc  bool
}

// Found is a page of what a Search is for.
type Found struct {
	Records []Record
	Next    string // where it goes on; "" at the end
	Total   int    // if it was asked for
}

// Searcher is a CRM that finds records by a predicate. What it cannot answer by itself it refuses, Permanent; it never
// reads everything to look through it.
type Searcher interface {
	Search(ctx context.Context, search Search) (Found, error)
}
