package channels

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/mattermost"
	"postern/internal/mattermost/mattermosttest"
	"postern/internal/yamldoc"
)

// chat is a channel with its server, and a door that takes presses.
type chat struct {
	*Mattermost
	server *mattermosttest.Server
	zoe    mattermost.User

	mu      sync.Mutex
	presses []engine.Press
	answer  engine.Pressed
	broken  error
}

func newChat(t *testing.T, change func(*Mattermost)) *chat {
	t.Helper()
	c := &chat{server: mattermosttest.New(t)}
	c.zoe = c.server.AddUser("zoe@customer.example", "zoe")
	m := MattermostKind().New().(*Mattermost)
	m.URL, m.Team, m.Token = c.server.URL, "acme", secret(t, c.server.Token)
	if change != nil {
		change(m)
	}
	c.Mattermost = m
	callbacks := httptest.NewServer(mattermosttest.Callbacks(t, m.Callbacks()))
	t.Cleanup(callbacks.Close)
	o := outfit()
	o.Logger = slog.New(slog.DiscardHandler)
	o.Channel, o.Callbacks, o.Press = "mattermost", callbacks.URL, c.take
	o.Key = func(purpose string) []byte { return []byte("32 bytes of " + purpose) }
	if err := m.Open(o); err != nil {
		t.Fatal(err)
	}
	return c
}

func secret(t *testing.T, value string) engine.Secret {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
	return engine.Secret{File: file}
}

func (c *chat) take(_ context.Context, p engine.Press) (engine.Pressed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.presses = append(c.presses, p)
	if p == (engine.Press{}) && c.broken == nil {
		return engine.Pressed{Over: true, Text: "This does not work."}, nil
	}
	return c.answer, c.broken
}

// plainText is what of a message arrives in a chat: the text.
func plainText(content engine.Content) engine.Content { return engine.Content{Text: content.Text} }

func mattermostTrial(t *testing.T) enginetest.ChannelTrial {
	c := newChat(t, nil)
	return enginetest.ChannelTrial{
		Channel: c.Mattermost, Address: "zoe@customer.example", Refused: gone, Carries: plainText,
		MaxText: mattermost.MaxMessage - outcomeRoom, Stall: c.server.Stall,
		Cut:     func() { c.server.Cut(true) },
		Arrived: func(t *testing.T) []enginetest.Arrival { return c.arrived(t) },
	}
}

func hookTrial(t *testing.T) enginetest.ChannelTrial {
	c := chatByHook(t)
	c.server.AddChannel("acme", "support", false)
	return enginetest.ChannelTrial{
		Channel: c.Mattermost, Address: "~acme/support", Refused: "~nowhere", Carries: plainText,
		MaxText: mattermost.MaxMessage - outcomeRoom, Stall: c.server.Stall,
		Cut:     func() { c.server.Cut(true) },
		Arrived: func(t *testing.T) []enginetest.Arrival { return c.arrived(t) },
	}
}

func chatByHook(t *testing.T) *chat {
	t.Helper()
	c := newChat(t, nil)
	m := MattermostKind().New().(*Mattermost)
	m.Hook = secret(t, c.server.Hook)
	o := c.outfit
	if err := m.Open(o); err != nil {
		t.Fatal(err)
	}
	callbacks := httptest.NewServer(mattermosttest.Callbacks(t, m.Callbacks()))
	t.Cleanup(callbacks.Close)
	m.outfit.Callbacks = callbacks.URL
	c.Mattermost = m
	return c
}

func (c *chat) arrived(t *testing.T) []enginetest.Arrival {
	t.Helper()
	var all []enginetest.Arrival
	for _, post := range c.server.Posts() {
		a := enginetest.Arrival{Delivery: post.Props.Delivery, Address: post.To, Text: post.Message}
		if len(post.Props.Attachments) > 0 {
			a.Fields = []string{"attachments"}
		}
		all = append(all, a)
	}
	return all
}

