package corebosimport

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Status is what became of a workflow.
type Status string

// A workflow is converted, converted with changes of its meaning, or only in part.
const (
	Converted Status = "converted"
	Changed   Status = "changed"
	Partly    Status = "partly"
)

// Report tells what became of each workflow.
type Report struct {
	Workflows []Entry        `json:"workflows"`
	Counts    map[Status]int `json:"counts"`
	Skipped   []string       `json:"skipped,omitempty"` // places of the files that are none of what is read
	Modules   []string       `json:"modules,omitempty"` // that workflows speak of and nobody describes
}

// Entry is a workflow of the report.
type Entry struct {
	ID      string   `json:"id,omitempty"`
	Title   string   `json:"title"`
	Source  string   `json:"source"`
	File    string   `json:"file"`
	Status  Status   `json:"status"`
	Off     string   `json:"off,omitempty"`     // why no book loads it, although it may be converted
	Changes []string `json:"changes,omitempty"` // what differs
	Missing []string `json:"missing,omitempty"` // what is not converted
}

// entry is the workflow's line of the report.
func (c *conversion) entry() Entry {
	e := Entry{
		ID: c.o.id, Title: oneLine(c.o.title), Source: c.o.source, File: c.name + ".yaml", Status: Converted,
		Off: c.offReason(), Changes: c.changes, Missing: c.missing,
	}
	switch {
	case len(c.missing) > 0:
		e.Status = Partly
	case len(c.changes) > 0:
		e.Status = Changed
	}
	if e.Off != "" {
		e.File += ".off"
	}
	return e
}

// finish counts, and notes what concerns the export as a whole.
func (r *Report) finish(export *Export, modules Modules) {
	r.Counts = map[Status]int{Converted: 0, Changed: 0, Partly: 0}
	for _, e := range r.Workflows {
		r.Counts[e.Status]++
	}
	r.Skipped = export.skipped
	for _, o := range export.workflows {
		if o.module != "" && modules[o.module] == nil && !slices.Contains(r.Modules, o.module) {
			r.Modules = append(r.Modules, o.module)
		}
	}
	slices.Sort(r.Modules)
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	var out strings.Builder
	for _, e := range r.Workflows {
		fmt.Fprintf(&out, "%s: %s\n", e.File, e.Title)
		for _, sentence := range e.Missing {
			fmt.Fprintf(&out, "  not converted: %s\n", sentence)
		}
		if e.Off != "" && len(e.Missing) == 0 {
			fmt.Fprintf(&out, "  not loaded: %s\n", e.Off)
		}
		for _, sentence := range e.Changes {
			fmt.Fprintf(&out, "  changed: %s\n", sentence)
		}
	}
	for _, place := range r.Skipped {
		fmt.Fprintf(&out, "left out: %s\n", place)
	}
	if len(r.Modules) > 0 {
		fmt.Fprintf(&out, "not described: %s\n", strings.Join(r.Modules, ", "))
	}
	if out.Len() > 0 {
		out.WriteString("\n")
	}
	noun := "workflows"
	if len(r.Workflows) == 1 {
		noun = "workflow"
	}
	fmt.Fprintf(&out, "%d %s: %d converted, %d converted with changes, %d not converted whole\n",
		len(r.Workflows), noun, r.Counts[Converted], r.Counts[Changed], r.Counts[Partly])
	_, err := io.WriteString(w, out.String())
	return err
}
