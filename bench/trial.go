package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// trialTime is when a trial is given up.
const trialTime = 5 * time.Minute

// bench is what all trials share.
type bench struct {
	program string // path of postern
	folder  string // for everything, removed at the end
	rounds  int
	scale   float64 // of the number of events
	profile string  // where a CPU profile goes; "" for none
	places  int     // folders given out so far
	out     io.Writer
	errOut  io.Writer
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.errOut, format, args...) }

// events scales a number of events, to a multiple of four that is not too few.
func (b *bench) events(full int) int { return max(int(float64(full)*b.scale)/4*4, 40) }

// fresh makes an empty folder.
func (b *bench) fresh() (string, error) {
	b.places++
	folder := filepath.Join(b.folder, fmt.Sprint(b.places))
	return folder, os.MkdirAll(folder, 0o700)
}

// trial measures one or more figures.
type trial struct {
	name    string
	figures []figure
	sides   [2]string // what its two sides are called; the second is "" if there is no other side
	// open sets the trial up. The stand that it returns is closed even after an error.
	open func(ctx context.Context, b *bench) (stand, error)
}

// stand is a trial that is set up.
type stand interface {
	// measure runs a side, 0 or 1, once.
	measure(ctx context.Context, side int) (sample, error)
	close()
}

// sample is what a side showed in one round, by quantity.
type sample map[string]float64

// figure is a promised number.
type figure struct {
	name  string
	goal  goal
	value func(first, second sample) float64 // of one round
}

// goal is a bound that the figure should keep.
type goal struct {
	relation string // >= or <=
	bound    float64
	digits   int
}

func atLeast(bound float64) goal            { return goal{">=", bound, 2} }
func atMost(bound float64, digits int) goal { return goal{"<=", bound, digits} }

// met tells whether the value, as printed, keeps the goal.
func (g goal) met(value float64) bool {
	var printed float64
	_, _ = fmt.Sscan(g.text(value), &printed)
	if g.relation == ">=" {
		return printed >= g.bound
	}
	return printed <= g.bound
}

func (g goal) text(value float64) string { return fmt.Sprintf("%.*f", g.digits, value) }

// line is the figure's line of output.
func (f figure) line(value float64) string {
	line := fmt.Sprintf("ratio %s %s goal %s%s", f.name, f.goal.text(value), f.goal.relation, f.goal.text(f.goal.bound))
	if !f.goal.met(value) {
		line += " missed"
	}
	return line
}

// over is the ratio of a quantity of both sides.
func over(quantity string) func(first, second sample) float64 {
	return func(first, second sample) float64 { return first[quantity] / second[quantity] }
}

// of is a quantity of the first side alone.
func of(quantity string) func(first, second sample) float64 {
	return func(first, _ sample) float64 { return first[quantity] }
}

// try runs a trial, both sides by turns, and prints what it showed.
func (b *bench) try(ctx context.Context, t trial) error {
	ctx, cancel := context.WithTimeoutCause(ctx, trialTime, fmt.Errorf("not done within %s", trialTime))
	defer cancel()
	stand, err := t.open(ctx, b)
	if stand != nil {
		defer stand.close()
	}
	if err != nil {
		return err
	}
	var seen [2][]sample
	for round := range b.rounds {
		for side, name := range t.sides {
			if name == "" {
				seen[side] = append(seen[side], nil)
				continue
			}
			s, err := stand.measure(ctx, side)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			b.say("%s %d/%d %-8s %s\n", t.name, round+1, b.rounds, name, s)
			seen[side] = append(seen[side], s)
		}
	}
	b.report(t, seen)
	return nil
}

// report prints the median of each figure, and of each quantity of both sides.
func (b *bench) report(t trial, seen [2][]sample) {
	for _, f := range t.figures {
		var values []float64
		for round := range seen[0] {
			values = append(values, f.value(seen[0][round], seen[1][round]))
		}
		_, _ = fmt.Fprintln(b.out, f.line(median(values)))
	}
	for side, name := range t.sides {
		if name != "" {
			_, _ = fmt.Fprintf(b.out, "  %-16s %-10s %s\n", t.name, name, medians(seen[side]))
		}
	}
}

// String lists the quantities in the order of their names.
func (s sample) String() string {
	var parts []string
	for _, name := range sorted(s) {
		parts = append(parts, amount(s[name])+" "+name)
	}
	return strings.Join(parts, " · ")
}

// amount writes a number with three or four digits that count.
func amount(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func medians(samples []sample) sample {
	m := sample{}
	for quantity := range samples[0] {
		var values []float64
		for _, s := range samples {
			values = append(values, s[quantity])
		}
		m[quantity] = median(values)
	}
	return m
}

// median is the middle value; the lower one of two.
func median(values []float64) float64 { return percentile(values, 50) }

// percentile is the smallest value that p of a hundred values do not exceed.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return 0
	}
	ordered := slices.Sorted(slices.Values(values))
	return ordered[max((len(ordered)*p+99)/100-1, 0)]
}

func sorted(s sample) []string {
	var keys []string
	for k := range s {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// choose returns the trial of a name, or that which has the figure of this name.
func choose(all []trial, name string) []trial {
	if name == "" {
		return all
	}
	i := slices.IndexFunc(all, func(t trial) bool {
		return t.name == name || slices.ContainsFunc(t.figures, func(f figure) bool { return f.name == name })
	})
	if i < 0 {
		return nil
	}
	return all[i : i+1]
}

func names(all []trial) (list []string) {
	for _, t := range all {
		list = append(list, t.name)
	}
	return list
}