// letter is a message with a button, planned a moment ago.
func (c *chat) letter(to string) engine.Message {
	m := message(7)
	m.Created, m.Recipient.Address = time.Now(), to
	m.Content = engine.Content{Language: "en", Text: "Ticket TT5 is waiting.", Buttons: []engine.Button{
		{
			Link: engine.DerivedID(engine.ID{}, "link"), Generation: 1, Action: "resolve", Label: "It is resolved",
			Expires: time.Now().Add(time.Hour),
		},
		{
			Link: engine.DerivedID(engine.ID{}, "link"), Generation: 1, Action: "reopen", Label: "Open it again",
			Expires: time.Now().Add(time.Hour),
		},
	}}
	return m
}

func (c *chat) post(t *testing.T, m engine.Message) mattermosttest.Post {
	t.Helper()
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	posts := c.server.Posts()
	return posts[len(posts)-1]
}

func TestMattermostPressesAButton(t *testing.T) {
	for kind, c := range map[string]*chat{"bot": newChat(t, nil), "hook": chatByHook(t)} {
		to := "zoe@customer.example"
		if kind == "hook" {
			to = ""
		}
		c.answer = engine.Pressed{Done: true, First: true, Over: true, Text: "Saved."}
		post := c.post(t, c.letter(to))
		pressed, status := c.server.Press(post.ID, "It is resolved", c.zoe)
		if status != http.StatusOK || pressed.Ephemeral != "Saved." {
			t.Errorf("%s: %d %+v", kind, status, pressed)
		}
		want := engine.Press{
			Link: engine.DerivedID(engine.ID{}, "link"), Generation: 1, Action: "resolve", By: "mattermost:" + c.zoe.ID,
		}
		if len(c.presses) != 1 || c.presses[0] != want {
			t.Errorf("%s: the door was asked for %+v", kind, c.presses)
		}
		posts := c.server.Posts()
		now := posts[len(posts)-1]
		if now.Message != "Ticket TT5 is waiting.\n\n✓ **It is resolved** · zoe" || len(now.Props.Attachments) != 0 ||
			now.Props.Delivery != post.Props.Delivery {
			t.Errorf("%s: the post became %+v", kind, now)
		}
	}
}

// What can be taken back has a button for that, as long as it can.
func TestMattermostTakesAPressBack(t *testing.T) {
	for kind, c := range map[string]*chat{"bot": newChat(t, nil), "hook": chatByHook(t)} {
		to := "zoe@customer.example"
		if kind == "hook" {
			to = ""
		}
		c.answer = engine.Pressed{
			Done: true, First: true, Text: "Saved.", Undo: "Take it back", Until: time.Now().Add(time.Minute),
		}
		post := c.post(t, c.letter(to))
		c.server.Press(post.ID, "It is resolved", c.zoe)
		c.answer = engine.Pressed{Done: true, First: true, Text: "As it was."}
		pressed, _ := c.server.Press(post.ID, "Take it back", c.zoe)
		if pressed.Update == nil || pressed.Update.Message != "Ticket TT5 is waiting.\n\n↶ **Take it back** · zoe" ||
			len(pressed.Update.Props.Attachments) != 0 {
			t.Errorf("%s: %+v", kind, pressed)
		}
		if last := c.presses[len(c.presses)-1]; last.Action != engine.PressUndo || last.Generation != 1 {
			t.Errorf("%s: the door was asked for %+v", kind, last)
		}
	}
}

// What the door did not do leaves the buttons, unless nothing can be done any more.
func TestMattermostPressesThatDoNothing(t *testing.T) {
	c := newChat(t, nil)
	post := c.post(t, c.letter("zoe@customer.example"))
	c.answer = engine.Pressed{Text: "Not offered."}
	if pressed, _ := c.server.Press(post.ID, "Open it again", c.zoe); pressed.Update != nil ||
		pressed.Ephemeral != "Not offered." {
		t.Errorf("%+v", pressed)
	}
	c.answer = engine.Pressed{Done: true, Text: "Done a moment ago."}
	if pressed, _ := c.server.Press(post.ID, "Open it again", c.zoe); pressed.Update != nil {
		t.Errorf("a second press takes the name of the first away: %+v", pressed)
	}
	c.answer = engine.Pressed{Over: true, Text: "It has expired."}
	pressed, _ := c.server.Press(post.ID, "Open it again", c.zoe)
	if pressed.Update == nil || !strings.HasSuffix(pressed.Update.Message, "\n\nIt has expired.") {
		t.Errorf("%+v", pressed)
	}
	c.broken = errors.New("no store")
	body, err := json.Marshal(mattermost.Press{UserID: c.zoe.ID, Context: json.RawMessage("{}")})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	c.Callbacks().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/press", bytes.NewReader(body)))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("a door that is broken answers %d", w.Code)
	}
}

