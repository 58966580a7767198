package yamldoc

import (
	"cmp"
	"fmt"
	"slices"
)

// maxComplaints bounds what one call reports: a file that is wrong throughout needs no thousand lines to say so.
const maxComplaints = 100

// Severity tells a complaint that stops a file from being used from one that does not.
type Severity string

// The severities, from worse to milder.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is one complaint about one place in a file.
type Diagnostic struct {
	File string `json:"file"`
	// Line and Column count from 1, the column in characters. A Line of 0 means the file as a whole.
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Severity Severity `json:"severity"`
	// Code is the short name of a warning, by which a comment may silence it; empty for an error.
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
	// Hint says what to do about it, such as `did you mean "name"?`; it may be empty.
	Hint string `json:"hint"`
}

// WithHint returns the diagnostic with its hint replaced.
func (d Diagnostic) WithHint(hint string) Diagnostic {
	d.Hint = hint
	return d
}

// String renders the diagnostic on one line: `file:line:column: error: message (hint)`, or `warning [code]: …`.
func (d Diagnostic) String() string {
	place := d.File
	if d.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
	}
	severity := string(d.Severity)
	if d.Code != "" {
		severity += " [" + d.Code + "]"
	}
	if d.Hint == "" {
		return fmt.Sprintf("%s: %s: %s", place, severity, d.Message)
	}
	return fmt.Sprintf("%s: %s: %s (%s)", place, severity, d.Message, d.Hint)
}

// Diagnostics is a list of complaints. It is an error too, so that errors.As finds the list again behind wrapping;
// call [Diagnostics.Err] to make one.
type Diagnostics []Diagnostic

// Sort orders the list by file, line and column; complaints about one place keep their order.
func (ds Diagnostics) Sort() {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Errors counts the complaints that are errors.
func (ds Diagnostics) Errors() int { return ds.count(Error) }

// Warnings counts the complaints that are warnings.
func (ds Diagnostics) Warnings() int { return ds.count(Warning) }

func (ds Diagnostics) count(severity Severity) int {
	total := 0
	for _, d := range ds {
		if d.Severity == severity {
			total++
		}
	}
	return total
}

// Err returns nil if the list holds no error (warnings do not count), and otherwise the sorted list as an error.
func (ds Diagnostics) Err() error {
	if ds.Errors() == 0 {
		return nil
	}
	sorted := slices.Clone(ds)
	sorted.Sort()
	return sorted
}

// Error says the first error in full and counts the others.
func (ds Diagnostics) Error() string {
	first := slices.IndexFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
	if first < 0 {
		return "no errors"
	}
	if more := ds.Errors() - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", ds[first], more)
	}
	return ds[first].String()
}

// ready sorts the list and cuts it to maxComplaints, with a last line that says how many were left out.
func (ds Diagnostics) ready() Diagnostics {
	ds.Sort()
	if len(ds) <= maxComplaints {
		return ds
	}
	last := ds[maxComplaints-1]
	last.Message = fmt.Sprintf("%d more complaints from here on are not listed", len(ds)-maxComplaints+1)
	last.Hint = ""
	return append(ds[:maxComplaints-1:maxComplaints-1], last)
}
