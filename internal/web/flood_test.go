package web

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw is a server with short limits, and a connection to it that speaks without a client library.
func raw(t *testing.T, handler http.Handler, limit limits) net.Conn {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serveWithin(ctx, listener, handler, quiet(), limit) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	conn, err := net.DialTimeout("tcp", listener.Addr().String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestT86SlowHeadersAreCutOff(t *testing.T) {
	limit := usual()
	limit.header = 100 * time.Millisecond
	conn := raw(t, http.NotFoundHandler(), limit)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection is still open: %v, %q", err, rest)
	}
	if limit := usual(); limit.header > 5*time.Second || limit.read > 15*time.Second || limit.idle > time.Minute {
		t.Errorf("a connection may take %+v", limit)
	}
}

func TestT86SlowBodiesAreCutOff(t *testing.T) {
	limit := usual()
	limit.read = 100 * time.Millisecond
	read := make(chan error, 1)
	conn := raw(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	}), limit)
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nslow"); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err == nil {
		t.Error("half a body passed for a whole one")
	}
}

// T86: we speak HTTP/1.1. A proxy in front may speak HTTP/2 to browsers, and holds its resets off.
func TestT86HTTP2IsRefusedCalmly(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	handler := Log(quiet(), Recover(quiet(), mux))
	t.Run("with prior knowledge", func(t *testing.T) {
		conn := raw(t, handler, usual())
		const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+settings); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest || !response.Close {
			t.Errorf("answered %s, close %v", response.Status, response.Close)
		}
	})
	t.Run("by an upgrade", func(t *testing.T) {
		conn := raw(t, handler, usual())
		const ask = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
			"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
		if _, err := io.WriteString(conn, ask); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if response.StatusCode != http.StatusOK || string(body) != "HTTP/1.1" || err != nil {
			t.Errorf("answered %s %q, %v", response.Status, body, err)
		}
	})
}

func TestT86ManyHeaders(t *testing.T) {
	conn := raw(t, http.NotFoundHandler(), usual())
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n"+strings.Repeat("X-A: b\r\n", 10_000)+"\r\n")
	if err != nil {
		t.Log(err) // cut off while it was still sending
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %s", response.Status)
	}
}
