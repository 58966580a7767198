package engine

// MaxListed is the most records that one page of a list holds.
const MaxListed = 500

// Listing asks for the records of a module, page by page, in the order of their ids as the CRM orders them.
type Listing struct {
	Module string
	Field  string // only records whose field has Value; "" for all of them
	Value  any    // compared as text, as Find does: an empty value lists nothing
	After  string // Page.Next of the page before; "" for the first
	Limit  int    // at most so many records: 1 to MaxListed
}

// Page is a part of a list.
type Page struct {
	Records []Record
	// Next is where the list goes on; "" if this is its end. A page may hold fewer records than the limit, or none at
	// all, and not be the last.
	Next string
}
