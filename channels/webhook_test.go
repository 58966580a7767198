package channels

import (
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/contract"
	"postern/internal/yamldoc"
)

//go:embed testdata/webhook.yaml
var webhookDescription []byte

const hooksToken = "t0p-secret-of-the-hooks"

// receiver is a customer's service: it takes messages, by their key once if it is told to.
type receiver struct {
	*httptest.Server

	once    bool
	over    chan struct{}
	mu      sync.Mutex
	stalled bool
	cut     bool
	answer  func(w http.ResponseWriter) // in place of taking the message; nil to take it
	taken   []hooked
}

type hooked struct {
	path   string
	header http.Header
	body   string
}

func newReceiver(t *testing.T, once bool) *receiver {
	t.Helper()
	r := &receiver{once: once, over: make(chan struct{})}
	r.Server = httptest.NewTLSServer(contract.Guard(t, webhookDescription, r))
	t.Cleanup(r.Close)
	t.Cleanup(func() { close(r.over) })
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	r.mu.Lock()
	stalled, cut, answer := r.stalled, r.cut, r.answer
	known := slices.ContainsFunc(r.taken, func(h hooked) bool {
		return h.header.Get("Idempotency-Key") == request.Header.Get("Idempotency-Key")
	})
	if err == nil && answer == nil && !stalled && request.URL.Path != "/gone" && (!r.once || !known) {
		r.taken = append(r.taken, hooked{request.URL.Path, request.Header.Clone(), string(body)})
	}
	r.mu.Unlock()
	switch {
	case request.Header.Get("Authorization") != "Bearer "+hooksToken:
		w.WriteHeader(http.StatusUnauthorized)
	case stalled:
		<-r.over
	case cut:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	case answer != nil:
		answer(w)
	case request.URL.Path == "/gone":
		w.WriteHeader(http.StatusUnprocessableEntity)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

func (r *receiver) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// hook is a channel that is configured for the receiver, with the address in a field, as far as change does not want
// it otherwise.
func (r *receiver) hook(t *testing.T, change func(*Webhook)) *Webhook {
	t.Helper()
	folder := t.TempDir()
	token, ca := filepath.Join(folder, "token"), filepath.Join(folder, "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})
	for file, text := range map[string]string{token: hooksToken + "\n", ca: string(certificate)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := WebhookKind().New().(*Webhook)
	w.Field, w.Auth.Bearer, w.Idempotent = "cf_hook", engine.Secret{File: token}, r.once
	w.Allow, w.CA = []string{"127.0.0.1"}, []string{ca}
	if change != nil {
		change(w)
	}
	o := outfit()
	o.Channel = "webhook"
	if err := w.Open(o); err != nil {
		t.Fatal(err)
	}
	return w
}

func webhookTrial(once bool) func(t *testing.T) enginetest.ChannelTrial {
	return func(t *testing.T) enginetest.ChannelTrial {
		r := newReceiver(t, once)
		return enginetest.ChannelTrial{
			Channel: r.hook(t, nil), Address: r.URL + "/messages", Refused: r.URL + "/gone",
			Stall:   func() { r.set(func() { r.stalled = true }) },
			Cut:     func() { r.set(func() { r.cut = true }) },
			Arrived: func(t *testing.T) []enginetest.Arrival { return r.arrived(t) },
		}
	}
}

// arrived is what the service has taken.
func (r *receiver) arrived(t *testing.T) []enginetest.Arrival {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []enginetest.Arrival
	for _, h := range r.taken {
		var d webhookDocument
		var keys map[string]any
		if err := json.Unmarshal([]byte(h.body), &d); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(h.body), &keys); err != nil {
			t.Fatal(err)
		}
		a := enginetest.Arrival{
			Delivery: h.header.Get("Idempotency-Key"), Address: r.URL + h.path, Subject: d.Subject, Text: d.Text, HTML: d.HTML,
		}
		for name := range h.header {
			a.Fields = append(a.Fields, name)
		}
		for name := range keys {
			a.Fields = append(a.Fields, name)
		}
		slices.Sort(a.Fields)
		all = append(all, a)
	}
	return all
}

func (r *receiver) message() engine.Message {
	m := message(1)
	m.Recipient.Address = r.URL + "/messages"
	return m
}

// What each answer means: for an address in a record, for one address for all, and where the key makes it safe.
func TestWebhookVerdicts(t *testing.T) {
	for status, want := range map[int][3]string{
		200: {"taken", "taken", "taken"}, 204: {"taken", "taken", "taken"},
		301: {"permanent", "misconfigured", "permanent"}, 400: {"permanent", "permanent", "permanent"},
		401: {"misconfigured", "misconfigured", "misconfigured"},
		403: {"misconfigured", "misconfigured", "misconfigured"},
		404: {"permanent", "misconfigured", "permanent"}, 408: {"again", "again", "again"},
		410: {"permanent", "misconfigured", "permanent"}, 422: {"permanent", "permanent", "permanent"},
		429: {"again", "again", "again"}, 500: {"unknown", "unknown", "again"},
		502: {"unknown", "unknown", "again"}, 503: {"again", "again", "again"}, 504: {"unknown", "unknown", "again"},
	} {
		for i, change := range []func(*Webhook){
			nil, func(w *Webhook) { w.URL, w.Field = "https://hooks.acme.example/x", "" },
			func(w *Webhook) { w.Idempotent = true },
		} {
			w := WebhookKind().New().(*Webhook)
			w.Field = "cf_hook"
			if change != nil {
				change(w)
			}
			if err := w.Open(outfit()); err != nil {
				t.Fatal(err)
			}
			err := w.verdict("hooks.acme.example", engine.Answer{Status: status})
			if got := verdictName(err); got != want[i] {
				t.Errorf("%d in case %d: %s, want %s", status, i, got, want[i])
			}
		}
	}
}

func verdictName(err error) string {
	switch {
	case err == nil:
		return "taken"
	case engine.IsPermanent(err):
		return "permanent"
	case engine.IsMisconfigured(err):
		return "misconfigured"
	case engine.IsUnknown(err):
		return "unknown"
	}
	return "again"
}

func TestWebhookWaitsAsLongAsItIsTold(t *testing.T) {
	r := newReceiver(t, false)
	r.answer = func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	_, err := r.hook(t, nil).Send(t.Context(), r.message())
	if engine.RetryDelay(err) != 90*time.Second || verdictName(err) != "again" {
		t.Errorf("%v after %v", err, engine.RetryDelay(err))
	}
}

// Where nobody listens nothing left, and another try may help.
func TestWebhookWithoutAReceiver(t *testing.T) {
	r := newReceiver(t, false)
	w, m := r.hook(t, nil), r.message()
	r.Close()
	m.OnLeaving = func() { t.Error("it said that the message leaves") }
	if _, err := w.Send(t.Context(), m); verdictName(err) != "again" {
		t.Error(err)
	}
}

// A page of HTML, a long one and one that is cut off say no more than their status.
func TestWebhookReadsTheStatusOnly(t *testing.T) {
	r := newReceiver(t, false)
	r.answer = func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Repeat("<html>", 100_000)) }
	if _, err := r.hook(t, nil).Send(t.Context(), r.message()); err != nil {
		t.Error(err)
	}
	r.set(func() {
		r.answer = func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "<h1>"+hooksToken)
		}
	})
	_, err := r.hook(t, nil).Send(t.Context(), r.message())
	if verdictName(err) != "again" || strings.Contains(err.Error(), hooksToken) {
		t.Error(err)
	}
}

