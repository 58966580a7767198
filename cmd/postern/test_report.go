package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"postern/internal/rehearsal"
)

// testReport is how the tests went.
type testReport struct {
	Passed   int             `json:"passed"`
	Failed   int             `json:"failed"`
	Coverage rehearsal.Tally `json:"coverage"`
	Untested []string        `json:"untested"` // files of workflows without a test
	Cases    []caseReport    `json:"cases"`
}

type caseReport struct {
	File         string              `json:"file"`
	Line         int                 `json:"line"`
	Name         string              `json:"name"`
	Passed       bool                `json:"passed"`
	Failures     []rehearsal.Failure `json:"failures,omitempty"`
	History      []string            `json:"history,omitempty"`
	Milliseconds int64               `json:"milliseconds"`
}

// add takes the tests of one book in.
func (r *testReport) add(results []rehearsal.Result, tally rehearsal.Tally, folder string) {
	for _, result := range results {
		file, _, _ := strings.Cut(result.Case.Place(), ":")
		c := caseReport{
			File: file, Line: result.Case.Line, Name: result.Case.Name, Passed: len(result.Failures) == 0,
			Failures: result.Failures, History: result.History, Milliseconds: result.Took.Milliseconds(),
		}
		if c.Passed {
			r.Passed++
		} else {
			r.Failed++
		}
		r.Cases = append(r.Cases, c)
	}
	r.Coverage.Steps = sum(r.Coverage.Steps, tally.Steps)
	r.Coverage.Branches = sum(r.Coverage.Branches, tally.Branches)
	for _, missed := range tally.Missed {
		missed.File = path.Join(folder, missed.File)
		r.Coverage.Missed = append(r.Coverage.Missed, missed)
	}
}

func sum(a, b rehearsal.Share) rehearsal.Share {
	return rehearsal.Share{Seen: a.Seen + b.Seen, All: a.All + b.All}
}

// print writes the report for people, or as JSON.
func (r *testReport) print(out io.Writer, o testOptions) error {
	if o.json {
		if r.Coverage.Missed == nil {
			r.Coverage.Missed = []rehearsal.Missed{}
		}
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	var b strings.Builder
	r.tellFiles(&b, o)
	for _, file := range r.Untested {
		fmt.Fprintf(&b, "%s has no test\n", file)
	}
	if o.verbose || o.coverage {
		for _, missed := range r.Coverage.Missed {
			fmt.Fprintf(&b, "%s:%d: %s\n", missed.File, missed.Line, missed.What)
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed\n", r.Passed, r.Failed)
	if o.run == "" {
		steps, branches := r.Coverage.Steps.Percent(), r.Coverage.Branches.Percent()
		fmt.Fprintf(&b, "coverage steps=%d%% branches=%d%%\n", steps, branches)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// tellFiles writes a line for each test file, and below it what failed.
func (r *testReport) tellFiles(b *strings.Builder, o testOptions) {
	width := 0
	for _, c := range r.Cases {
		width = max(width, len(testName(c.File)))
	}
	for from := 0; from < len(r.Cases); {
		to, failed := from, 0
		for ; to < len(r.Cases) && r.Cases[to].File == r.Cases[from].File; to++ {
			if !r.Cases[to].Passed {
				failed++
			}
		}
		fmt.Fprintf(b, "%-*s  %d passed", width, testName(r.Cases[from].File), to-from-failed)
		if failed > 0 {
			fmt.Fprintf(b, ", %d failed", failed)
		}
		b.WriteString("\n")
		for _, c := range r.Cases[from:to] {
			c.tell(b, o.verbose)
		}
		from = to
	}
}

// testName is the test without its folder and ending.
func testName(file string) string { return strings.TrimSuffix(path.Base(file), ".test.yaml") }

func (c caseReport) tell(b *strings.Builder, verbose bool) {
	switch {
	case !c.Passed:
		fmt.Fprintf(b, "FAIL  %s:%d: %s\n%s", c.File, c.Line, c.Name, c.why("  "))
	case verbose:
		fmt.Fprintf(b, "  ok  %s\n", c.Name)
	}
}

// why is what was expected and what happened.
func (c caseReport) why(indent string) string {
	var b strings.Builder
	for _, f := range c.Failures {
		fmt.Fprintf(&b, "%s%s:%d\n", indent, path.Base(c.File), f.Line)
		for _, line := range f.Lines {
			fmt.Fprintln(&b, strings.TrimRight(indent+"  "+line, " "))
		}
	}
	if len(c.History) > 0 {
		fmt.Fprintf(&b, "%swhat the runs did\n", indent)
	}
	for _, line := range c.History {
		fmt.Fprintf(&b, "%s  %s\n", indent, line)
	}
	return b.String()
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	File     string      `xml:"file,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Time    string        `xml:"time,attr"` // seconds
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes the report as CI systems read it.
func (r *testReport) writeJUnit(file string) error {
	all := junitSuites{Tests: r.Passed + r.Failed, Failures: r.Failed}
	for _, c := range r.Cases {
		last := len(all.Suites) - 1
		if last < 0 || all.Suites[last].File != c.File {
			all.Suites, last = append(all.Suites, junitSuite{Name: testName(c.File), File: c.File}), last+1
		}
		suite := &all.Suites[last]
		suite.Tests++
		took := time.Duration(c.Milliseconds) * time.Millisecond
		one := junitCase{
			Name: c.Name, Class: testName(c.File), File: c.File, Line: c.Line,
			Time: fmt.Sprintf("%.3f", took.Seconds()),
		}
		if !c.Passed {
			suite.Failures++
			one.Failure = &junitFailure{Message: "not as expected", Text: c.why("")}
		}
		suite.Cases = append(suite.Cases, one)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	text = slices.Concat([]byte(xml.Header), text, []byte("\n"))
	if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // a report for everyone
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