// Nobody but us makes a button: not for another action, link, message, channel or time.
func TestMattermostButtonsCannotBeForged(t *testing.T) {
	c := newChat(t, nil)
	post := c.post(t, c.letter("zoe@customer.example"))
	action := post.Props.Attachments[0].Actions[0]
	genuine := mattermost.Press{
		UserID: c.zoe.ID, UserName: "zoe", ChannelID: post.ChannelID, PostID: post.ID, Context: action.Integration.Context,
	}
	forge := func(change func(b *button)) mattermost.Press {
		var b button
		if err := json.Unmarshal(action.Integration.Context, &b); err != nil {
			t.Fatal(err)
		}
		change(&b)
		forged := genuine
		forged.Context, _ = json.Marshal(b)
		return forged
	}
	other := genuine
	other.ChannelID = c.server.AddChannel("acme", "elsewhere", false).ID
	for name, press := range map[string]mattermost.Press{
		"another action":     forge(func(b *button) { b.Action = "delete" }),
		"another link":       forge(func(b *button) { b.Link = engine.DerivedID(engine.ID{}, "other").String() }),
		"another generation": forge(func(b *button) { b.Generation = 2 }),
		"another message":    forge(func(b *button) { b.Delivery = engine.DerivedID(engine.ID{}, "other").String() }),
		"a longer life":      forge(func(b *button) { b.Expires += 1e6 }),
		"no mark":            forge(func(b *button) { b.Mark = "" }),
		"no link":            forge(func(b *button) { b.Link = "x" }),
		"another channel":    other,
	} {
		pressed, status := c.server.Send(action.Integration.URL, press)
		if status != http.StatusOK || pressed.Update != nil || pressed.Ephemeral != "This does not work." {
			t.Errorf("%s: %d %+v", name, status, pressed)
		}
	}
	for _, asked := range c.presses {
		if asked != (engine.Press{}) {
			t.Errorf("the door was asked for %+v", asked)
		}
	}
	if _, status := c.server.Send(action.Integration.URL, genuine); status != http.StatusOK || len(c.presses) != 9 ||
		c.presses[8].Action != "resolve" {
		t.Errorf("the genuine one: %d, %+v", status, c.presses)
	}
}

// A button whose time is over asks the door for nothing but words.
func TestMattermostButtonsExpire(t *testing.T) {
	c := newChat(t, nil)
	m := c.letter("zoe@customer.example")
	m.Content.Buttons[0].Expires = time.Now().Add(-time.Second)
	post := c.post(t, m)
	pressed, _ := c.server.Press(post.ID, "It is resolved", c.zoe)
	if pressed.Update != nil || len(c.presses) != 1 || c.presses[0] != (engine.Press{}) {
		t.Errorf("%+v, %+v", pressed, c.presses)
	}
}

func TestMattermostCallbacksTakeNothingElse(t *testing.T) {
	c := newChat(t, nil)
	for _, one := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/press", "{", 400},
		{"POST", "/press", "{}", 400},
		{"GET", "/press", "", 405},
		{"POST", "/other", "{}", 404},
		{"POST", "/press", strings.Repeat("x", maxPress+1), 400},
		{"POST", "/press", `{"user_id":"../../etc","context":{}}`, 400},
	} {
		w := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), one.method, one.path, strings.NewReader(one.body))
		c.Callbacks().ServeHTTP(w, request)
		if w.Code != one.want {
			t.Errorf("%s %s: %d, want %d", one.method, one.path, w.Code, one.want)
		}
	}
	if len(c.presses) != 0 {
		t.Errorf("the door was asked: %+v", c.presses)
	}
}

