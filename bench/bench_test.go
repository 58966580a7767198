package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The program runs itself for its broker and its floors, and this test program is that program here.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"broker", "floor", "carry"}, os.Args[1]) {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Every trial runs with a handful of events, so that none of them rots. What they measure then means nothing.
func TestEveryFigureIsMeasured(t *testing.T) {
	program := filepath.Join(t.TempDir(), "postern")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/postern")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build postern: %v\n%s", err, out)
	}
	var out, errOut bytes.Buffer
	if code := run([]string{"-postern", program, "-scale", "0.002", "-rounds", "1"}, &out, &errOut); code != 0 {
		t.Fatalf("exit code %d\n%s", code, errOut.String())
	}
	want := []string{
		"ignored_vs_consume", "w1_vs_floor", "w1_cpu_vs_floor", "w1mail_vs_floor", "w1mail_cpu_vs_floor",
		"w1mail_mirror_vs_floor", "w1e_vs_floor", "mails_vs_gomail", "sms_posts_vs_httpclient", "intake_batch_vs_publish",
		"landing_get_vs_floor", "door_post_vs_floor", "links_1m_vs_1k", "latency_p99_ms_200",
		"workflows_10000_vs_10", "post_p99_ms_under_load", "pending_100k_vs_0", "rows_per_match",
	}
	line := regexp.MustCompile(`(?m)^ratio (\S+) \S+ goal (?:>=|<=)\d+\.\d+(?: missed)?$`)
	var got []string
	for _, found := range line.FindAllStringSubmatch(out.String(), -1) {
		got = append(got, found[1])
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("figures %v\nwant    %v\n%s", got, want, out.String())
	}
}

func TestFigureLine(t *testing.T) {
	tests := map[string]struct {
		figure figure
		value  float64
		want   string
	}{
		"met":               {figure{name: "x", goal: atLeast(0.5)}, 0.53, "ratio x 0.53 goal >=0.50"},
		"met as it rounds":  {figure{name: "x", goal: atLeast(0.5)}, 0.4999, "ratio x 0.50 goal >=0.50"},
		"missed":            {figure{name: "x", goal: atLeast(0.5)}, 0.49, "ratio x 0.49 goal >=0.50 missed"},
		"at most":           {figure{name: "x", goal: atMost(10, 1)}, 10, "ratio x 10.0 goal <=10.0"},
		"more than at most": {figure{name: "x", goal: atMost(10, 1)}, 10.1, "ratio x 10.1 goal <=10.0 missed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.figure.line(test.value); got != test.want {
				t.Errorf("line %q, want %q", got, test.want)
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for p, want := range map[int]float64{0: 1, 50: 3, 80: 4, 99: 5, 100: 5} {
		if got := percentile(values, p); got != want {
			t.Errorf("percentile %d is %v, want %v", p, got, want)
		}
	}
	if got := median([]float64{1, 2, 3, 4}); got != 2 {
		t.Errorf("median %v, want 2", got)
	}
}

func TestAnEventHasItsSize(t *testing.T) {
	for _, n := range []int{1, 99_999} {
		e := ticket(n, "HelpDesk", true)
		if e.NATSSubject() == "" || len(e.Data.Record["description"]) == 0 {
			t.Errorf("event %d is %+v", n, e)
		}
	}
}
