package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"postern/engine"
)

// The operations on dead letters.
var (
	deadList   = operation[deadListOrder, []deadLine]{"dead/ls", needsStore, (*house).deadLines}
	deadShow   = operation[string, deadWhole]{"dead/show", needsStore, (*house).deadWhole}
	deadReplay = operation[deadOrder, []deadFate]{"dead/replay", needsBook, (*house).replayDead}
	deadDrop   = operation[deadOrder, []engine.ID]{"dead/drop", needsStore, (*house).dropDead}
)

// deadListOrder asks for a list of dead letters.
type deadListOrder struct {
	Module string    `json:"module,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Closed bool      `json:"closed,omitempty"`
	Before string    `json:"before,omitempty"`
	Limit  int       `json:"limit,omitempty"`
}

// deadLine is a dead letter in a list.
type deadLine struct {
	ID      engine.ID `json:"id"`
	At      time.Time `json:"at"`
	Seq     uint64    `json:"seq"`
	Subject string    `json:"subject"`
	Reason  string    `json:"reason"`
	Fate    string    `json:"fate,omitempty"`
}

// deadWhole is a dead letter with what it holds: Body if that is text, else Base64.
type deadWhole struct {
	deadLine
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	Base64  []byte            `json:"body_base64,omitempty"`
}

// deadOrder asks for something to be done with dead letters.
type deadOrder struct {
	opOrder
	IDs []string `json:"ids"`
}

// deadFate is what became of one: an event, or why it is none.
type deadFate struct {
	ID      engine.ID `json:"id"`
	Event   string    `json:"event,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Error   string    `json:"error,omitempty"`
}

func lineOfDead(l engine.DeadLetter) deadLine {
	line := deadLine{ID: l.ID, At: l.At, Seq: l.Seq, Subject: l.Subject, Reason: l.Reason, Fate: l.Fate}
	if at, err := engine.ParseAddress(l.Subject); err == nil {
		line.Subject = at.Subject() // as it was published, without its partition
	}
	return line
}

func (h *house) deadLines(ctx context.Context, order deadListOrder) ([]deadLine, error) {
	sel := engine.LetterSelection{Module: order.Module, Since: order.Since, Closed: order.Closed, Limit: order.Limit}
	var err error
	if sel.Before, err = h.before(ctx, engine.ThingLetter, order.Before); err != nil {
		return nil, err
	}
	letters, err := h.store.DeadLetters(ctx, sel)
	if err != nil {
		return nil, err
	}
	lines := make([]deadLine, len(letters))
	for i, l := range letters {
		lines[i] = lineOfDead(l)
	}
	return lines, nil
}

// before finds the id that a page ends before; none for the first page.
func (h *house) before(ctx context.Context, thing engine.Thing, text string) (engine.ID, error) {
	if text == "" {
		return engine.ID{}, nil
	}
	return h.idOf(ctx, thing, text)
}

func (h *house) deadWhole(ctx context.Context, name string) (deadWhole, error) {
	letter, err := h.deadLetter(ctx, name)
	if err != nil {
		return deadWhole{}, err
	}
	whole := deadWhole{deadLine: lineOfDead(letter), Headers: letter.Header}
	if utf8.Valid(letter.Body) {
		whole.Body = string(letter.Body)
	} else {
		whole.Base64 = letter.Body
	}
	return whole, nil
}

func (h *house) deadLetter(ctx context.Context, name string) (engine.DeadLetter, error) {
	id, err := h.idOf(ctx, engine.ThingLetter, name)
	if err != nil {
		return engine.DeadLetter{}, err
	}
	letter, err := h.store.DeadLetter(ctx, id)
	return letter, plainly(err)
}