// For 30 s the server knows a repetition itself, later the post is found by its name.
func TestMattermostPostsOnce(t *testing.T) {
	for _, later := range []time.Duration{5 * time.Second, time.Hour} {
		c := newChat(t, nil)
		clock := enginetest.NewClock(time.Now())
		c.outfit.Clock, c.bot.Now = clock, clock.Now
		m := c.letter("zoe@customer.example")
		c.server.Cut(true)
		if _, err := c.Send(t.Context(), m); !engine.IsUnknown(err) {
			t.Fatal(err)
		}
		c.server.Cut(false)
		clock.Advance(later)
		c.server.Later(later)
		receipt, err := c.Send(t.Context(), m)
		if posts := c.server.Posts(); err != nil || len(posts) != 1 || receipt.ID != posts[0].ID {
			t.Errorf("after %v: %d posts, %+v, %v", later, len(posts), receipt, err)
		}
	}
}

func TestMattermostVerdicts(t *testing.T) {
	header := func(name string) map[string]string { return map[string]string{name: "7"} }
	for name, one := range map[string]struct {
		answer mattermosttest.Answer
		want   string
		after  time.Duration
	}{
		"429": {mattermosttest.Answer{
			Path: "/api/v4/posts", Status: 429, Header: header("Retry-After"),
		}, "again", 7 * time.Second},
		"429, in its way": {mattermosttest.Answer{
			Path: "/api/v4/users", Status: 429, Header: header("X-Ratelimit-Reset"),
		}, "again", 7 * time.Second},
		"500 to a post": {mattermosttest.Answer{Path: "/api/v4/posts", Status: 500}, "unknown", 0},
		"HTML of a proxy": {mattermosttest.Answer{
			Path: "/api/v4/posts", Status: 503, Body: "<h1>zoe@customer.example",
		}, "again", 0},
		"502 to a look":  {mattermosttest.Answer{Path: "/api/v4/users", Status: 502}, "again", 0},
		"a look cut off": {mattermosttest.Answer{Path: "/api/v4/channels", Cut: true}, "again", 0},
		"token refused":  {mattermosttest.Answer{Path: "/api/v4/users", Status: 401}, "misconfigured", 0},
		"not allowed":    {mattermosttest.Answer{Path: "/api/v4/posts", Status: 403}, "misconfigured", 0},
		"switched off":   {mattermosttest.Answer{Path: "/api/v4/posts", Status: 501}, "misconfigured", 0},
		"refused":        {mattermosttest.Answer{Path: "/api/v4/posts", Status: 400}, "permanent", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChat(t, nil)
			c.server.Plan(one.answer)
			_, err := c.Send(t.Context(), c.letter("zoe@customer.example"))
			if verdictName(err) != one.want || engine.RetryDelay(err) != one.after {
				t.Errorf("%v after %v", err, engine.RetryDelay(err))
			}
			if err != nil && (strings.Contains(err.Error(), "zoe@") || strings.Contains(err.Error(), c.server.Token)) {
				t.Errorf("the error tells too much: %v", err)
			}
			c.post(t, c.letter("zoe@customer.example")) // the next one goes through
		})
	}
}

func TestMattermostRecipients(t *testing.T) {
	c := newChat(t, nil)
	c.server.AddChannel("acme", "support", false)
	c.server.AddChannel("acme", "board", true)
	c.server.AddUser("old@customer.example", "old")
	c.server.Deactivate("old@customer.example")
	for to, want := range map[string]string{
		"~acme/support": "taken", "~support": "taken", "~acme/nowhere": "permanent", "~acme/board": "permanent",
		"old@customer.example": "permanent", "nobody@customer.example": "permanent", "zoe": "permanent",
		"~../x": "permanent",
	} {
		if _, err := c.Send(t.Context(), c.letter(to)); verdictName(err) != want {
			t.Errorf("%s: %v, want %s", to, err, want)
		}
	}
	for _, post := range c.server.Posts() {
		if post.To != "~acme/support" {
			t.Errorf("a post went to %s", post.To)
		}
	}
}

