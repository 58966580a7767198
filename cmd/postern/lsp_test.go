package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"postern/internal/peer"
)

// editor is the part of an editor that talks with a YAML language server, over its standard input and output.
type editor struct {
	t        *testing.T
	to       io.Writer
	messages chan message // what the server says, in order; closed at its end
	id       int
	marks    map[string][]finding // diagnostics by URI, as published last
}

// message is a request, an answer or a notification of the protocol.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// spot is a character of a file, both from 0.
type spot struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// finding is a diagnostic.
type finding struct {
	Range   struct{ Start spot }
	Message string
}

// proposal is an entry of a completion list.
type proposal struct {
	Label         string
	Documentation any
}

// settings are an editor's that never asks the network.
const settings = `{"validate":true,"completion":true,"hover":true,"schemaStore":{"enable":false}}`

// patience is how long the server may take for one answer.
const patience = 30 * time.Second

func startEditor(t *testing.T, folder string) *editor {
	t.Helper()
	command := peer.YAMLServer(t)
	server := exec.CommandContext(t.Context(), command[0], command[1:]...)
	to, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	from, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("start the language server: %v", err)
	}
	e := &editor{t: t, to: to, messages: make(chan message), marks: map[string][]finding{}}
	done := make(chan struct{})
	go func() { defer close(e.messages); e.read(from, done) }()
	t.Cleanup(func() {
		close(done)
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	e.ask("initialize", map[string]any{
		"processId": nil, "rootUri": "file://" + folder,
		"capabilities": map[string]any{
			"workspace": map[string]any{"configuration": true},
			"textDocument": map[string]any{
				"completion": map[string]any{"completionItem": map[string]any{"snippetSupport": true}},
			},
		},
	}, nil)
	e.tell("initialized", map[string]any{})
	return e
}

// read takes messages off the server's output until it ends.
func (e *editor) read(from io.Reader, done <-chan struct{}) {
	in := bufio.NewReader(from)
	for {
		header, err := textproto.NewReader(in).ReadMIMEHeader()
		if err != nil {
			return
		}
		length, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			return
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(body, &m); err != nil {
			return
		}
		select {
		case e.messages <- m:
		case <-done:
			return
		}
	}
}

func (e *editor) send(m message) {
	e.t.Helper()
	m.Version = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(e.to, "Content-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		e.t.Fatalf("write to the language server: %v", err)
	}
}

func (e *editor) tell(method string, params any) {
	e.t.Helper()
	e.send(message{Method: method, Params: encoded(e.t, params)})
}

// ask sends a request and reads its answer into result.
func (e *editor) ask(method string, params, result any) {
	e.t.Helper()
	e.id++
	id := strconv.Itoa(e.id)
	e.send(message{ID: json.RawMessage(id), Method: method, Params: encoded(e.t, params)})
	answer := e.await(method, func(m message) bool { return m.Method == "" && string(m.ID) == id })
	if answer.Error != nil {
		e.t.Fatalf("%s: %s", method, answer.Error)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		e.t.Fatalf("%s: %v", method, err)
	}
}

// await takes messages until one is wanted, and answers what the server asks meanwhile.
func (e *editor) await(what string, wanted func(message) bool) message {
	e.t.Helper()
	late := time.After(patience)
	for {
		select {
		case m, open := <-e.messages:
			if !open {
				e.t.Fatalf("%s: the language server has ended", what)
			}
			e.take(m)
			if wanted(m) {
				return m
			}
		case <-late:
			e.t.Fatalf("%s: no answer within %s", what, patience)
		}
	}
}

func (e *editor) take(m message) {
	e.t.Helper()
	switch {
	case m.Method == "textDocument/publishDiagnostics":
		var published struct {
			URI         string
			Diagnostics []finding
		}
		if err := json.Unmarshal(m.Params, &published); err != nil {
			e.t.Fatal(err)
		}
		e.marks[published.URI] = published.Diagnostics
	case m.Method == "workspace/configuration":
		var asked struct{ Items []struct{ Section string } }
		if err := json.Unmarshal(m.Params, &asked); err != nil {
			e.t.Fatal(err)
		}
		answers := make([]json.RawMessage, len(asked.Items))
		for i, item := range asked.Items {
			if answers[i] = json.RawMessage(`{}`); item.Section == "yaml" {
				answers[i] = json.RawMessage(settings)
			}
		}
		e.send(message{ID: m.ID, Result: encoded(e.t, answers)})
	case m.Method != "" && m.ID != nil:
		e.send(message{ID: m.ID, Result: json.RawMessage("null")})
	}
}

// open shows a file to the server and returns what it marks there.
func (e *editor) open(uri, text string) []finding {
	e.t.Helper()
	e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
		"uri": uri, "languageId": "yaml", "version": 1, "text": text,
	}})
	delete(e.marks, uri)
	e.await("marks of "+uri, func(message) bool { _, ok := e.marks[uri]; return ok })
	return e.marks[uri]
}

// complete asks what may stand at a place.
func (e *editor) complete(uri string, at spot) []proposal {
	e.t.Helper()
	var list struct{ Items []proposal }
	e.ask("textDocument/completion", at.in(uri), &list)
	return list.Items
}

// hover asks what is said of a place.
func (e *editor) hover(uri string, at spot) string {
	e.t.Helper()
	var said struct{ Contents struct{ Value string } }
	e.ask("textDocument/hover", at.in(uri), &said)
	return said.Contents.Value
}

func (p spot) in(uri string) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": uri}, "position": p}
}

func encoded(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
