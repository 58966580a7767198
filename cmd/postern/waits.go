package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"postern/engine"
)

// The operations on waits. To cancel a wait is to cancel its run.
var (
	waitList = operation[waitListOrder, []waitLine]{"waits/ls", needsStore, (*house).waitLines}
	waitMove = operation[waitMoveOrder, waitLine]{"waits/move", needsStore, (*house).moveWait}
)

// waitListOrder asks for a list of waits.
type waitListOrder struct {
	Workflow string     `json:"workflow,omitempty"`
	Record   engine.Ref `json:"record,omitzero"`
	Until    time.Time  `json:"until,omitzero"`
	Limit    int        `json:"limit,omitempty"`
}

// waitMoveOrder asks for the wait of a run to be over at another time: To, or so much Later.
type waitMoveOrder struct {
	changeOrder
	To    time.Time     `json:"to,omitzero"`
	Later time.Duration `json:"later,omitempty"`
}

// waitLine is what a run waits for.
type waitLine struct {
	Run      engine.ID       `json:"run"`
	State    engine.RunState `json:"state"`
	Workflow string          `json:"workflow"`
	Record   string          `json:"record"`
	Step     string          `json:"step"` // its path
	Due      time.Time       `json:"due,omitzero"`
	Topics   []string        `json:"topics,omitempty"`
	Reason   string          `json:"reason,omitempty"`
}

func lineOfWait(l engine.WaitLine) waitLine {
	return waitLine{
		Run: l.ID, State: l.State, Workflow: l.Workflow, Record: l.Record.String(), Step: l.Step, Due: l.Due,
		Topics: l.Topics, Reason: l.Reason,
	}
}

func (h *house) waitLines(ctx context.Context, order waitListOrder) ([]waitLine, error) {
	found, err := h.store.WaitLines(ctx, engine.WaitSelection{
		Workflow: order.Workflow, Record: order.Record, Until: order.Until, Limit: order.Limit,
	})
	if err != nil {
		return nil, err
	}
	lines := make([]waitLine, len(found))
	for i, l := range found {
		lines[i] = lineOfWait(l)
	}
	return lines, nil
}

func (h *house) moveWait(ctx context.Context, order waitMoveOrder) (waitLine, error) {
	id, err := h.idOf(ctx, engine.ThingRun, order.ID)
	if err != nil {
		return waitLine{}, err
	}
	line, err := h.store.MoveWait(ctx, id, order.order(), order.To, order.Later)
	return lineOfWait(line), plainly(err)
}

// forWhat says what a run waits for: a time, a change, or either.
func (l waitLine) forWhat() string {
	begin, parts := "for ", []string{}
	if !l.Due.IsZero() {
		begin, parts = "until ", append(parts, clockText(l.Due))
	}
	for _, topic := range l.Topics {
		what, name, _ := strings.Cut(topic, ":")
		switch what {
		case "record":
			parts = append(parts, "a change of "+name)
		case "run":
			parts = append(parts, "word of its messages")
		default:
			parts = append(parts, topic)
		}
	}
	return oneLine(begin+strings.Join(parts, " or "), 300)
}

func layOutWaits(out *strings.Builder, lines []waitLine, limit int) {
	if len(lines) == 0 {
		out.WriteString("no waits\n")
		return
	}
	var t table
	t.row("RUN", "STATE", "WORKFLOW", "RECORD", "STEP", "WAITS")
	for _, l := range lines {
		t.row(shortID(l.Run), string(l.State), l.Workflow, oneLine(l.Record, 60), l.Step,
			l.forWhat()+oneLine(because(l.Reason), 200))
	}
	t.write(out)
	if len(lines) == limit {
		fmt.Fprintf(out, "\nthere may be more: --limit %d, or narrow it with --workflow or --until\n",
			min(2*limit, 1000))
	}
}
