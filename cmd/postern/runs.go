package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"postern/engine"
)

// The operations on runs.
var (
	runList   = operation[runListOrder, []runLine]{"runs/ls", needsStore, (*house).runLines}
	runShow   = operation[runShowOrder, runWhole]{"runs/show", needsStore, (*house).runWhole}
	runRetry  = operation[changeOrder, runLine]{"runs/retry", needsStore, (*house).retryRun}
	runCancel = operation[changeOrder, runLine]{"runs/cancel", needsStore, (*house).cancelRun}
)

// runListOrder asks for a list of runs.
type runListOrder struct {
	States   []engine.RunState `json:"states,omitempty"`
	Workflow string            `json:"workflow,omitempty"`
	Record   engine.Ref        `json:"record,omitzero"`
	Replay   int               `json:"replay,omitempty"`
	Since    time.Time         `json:"since,omitzero"`
	Before   string            `json:"before,omitempty"`
	Limit    int               `json:"limit,omitempty"`
}

// runShowOrder asks for the story of a run.
type runShowOrder struct {
	ID     string `json:"id"`
	Values bool   `json:"values,omitempty"` // with the values of the record, which may be personal
}

// runLine is a run in a list.
type runLine struct {
	ID       engine.ID       `json:"id"`
	State    engine.RunState `json:"state"`
	Workflow string          `json:"workflow"`
	Record   string          `json:"record"`
	Reason   string          `json:"reason,omitempty"`
	Replay   int             `json:"replay,omitempty"`
	Dry      bool            `json:"dry,omitempty"`
	Created  time.Time       `json:"created"`
	Updated  time.Time       `json:"updated"`
}

func lineOfRun(l engine.RunLine) runLine {
	return runLine{
		ID: l.ID, State: l.State, Workflow: l.Workflow, Record: l.Record.String(), Reason: l.Reason, Replay: l.Replay,
		Dry: l.Dry, Created: l.Created, Updated: l.Updated,
	}
}

func (h *house) runLines(ctx context.Context, order runListOrder) ([]runLine, error) {
	sel := engine.RunSelection{
		States: order.States, Workflow: order.Workflow, Record: order.Record, Replay: order.Replay, Since: order.Since,
		Limit: order.Limit,
	}
	var err error
	if sel.Before, err = h.before(ctx, engine.ThingRun, order.Before); err != nil {
		return nil, err
	}
	found, err := h.store.RunLines(ctx, sel)
	if err != nil {
		return nil, err
	}
	lines := make([]runLine, len(found))
	for i, l := range found {
		lines[i] = lineOfRun(l)
	}
	return lines, nil
}

func (h *house) runWhole(ctx context.Context, order runShowOrder) (runWhole, error) {
	id, err := h.idOf(ctx, engine.ThingRun, order.ID)
	if err != nil {
		return runWhole{}, err
	}
	story, err := h.store.RunStory(ctx, id)
	if err != nil {
		return runWhole{}, plainly(err)
	}
	return wholeOfRun(story, order.Values), nil
}

func (h *house) retryRun(ctx context.Context, order changeOrder) (runLine, error) {
	id, err := h.idOf(ctx, engine.ThingRun, order.ID)
	if err != nil {
		return runLine{}, err
	}
	line, err := h.store.RetryRun(ctx, id, order.order())
	return lineOfRun(line), plainly(err)
}

func (h *house) cancelRun(ctx context.Context, order changeOrder) (runLine, error) {
	id, err := h.idOf(ctx, engine.ThingRun, order.ID)
	if err != nil {
		return runLine{}, err
	}
	line, err := h.store.CancelRun(ctx, id, order.order(), order.Deliveries)
	if err != nil {
		return runLine{}, plainly(err)
	}
	if h.engine != nil {
		h.engine.Look(line.ID, line.Partition)
	}
	return lineOfRun(line), nil
}

func layOutRuns(out *strings.Builder, lines []runLine, page *listFlags) {
	if len(lines) == 0 {
		out.WriteString("no runs\n")
		return
	}
	var t table
	t.row("ID", "STATE", "WORKFLOW", "RECORD", "BEGAN", "REASON")
	for _, l := range lines {
		reason := l.Reason
		if mark := l.mark(); mark != "" {
			reason = strings.TrimSuffix(mark+"; "+reason, "; ")
		}
		t.row(shortID(l.ID), string(l.State), l.Workflow, oneLine(l.Record, 60), clockText(l.Created),
			oneLine(reason, 200))
	}
	t.write(out)
	page.more(out, len(lines), shortID(lines[len(lines)-1].ID))
}

// mark says that a run is of a replay.
func (l runLine) mark() string {
	switch {
	case l.Replay == 0:
		return ""
	case l.Dry:
		return fmt.Sprintf("replay %d without effects", l.Replay)
	}
	return fmt.Sprintf("replay %d", l.Replay)
}

func layOutChanged(out *strings.Builder, l runLine) {
	fmt.Fprintf(out, "run %s of %s on %s is %s%s\n", shortID(l.ID), l.Workflow, oneLine(l.Record, 100), l.State,
		because(l.Reason))
}