// replayDead makes events of dead letters, each by itself.
func (h *house) replayDead(ctx context.Context, order deadOrder) ([]deadFate, error) {
	fates := make([]deadFate, 0, len(order.IDs))
	for _, name := range order.IDs {
		letter, err := h.deadLetter(ctx, name)
		if err != nil {
			return fates, err
		}
		fate := deadFate{ID: letter.ID}
		event, err := letter.Read(h.bookInUse())
		if err == nil {
			fate.Event, fate.Subject = event.Type, event.Subject
			err = plainly(h.store.ReplayDeadLetter(ctx, letter.ID, event, order.order()))
		}
		if err != nil {
			fate = deadFate{ID: letter.ID, Error: err.Error()}
		}
		fates = append(fates, fate)
	}
	return fates, nil
}

// bookInUse is the engine's book or, where none runs, the one that it would have.
func (h *house) bookInUse() *engine.Book {
	if h.engine != nil {
		return h.engine.Book()
	}
	return h.book
}

func (h *house) dropDead(ctx context.Context, order deadOrder) ([]engine.ID, error) {
	ids := make([]engine.ID, 0, len(order.IDs))
	for _, name := range order.IDs { // all are found before one is dropped
		id, err := h.idOf(ctx, engine.ThingLetter, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	for i, id := range ids {
		if err := h.store.DropDeadLetter(ctx, id, order.order()); err != nil {
			return ids[:i], plainly(err)
		}
	}
	return ids, nil
}

func layOutDead(out *strings.Builder, lines []deadLine, page *listFlags) {
	if len(lines) == 0 {
		out.WriteString("no dead letters\n")
		return
	}
	var t table
	t.row("ID", "AT", "SEQ", "SUBJECT", "REASON")
	for _, l := range lines {
		reason := l.Reason
		if l.Fate != "" {
			reason = l.Fate + " (was: " + reason + ")"
		}
		t.row(shortID(l.ID), clockText(l.At), fmt.Sprint(l.Seq), oneLine(l.Subject, 60), oneLine(reason, 200))
	}
	t.write(out)
	page.more(out, len(lines), shortID(lines[len(lines)-1].ID))
}

func layOutDeadWhole(out *strings.Builder, l deadWhole) {
	var t table
	t.row("dead letter", l.ID.String())
	t.row("at", clockText(l.At))
	t.row("position", fmt.Sprint(l.Seq))
	t.row("subject", oneLine(l.Subject, 500))
	t.row("reason", oneLine(l.Reason, 1000))
	if l.Fate != "" {
		t.row("fate", oneLine(l.Fate, 1000))
	}
	for _, name := range sortedKeys(l.Headers) {
		t.row(name, oneLine(l.Headers[name], 1000))
	}
	t.write(out)
	out.WriteString("\n")
	body := l.Body
	if l.Base64 != nil {
		body = string(l.Base64)
	}
	for line := range strings.Lines(strings.ReplaceAll(indented(body), "\t", "  ")) {
		out.WriteString(printable(strings.TrimRight(line, "\r\n")) + "\n")
	}
	if l.Fate == "" {
		fmt.Fprintf(out, "\nonce it is mended: postern dead replay %s\nif it is of no use: postern dead drop %[1]s\n",
			shortID(l.ID))
	}
}

// indented is JSON laid out; other text as it is.
func indented(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if !json.Valid([]byte(text)) || encoder.Encode(json.RawMessage(text)) != nil {
		return text
	}
	return strings.TrimRight(out.String(), "\n")
}

// failedFates tells how many dead letters stayed what they are; nil for none.
func failedFates(fates []deadFate) error {
	failed := 0
	for _, fate := range fates {
		if fate.Error != "" {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return toldError{errors.New("some dead letters are still no events")}
}

func layOutFates(out *strings.Builder, fates []deadFate) {
	var t table
	for _, fate := range fates {
		if fate.Error != "" {
			t.row(shortID(fate.ID), "stays", oneLine(fate.Error, 500))
			continue
		}
		t.row(shortID(fate.ID), "is sent on", fate.Event+" of "+oneLine(fate.Subject, 200))
	}
	t.write(out)
}