// Three requests for the first message to somebody, one for each that follows.
func TestMattermostKnowsWhereAddressesLead(t *testing.T) {
	c := newChat(t, nil)
	for n := range 3 {
		m := c.letter("zoe@customer.example")
		m.Delivery = engine.DerivedID(engine.ID{}, string(rune('a'+n)))
		c.post(t, m)
	}
	if n := len(c.server.Paths()); n != 6 {
		t.Errorf("%d requests: %v", n, c.server.Paths())
	}
}

func TestMattermostShortensWhatIsTooLong(t *testing.T) {
	c := newChat(t, nil)
	m := c.letter("zoe@customer.example")
	m.Content.Text, m.Content.Link = strings.Repeat("é", 20_000), "https://go.acme.example/l/token"
	text := c.post(t, m).Message
	if n := len([]rune(text)); n > mattermost.MaxMessage || !strings.HasSuffix(text, "é…\n\n"+m.Content.Link) {
		t.Errorf("%d characters that end in %q", n, text[len(text)-60:])
	}
}

// T46: a name is shown, and calls nobody.
func TestMattermostNamesAreNoMentions(t *testing.T) {
	for name, want := range map[string]string{"zoe": "zoe", "@all": "all", "a_b*c[x](y)": "abcxy", "Zoë": "zo"} {
		if got := userName(name); got != want {
			t.Errorf("%q is shown as %q", name, got)
		}
	}
}

func TestMattermostChecksItsConfiguration(t *testing.T) {
	bot := "url: https://chat.acme.example\n"
	for text, want := range map[string]string{
		"team: acme": "url: is missing",
		"url: http://chat.acme.example\ntoken: {env: A}":   "url: ",
		"url: https://chat.acme.example/\ntoken: {env: A}": "url: ",
		bot:                                   "token: is missing",
		bot + "token: {env: NONE_3}":          "token: environment variable NONE_3 is not set",
		bot + "token: {env: A}\nteam: Acme X": "team: ",
		bot + "hook: {env: A}":                "hook: stands in place",
		"hook: {env: NONE_3}":                 "hook: environment variable NONE_3 is not set",
		bot + "token: {env: A}\nca: /no/such": "ca: ",
		bot + "token: {env: A}\ntimeout: 1h":  "timeout: ",
	} {
		doc, diags := yamldoc.Parse("x.yaml", []byte(text))
		if diags.Err() != nil {
			t.Fatal(diags)
		}
		m := MattermostKind().New().(*Mattermost)
		if diags := yamldoc.Decode(doc.Root(), m); diags.Err() != nil {
			t.Fatal(diags)
		}
		if err := m.Open(outfit()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// oneAddress knows one address for every name.
type oneAddress struct{ ip string }

func (r oneAddress) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return []net.IPAddr{{IP: net.ParseIP(r.ip)}}, nil
}
func (oneAddress) LookupTXT(context.Context, string) ([]string, error)  { return nil, nil }
func (oneAddress) LookupMX(context.Context, string) ([]*net.MX, error)  { return nil, nil }
func (oneAddress) LookupAddr(context.Context, string) ([]string, error) { return nil, nil }

func TestMattermostExamines(t *testing.T) {
	c := newChat(t, nil)
	c.outfit.Callbacks = "https://go.acme.example/callbacks/mattermost"
	examine := func(ip string) string {
		var said []string
		for _, f := range c.Examine(t.Context(), engine.ExamineTools{Resolver: oneAddress{ip}}) {
			if f.Good != (f.Hint == "") {
				t.Errorf("%+v", f)
			}
			said = append(said, f.What+": "+f.Text+" "+f.Hint)
		}
		return strings.Join(said, "\n")
	}
	if said := examine("93.184.216.34"); !strings.Contains(said, "that of postern") ||
		!strings.Contains(said, "the server calls https://go.acme.example/callbacks/mattermost/press") {
		t.Error(said)
	}
	if said := examine("10.0.0.7"); !strings.Contains(said, "AllowedUntrustedInternalConnections") {
		t.Error(said)
	}
	c.Token = secret(t, "another")
	c.bot.Token = c.Token.Reveal
	if said := examine("10.0.0.7"); !strings.Contains(said, "mattermost answered 401") {
		t.Error(said)
	}
	if len(c.server.Posts()) != 0 {
		t.Error("examining sent something")
	}
}
