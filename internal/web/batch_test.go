package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"postern/engine"
)

// small is a valid event of few bytes.
func small(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm","type":"record.updated","subject":"HelpDesk/17x5",`+
		`"data":{"record":{"title":%[1]q}}}`, id)
}

func postList(events ...string) *http.Request {
	return post("["+strings.Join(events, ",")+"]", "Content-Type", kindBatch)
}

// stored reads the ids of all events of the bus.
func stored(t *testing.T, bus engine.Bus) (ids []string) {
	t.Helper()
	position, err := bus.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if position.Last == 0 {
		return nil
	}
	errDone := errors.New("read")
	err = bus.Read(t.Context(), 0, 100, func(_ context.Context, entries []engine.Entry) error {
		for _, entry := range entries {
			event, err := engine.DecodeUnaddressed(entry.Header, entry.Data)
			if err != nil {
				return err
			}
			if ids = append(ids, event.ID); entry.Seq == position.Last {
				return errDone
			}
		}
		return nil
	})
	if !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	return ids
}

func TestBatchIsStored(t *testing.T) {
	bus := testBus(t)
	handler := EventsHandler(bus, testKeys(t), fit, quiet())
	for _, test := range []struct {
		request *http.Request
		answer  string
		stored  string // all ids so far
	}{
		{postList(), `{"ids":[]}`, "[]"},
		{postList(small("1")), `{"ids":["1"]}`, "[1]"},
		{postList(small("2"), small("3"), small("4")), `{"ids":["2","3","4"]}`, "[1 2 3 4]"},
		{postList(small("2"), small("3"), small("4")), `{"ids":["2","3","4"]}`, "[1 2 3 4]"}, // the same once more
		{postList(small("4"), small("5"), small("1")), `{"ids":["4","5","1"]}`, "[1 2 3 4 5]"},
		{postList(small("6"), small("6"), small("7")), `{"ids":["6","6","7"]}`, "[1 2 3 4 5 6 7]"},
		{post("["+small("8")+"]", binaryMode("Content-Type", kindBatch)...), `{"ids":["8"]}`, "[1 2 3 4 5 6 7 8]"},
	} {
		w := ask(handler, test.request)
		if w.Code != http.StatusAccepted || strings.TrimSpace(w.Body.String()) != test.answer {
			t.Fatalf("answered %d %s, want %s", w.Code, w.Body, test.answer)
		}
		if got := fmt.Sprint(stored(t, bus)); got != test.stored {
			t.Fatalf("after %s the stream holds %s, want %s", test.answer, got, test.stored)
		}
	}
}

func TestOneBadEventRefusesTheBatch(t *testing.T) {
	good := small("1")
	var many []string
	for i := range engine.MaxBatchEvents + 1 {
		many = append(many, small(fmt.Sprint(i)))
	}
	none := -1
	for name, test := range map[string]struct {
		request *http.Request
		status  int
		index   int
		message string
	}{
		"broken":          {postList(good, good, good[:30]), 400, 2, "broken JSON"},
		"no event":        {postList(good, "17"), 400, 1, "an object"},
		"no attribute":    {postList(good, strings.Replace(good, `"id"`, `"i"`, 1), good), 400, 1, `"id" is missing`},
		"as ourselves":    {postList(good, strings.Replace(good, `"crm"`, `"postern"`, 1)), 400, 1, "Postern itself"},
		"of our kind":     {postList(strings.Replace(good, "record.updated", "run.ended", 1), good), 400, 0, `"run"`},
		"no NATS subject": {postList(good, good, strings.Replace(good, "record.updated", "a b.c", 1)), 400, 2, "letters"},
		"an event":        {post(good, "Content-Type", kindBatch), 400, none, "no list"},
		"too many":        {postList(many...), 400, none, "1000"},
		"too large":       {postList(good + strings.Repeat(" ", engine.MaxBatchBytes)), 413, none, "2097152 bytes"},
		"one too large": {
			postList(good, strings.Replace(good, "17x5", strings.Repeat("7", engine.MaxEventBytes), 1)), 400, 1, "262144",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bus := testBus(t)
			w := ask(EventsHandler(bus, testKeys(t), fit, quiet()), test.request)
			var got struct {
				Code, Message string
				Index         *int
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
			index := none
			if got.Index != nil {
				index = *got.Index
			}
			if w.Code != test.status || index != test.index || !strings.Contains(got.Message, test.message) {
				t.Errorf("answered %d %s, want %d about %d with %q", w.Code, w.Body, test.status, test.index, test.message)
			}
			if ids := stored(t, bus); len(ids) > 0 {
				t.Errorf("stored %q", ids)
			}
		})
	}
}

// A list that was not stored as a whole is never answered as if it was.
func TestBatchOverAFullStream(t *testing.T) {
	handler := EventsHandler(brokenBus{err: engine.ErrFull}, testKeys(t), fit, quiet())
	w := ask(handler, postList(small("1"), small("2")))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != retryWhenFull {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

// More lists at the same time than the broker works on at once: each is stored as a whole, its events next to one another.
func TestManyListsAtTheSameTime(t *testing.T) {
	const lists, size = 70, 10
	bus := testBus(t)
	handler := handlerOf(t, bus)
	var all sync.WaitGroup
	for i := range lists {
		all.Go(func() {
			var events []string
			for j := range size {
				events = append(events, small(fmt.Sprintf("%d-%d", i, j)))
			}
			if w := ask(handler, postList(events...)); w.Code != http.StatusAccepted {
				t.Errorf("list %d was answered %d %s", i, w.Code, w.Body)
			}
		})
	}
	all.Wait()
	ids := stored(t, bus)
	if len(ids) != lists*size {
		t.Fatalf("%d events were stored, want %d", len(ids), lists*size)
	}
	for at, id := range ids {
		list, _, _ := strings.Cut(ids[at-at%size], "-")
		if want := fmt.Sprintf("%s-%d", list, at%size); id != want {
			t.Fatalf("event %d is %s, want %s", at, id, want)
		}
	}
}
