package portal

import "postern/engine"

// Question asks for records of a module. Whatever it asks, the rows of the viewer's access are held besides.
type Question struct {
	Module string
	Where  engine.Predicate // over fields that may be filtered by, and id; no routes, all operands constants
	Search string           // words, each of which some filterable text field has in it, ignoring case
	Order  []engine.Sorting // by fields that may be sorted by, and id
	Limit  int              // at most so many: 1 to MaxPage; PageSize for 0
	Offset int              // records to pass over, at most MaxOffset, in place of After
	After  string           // Listing.Next of the page before; "" for the first
	Total  bool             // whether to count all that there are
	Fields []string         // that are wanted, all that may be read if it is empty
}

// Limits of a question. What is beyond them is refused.
const (
	PageSize      = 25
	MaxPage       = 200
	MaxOffset     = 100_000
	MaxConditions = 64   // leaves of a predicate
	MaxNesting    = 16   // and, or and not within one another
	MaxValues     = 200  // of one in
	MaxValueBytes = 1024 // of one value to compare with
	MaxOrder      = 4
	MaxWords      = 8   // of a search
	MaxLookedIn   = 100 // words of a search times the fields that they are looked for in
)

// Listing is a page of records.
type Listing struct {
	Rows  []Row
	Next  string // where it goes on; "" at the end
	Total int    // if it was asked for

	Uncounted bool // the total was asked for, and the CRM cannot say it
}

// Row is a record as the viewer may see it.
type Row struct {
	engine.Ref
	Title  string            // what names it to people: of its title fields, those that may be read; its id if none
	Fields engine.Fields     // plain values of the fields that may be read and were asked for
	Titles map[string]string // what references lead to, by field; only what the viewer may see itself
	ETag   string            // names this state of what the viewer may read, quoted as in HTTP
	Update bool              // whether the role may change something of it now
	Delete bool
}

// ModuleView is what a role may do with a module.
type ModuleView struct {
	*engine.Module
	Access *engine.Access
}

// Done is what became of a change.
type Done struct {
	Ref     engine.Ref // zero ID for a record that another CRM has yet to make
	Row     *Row       // as it is now; nil if it is deleted, no longer the viewer's, Pending, or cannot be read
	Pending bool       // the CRM has not answered yet: the change is kept and tried on
}
