package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
)

// heldBus keeps every publish waiting until it is released.
type heldBus struct {
	engine.Bus

	inside  atomic.Int64
	release chan struct{}
}

func (b *heldBus) Publish(ctx context.Context, _ ...*engine.Event) error {
	b.inside.Add(1)
	defer b.inside.Add(-1)
	select {
	case <-b.release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// handlerOf is the handler with all the time in the world.
func handlerOf(t *testing.T, bus engine.Bus) *events {
	return &events{
		bus: bus, keys: testKeys(t), refusing: fit, logger: quiet(), bodyTime: time.Minute, storeTime: time.Minute,
	}
}

// crowd sends so many requests at the same time to a bus that takes its time, and counts the answers.
func crowd(t *testing.T, size int, request func() *http.Request) (stored, sentAway int64, grown uint64) {
	t.Helper()
	bus := &heldBus{release: make(chan struct{})}
	handler := handlerOf(t, bus)
	before := heap()
	var answered, taken atomic.Int64
	var all sync.WaitGroup
	for range size {
		all.Go(func() {
			w := ask(handler, request())
			switch {
			case w.Code == http.StatusAccepted:
				taken.Add(1)
			case w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == retryWhenBusy &&
				strings.Contains(w.Body.String(), "too_many"):
				answered.Add(1)
			default:
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		})
	}
	for end := time.Now().Add(time.Minute); answered.Load()+bus.inside.Load() < int64(size); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("%d sent away, %d being stored", answered.Load(), bus.inside.Load())
			break
		}
	}
	grown = max(heap(), before) - before
	stored = bus.inside.Load()
	close(bus.release)
	all.Wait()
	if taken.Load() != stored {
		t.Errorf("%d were being stored, %d were", stored, taken.Load())
	}
	if code := ask(handler, request()).Code; code != http.StatusAccepted {
		t.Errorf("after the crowd one was answered %d", code)
	}
	return stored, answered.Load(), grown
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestCrowdIsSentAway(t *testing.T) {
	dense := `{"specversion":"1.0","id":"1","source":"crm","type":"record.updated","subject":"HelpDesk/1","data":{"record":{`
	var fields []string
	for i := range 15_000 { // as many small values as fit, which is what takes most memory
		fields = append(fields, fmt.Sprintf(`"f%d":%d`, i, i))
	}
	dense += strings.Join(fields, ",") + "}}}"
	list := "[" + dense + strings.Repeat(","+dense, engine.MaxBatchBytes/(len(dense)+1)-1) + "]"
	for name, test := range map[string]struct {
		request func() *http.Request
		stored  int64
		memory  uint64 // in MiB, at most
	}{
		"small events": {func() *http.Request { return post(structured) }, roomRequests, 8},
		"large events": {func() *http.Request { return post(dense) }, roomBytes / int64(len(dense)), 100},
		"large lists": {
			func() *http.Request { return post(list, "Content-Type", kindBatch) }, roomBytes / int64(len(list)), 100,
		},
		"lists of unknown length": {
			func() *http.Request {
				r := post("["+structured+"]", "Content-Type", kindBatch)
				r.ContentLength = -1
				return r
			}, roomBytes / engine.MaxBatchBytes, 8,
		},
	} {
		t.Run(name, func(t *testing.T) {
			const size = 200
			stored, sentAway, grown := crowd(t, size, test.request)
			if stored != test.stored || sentAway != size-test.stored {
				t.Errorf("%d were stored and %d sent away, want %d stored", stored, sentAway, test.stored)
			}
			t.Logf("%d bytes a request: the heap grew by %.1f MiB", test.request().ContentLength, float64(grown)/(1<<20))
			if grown>>20 > test.memory {
				t.Errorf("the heap grew by %d MiB, at most %d are planned", grown>>20, test.memory)
			}
		})
	}
}

func TestNotReadyAnswersBeforeItReads(t *testing.T) {
	handler := EventsHandler(&heldBus{}, testKeys(t), func() string { return "Postern is starting." }, quiet())
	r := post("")
	r.Body = io.NopCloser(unreadable{t})
	w := ask(handler, r)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != retryWhenDown {
		t.Errorf("answered %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	var told struct{ Code, Message string }
	if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || told.Code != "not_ready" ||
		told.Message != "Postern is starting." {
		t.Errorf("told %+v, %v", told, err)
	}
}

type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// Whoever sends slowly is told so, and gives the room back that was kept for the rest.
func TestSlowBodyIsCutOff(t *testing.T) {
	handler := handlerOf(t, testBus(t))
	handler.bodyTime = 50 * time.Millisecond
	url, stop, ended := serve(t, handler)
	defer func() { stop(); <-ended }()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := "POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: " + kindBatch + "\r\nAuthorization: Bearer " + goodKey +
		"\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(body), "too_slow") {
		t.Errorf("answered %d %s, %v", response.StatusCode, body, err)
	}
	leave, ok := handler.room.claim(roomBytes)
	if !ok {
		t.Fatal("the room was not given back")
	}
	leave()
	if ids := stored(t, handler.bus); len(ids) > 0 {
		t.Errorf("stored %q", ids)
	}
}

// The deadline of the body must not end a request whose body came in time and whose storing takes longer.
func TestBodyTimeEndsWithTheBody(t *testing.T) {
	bus := &heldBus{release: make(chan struct{})}
	handler := handlerOf(t, bus)
	handler.bodyTime = 50 * time.Millisecond
	url, stop, ended := serve(t, handler)
	defer func() { stop(); <-ended }()
	time.AfterFunc(4*handler.bodyTime, func() { close(bus.release) })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(structured))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = post(structured).Header
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		t.Errorf("answered %d", response.StatusCode)
	}
}
