package pages

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postern/engine"
	"postern/internal/forms"
	"postern/portal"
)

const (
	// columns is how many fields a list shows beside what names a record.
	columns = 4
	// long is from how many characters on a text field is too long for a list.
	long = 200
)

// column heads a column of a list.
type column struct {
	Label  string
	URL    string // sorts by it; "" where the role may not
	Sorted string // ascending or descending, as aria-sort has it; "" for not
	Number bool   // whether its numbers stand one above the other
}

// listRow is a record in a list.
type listRow struct {
	URL, Title string
	Cells      []shownField
}

// table is a page of records.
type table struct {
	Columns []column // the first heads the titles
	Rows    []listRow
}

// headOf are the fields that name a record in a list: its titles, else the first that is read.
func headOf(access *engine.Access) []string {
	titles := titleFields(access)
	if len(titles) == 0 && len(access.Read) > 0 {
		return access.Read[:1]
	}
	return titles
}

// columnsOf are the fields that a list shows beside what names a record.
func columnsOf(access *engine.Access) []string {
	head := headOf(access)
	var names []string
	for _, name := range access.Read {
		field := forms.FieldOf(access.Module, name)
		brief := field.Type != engine.TypeText || (field.Max > 0 && field.Max <= long)
		if len(names) < columns && !slices.Contains(head, name) && (brief || len(access.Read) <= columns) {
			names = append(names, name)
		}
	}
	return names
}

// listed are the fields that a list asks for.
func listed(access *engine.Access) []string {
	return append(slices.Clone(headOf(access)), columnsOf(access)...)
}

// sorting is how a list is sorted.
type sorting struct {
	by  string                 // field, with - in front if the other way round
	way func(by string) string // the address that sorts by one; nil where nothing does
}

// table draws a listing.
func (c *call) table(access *engine.Access, listing portal.Listing, sorted sorting) table {
	names := columnsOf(access)
	head := column{Label: c.texts.Say("portal.list.title")}
	if fields := headOf(access); len(fields) > 0 {
		head = c.column(access, fields[0], sorted)
		head.Number = false // it names the record
		head.Label = c.labels(access, fields)
	}
	t := table{Columns: []column{head}}
	for _, name := range names {
		t.Columns = append(t.Columns, c.column(access, name, sorted))
	}
	for _, row := range listing.Rows {
		drawn := listRow{URL: c.recordPath(row.Ref), Title: c.heading(access, row)}
		for _, name := range names {
			drawn.Cells = append(drawn.Cells, c.cell(access, row, name))
		}
		t.Rows = append(t.Rows, drawn)
	}
	return t
}

// labels are what some fields are called, one after the other.
func (c *call) labels(access *engine.Access, names []string) string {
	labels := make([]string, len(names))
	for i, name := range names {
		labels[i] = forms.FieldLabel(forms.FieldOf(access.Module, name), c.texts.Language)
	}
	return strings.Join(labels, " · ")
}

// cell is one field of a row; an empty one where there is nothing to show.
func (c *call) cell(access *engine.Access, row portal.Row, name string) shownField {
	field := forms.FieldOf(access.Module, name)
	cell := shownField{Shown: forms.Shown{Label: forms.FieldLabel(field, c.texts.Language)}}
	if shown := c.shownFields(access, row, []string{name}); len(shown) > 0 {
		cell = shown[0]
	}
	cell.Number = isNumber(field)
	return cell
}

func isNumber(field *engine.Field) bool {
	switch field.Type {
	case engine.TypeInteger, engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		return true
	default:
		return false
	}
}

func (c *call) column(access *engine.Access, name string, sorted sorting) column {
	field := forms.FieldOf(access.Module, name)
	col := column{Label: forms.FieldLabel(field, c.texts.Language), Number: isNumber(field)}
	if sorted.way == nil || !slices.Contains(access.Sort, name) || !orders(field) {
		return col
	}
	switch sorted.by {
	case name:
		col.Sorted, col.URL = "ascending", sorted.way("-"+name)
	case "-" + name:
		col.Sorted, col.URL = "descending", sorted.way(name)
	default:
		col.URL = sorted.way(name)
	}
	return col
}

// turning is where a list stands.
type turning struct {
	Text       string // which records these are
	Prev, Next string // addresses; "" at the ends
}

// turn says where a page of a list stands and what lies before and after it: after it by the place where it ended, so
// that what is added meanwhile moves nothing, and before it by number.
func (c *call) turn(query url.Values, at int, listing portal.Listing) turning {
	var t turning
	shown := len(listing.Rows)
	if at > 0 {
		back := without(query, "after", "at")
		if before := at - portal.PageSize; before > 0 {
			back.Set("at", strconv.Itoa(before))
		}
		t.Prev = "?" + back.Encode()
	}
	if listing.Next != "" {
		on := without(query, "after", "at")
		on.Set("after", listing.Next)
		on.Set("at", strconv.Itoa(at+shown))
		t.Next = "?" + on.Encode()
	}
	switch {
	case shown == 0 || (t.Prev == "" && t.Next == ""):
	case listing.Uncounted:
		t.Text = c.texts.Say("portal.list.stretch", "From", at+1, "To", at+shown)
	default:
		t.Text = c.texts.Say("portal.list.range", "From", at+1, "To", at+shown, "Count", max(listing.Total, at+shown))
	}
	return t
}

// without is a query without some of its names, and without those that are empty.
func without(query url.Values, names ...string) url.Values {
	left := url.Values{}
	for name, values := range query {
		if len(values) > 0 && strings.TrimSpace(values[0]) != "" && !slices.Contains(names, name) {
			left[name] = values[:1]
		}
	}
	return left
}

// place reads where in a list the call asks to be: after a place, or from a number on.
func (c *call) place() (after string, at int) {
	query := c.URL.Query()
	at, err := strconv.Atoi(query.Get("at"))
	if err != nil || at < 0 || at > portal.MaxOffset {
		at = 0
	}
	return query.Get("after"), at
}