func TestWebhookProvesWhoSends(t *testing.T) {
	r := newReceiver(t, false)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("the key"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := r.hook(t, func(w *Webhook) {
		w.Sign, w.KeyID, w.Headers = engine.Secret{File: key}, "k1", map[string]string{"X-Team": "support"}
	})
	if _, err := w.Send(t.Context(), r.message()); err != nil {
		t.Fatal(err)
	}
	got := r.taken[0].header
	covered := `postern=("@method" "@authority" "@path" "@query" "content-digest" "content-type" "idempotency-key");`
	input := got.Get("Signature-Input")
	if !strings.HasPrefix(input, covered) || !strings.Contains(input, `keyid="k1"`) ||
		got.Get("Authorization") != "Bearer "+hooksToken || got.Get("X-Team") != "support" {
		t.Errorf("%v", got)
	}
	w = r.hook(t, func(w *Webhook) { w.Auth.Bearer = engine.Secret{File: key} })
	_, err := w.Send(t.Context(), r.message())
	if !engine.IsMisconfigured(err) || strings.Contains(err.Error(), "the key") {
		t.Errorf("a token that the service does not take: %v", err)
	}
}

// What a record says must not send a message inside the house, to another scheme, or to a password.
func TestWebhookStaysOutside(t *testing.T) {
	r := newReceiver(t, false)
	w := r.hook(t, func(w *Webhook) { w.Allow = nil })
	for _, address := range []string{
		r.URL + "/messages", "https://localhost/", "https://169.254.169.254/latest", "http://hooks.example/",
		"file:///etc/passwd", "https://a:b@hooks.example/", "hooks.example", "", "https://[::1]/",
	} {
		m := r.message()
		m.Recipient.Address = address
		if _, err := w.Send(t.Context(), m); !engine.IsPermanent(err) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if len(r.taken) != 0 {
		t.Errorf("%d arrived", len(r.taken))
	}
}

// A template's own document is sent as it stands; one that is broken is not sent.
func TestWebhookSendsAWrittenDocument(t *testing.T) {
	m := message(1)
	m.Content.JSON, m.Content.Text = true, `{"card": {"title": "a \u003c b"}}`
	if body, err := webhookBody(m); err != nil || string(body) != m.Content.Text {
		t.Errorf("%s, %v", body, err)
	}
	m.Content.Text = `{"card": `
	if _, err := webhookBody(m); err == nil {
		t.Error("half a document passed")
	}
	m.Content.JSON = false
	if body, err := webhookBody(m); err != nil || !json.Valid(body) {
		t.Errorf("%s, %v", body, err)
	}
}

func bearer(rest string) string { return "field: cf_x\nauth: {bearer: " + rest + "}" }

func TestWebhookChecksItsConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"url: https://a.example\nfield: cf_x":                   "field: stands in place of url",
		"method: POST":                                          "url: is missing",
		"url: http://a.example/":                                "url: does not begin with https://",
		"url: https://u:p@a.example/":                           "url: holds a user",
		"field: cf_x\nmethod: GET":                              `method: "GET" is not one of POST, PUT, PATCH`,
		"field: cf_x\nconnections: 0":                           "connections: 0 is not",
		"field: cf_x\nexpect: [200, 2xy]":                       `expect: found "2xy": a status is`,
		"field: cf_x\nheaders: {Authorization: x}":              "headers: the header Authorization",
		"field: cf_x\nheaders: {idempotency-key: x}":            "headers: the header idempotency-key is set by",
		"field: cf_x\nheaders: {Host: x}":                       "headers: the header Host is set by",
		"field: cf_x\nheaders: {X-A: \"a\\r\\nB: c\"}":          "headers: X-A holds a line break",
		"field: cf_x\nsign: {file: none.key}":                   "sign: read secret: ",
		"field: cf_x\nsign: {env: A}\nkey_id: 'a\"'":            "key_id: ",
		"field: cf_x\ntimeout: 1h":                              "timeout is from 1s to 5m",
		"field: cf_x\nallow: [a b]":                             `allow: "a b" is no host`,
		bearer("{env: NONE_1}"):                                 "auth: environment variable NONE_1 is not set",
		bearer("{env: A}, header: {name: X, secret: {env: B}}"): "auth: a message proves",
		bearer("{}, basic: {user: 'a:b', password: {env: A}}"):  "auth: a user's name",
		bearer("{}, basic: {user: a, password: {}}"):            "auth: the secret is missing",
		bearer("{}, header: {name: Host, secret: {env: B}}"):    "auth: the header Host",
		bearer("{}, oauth2: {token_url: https://a.example, client: x, secret: {env: NO_2}}"): "auth: environment " +
			"variable NO_2",
	} {
		doc, diags := yamldoc.Parse("x.yaml", []byte(text))
		if diags.Err() != nil {
			t.Fatal(diags)
		}
		w := WebhookKind().New().(*Webhook)
		if diags := yamldoc.Decode(doc.Root(), w); diags.Err() != nil {
			t.Fatal(diags)
		}
		if err := w.Open(outfit()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestWebhookSaysWhereMessagesGo(t *testing.T) {
	w := WebhookKind().New().(*Webhook)
	if c := w.Carrier(); c.Reach != (engine.Reach{}) || c.Proper != nil || c.Kind != "webhook" {
		t.Errorf("one address for all: %+v", c)
	}
	w.Field = "cf_hook"
	c := w.Carrier()
	if c.Reach != (engine.Reach{Field: "cf_hook"}) {
		t.Errorf("an address in a field: %+v", c.Reach)
	}
	if got, err := c.Proper(" https://hooks.example/a?b=c#d "); got != "https://hooks.example/a?b=c" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := c.Proper("ftp://hooks.example/secret"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func TestWebhookExamines(t *testing.T) {
	r := newReceiver(t, false)
	w := r.hook(t, func(w *Webhook) { w.URL, w.Field = r.URL, "" })
	if found := w.Examine(t.Context(), engine.ExamineTools{}); len(found) != 1 || !found[0].Good || found[0].Hint != "" {
		t.Errorf("found %+v", found)
	}
	if came := r.arrived(t); len(came) != 0 {
		t.Errorf("an examination sent %d messages", len(came))
	}
	w.URL = "https://127.0.0.1:1/secret"
	found := w.Examine(t.Context(), engine.ExamineTools{})
	if found[0].Good || found[0].Hint == "" || strings.Contains(found[0].Text, "/secret") {
		t.Errorf("found %+v", found)
	}
	w.URL = "https://10.0.0.7/"
	if found := w.Examine(t.Context(), engine.ExamineTools{}); found[0].Good {
		t.Errorf("it went inside the house: %+v", found)
	}
	w.Field = "cf_hook"
	if found := w.Examine(t.Context(), engine.ExamineTools{}); !found[0].Good || !strings.Contains(found[0].Text, "cf_hook") {
		t.Errorf("found %+v", found)
	}
}
