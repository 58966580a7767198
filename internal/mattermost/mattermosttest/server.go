// Package mattermosttest plays a Mattermost server for tests: with users, channels, posts, the memory that keeps a
// post from being made twice, incoming webhooks, and people who press buttons. Every request and reply is held against
// a description of the API.
package mattermosttest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/internal/contract"
	"postern/internal/mattermost"
)

//go:embed testdata/mattermost.yaml
var description []byte

// pendingLife is how long a server knows a pending_post_id.
const pendingLife = 30 * time.Second

// Server is a Mattermost server with one bot and one incoming webhook.
type Server struct {
	*httptest.Server
	Token string // of the bot
	Hook  string // address of the incoming webhook

	t       testing.TB
	over    chan struct{}
	mu      sync.Mutex
	now     func() time.Time
	made    int
	bot     mattermost.User
	users   map[string]mattermost.User // by mail address
	rooms   map[string]*room           // by id
	posts   []Post                     // the oldest first
	pending map[string]pending
	plan    []Answer
	stalled bool
	cut     bool
	paths   []string
}

// room is a channel.
type room struct {
	mattermost.Channel
	Type    string `json:"type"`
	team    string
	with    string // mail address of the other one in a direct channel
	foreign bool   // the bot is no member
}

// Post is a post as the server keeps it.
type Post struct {
	mattermost.Post
	UserID   string `json:"user_id"`
	CreateAt int64  `json:"create_at"`
	UpdateAt int64  `json:"update_at"`

	To string `json:"-"` // mail address of the other one, or ~team/channel
}

type pending struct {
	post int // index into posts; -1 while it is being made
	at   time.Time
}

// Answer is given in place of what the server would do.
type Answer struct {
	Path   string // to requests whose path begins so; "" for any
	Status int
	Header map[string]string
	Body   string // JSON of an error if it is ""
	Cut    bool   // no answer at all: the connection ends
}

// New starts a server until the test ends. It goes by a clock of its own that starts at the true time.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		t: t, Token: "bot-token-that-nobody-may-see", over: make(chan struct{}), now: time.Now,
		users: map[string]mattermost.User{}, rooms: map[string]*room{}, pending: map[string]pending{},
	}
	s.bot = mattermost.User{ID: s.id(), Username: "postern"}
	s.Server = httptest.NewServer(contract.Guard(t, description, http.HandlerFunc(s.serve)))
	s.Hook = s.URL + "/hooks/" + s.id()
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(s.over) })
	return s
}

// id is the next id: 26 small letters and digits.
func (s *Server) id() string {
	s.made++
	return fmt.Sprintf("k%025d", s.made)
}

// AddUser adds a person.
func (s *Server) AddUser(email, name string) mattermost.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := mattermost.User{ID: s.id(), Username: name}
	s.users[email] = user
	return user
}

// User is a person by their mail address.
func (s *Server) User(email string) mattermost.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[email]
}

// Deactivate takes a person's account away.
func (s *Server) Deactivate(email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := s.users[email]
	user.DeleteAt = s.now().UnixMilli()
	s.users[email] = user
}

// AddChannel adds a public channel. The bot is a member unless foreign says otherwise.
func (s *Server) AddChannel(team, name string, foreign bool) mattermost.Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &room{Channel: mattermost.Channel{ID: s.id(), Name: name}, Type: "O", team: team, foreign: foreign}
	s.rooms[r.ID] = r
	return r.Channel
}

// Posts are all posts, the oldest first.
func (s *Server) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Paths are those that were asked for, in order.
func (s *Server) Paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.paths)
}

// Stall leaves everything unanswered until the test ends.
func (s *Server) Stall() { s.set(func() { s.stalled = true }) }

// Cut makes posts and hangs up in place of telling so, from now on or no longer.
func (s *Server) Cut(now bool) { s.set(func() { s.cut = now }) }

// Later moves the server's clock on.
func (s *Server) Later(d time.Duration) {
	s.set(func() {
		before := s.now
		s.now = func() time.Time { return before().Add(d) }
	})
}

// Plan gives answers to the next requests that they are for, each once, in order.
func (s *Server) Plan(answers ...Answer) { s.set(func() { s.plan = append(s.plan, answers...) }) }

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	answer, planned, stalled := s.next(r.URL.Path)
	switch {
	case stalled:
		<-s.over
		hangUp(w)
	case planned && answer.Cut:
		hangUp(w)
	case planned:
		for name, value := range answer.Header {
			w.Header().Set(name, value)
		}
		if answer.Body != "" {
			w.WriteHeader(answer.Status)
			_, _ = io.WriteString(w, answer.Body)
			return
		}
		refuse(w, answer.Status, "app.planned.error")
	case strings.HasPrefix(r.URL.Path, "/hooks/"):
		s.hook(w, r, body)
	case r.Header.Get("Authorization") != "Bearer "+s.Token:
		refuse(w, http.StatusUnauthorized, "api.context.session_expired.app_error")
	default:
		s.asBot(w, r, body)
	}
}

// next finds the answer that is planned for a request.
func (s *Server) next(path string) (answer Answer, planned, stalled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths = append(s.paths, path)
	for i, answer := range s.plan {
		if strings.HasPrefix(path, answer.Path) {
			s.plan = slices.Delete(s.plan, i, i+1)
			return answer, true, false
		}
	}
	return Answer{}, false, s.stalled
}

func (s *Server) asBot(w http.ResponseWriter, r *http.Request, body []byte) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v4/"), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/api/v4/users/me":
		reply(w, http.StatusOK, s.bot)
	case strings.HasPrefix(r.URL.Path, "/api/v4/users/email/"):
		user, ok := s.users[parts[2]]
		if !ok {
			refuse(w, http.StatusNotFound, "app.user.missing_account.const")
			return
		}
		reply(w, http.StatusOK, user)
	case r.URL.Path == "/api/v4/channels/direct":
		s.direct(w, body)
	case parts[0] == "teams":
		s.byName(w, parts[2], parts[5])
	case r.Method == http.MethodGet:
		s.since(w, r, parts[1])
	default:
		s.post(w, body)
	}
}

func (s *Server) direct(w http.ResponseWriter, body []byte) {
	var ids [2]string
	if json.Unmarshal(body, &ids) != nil || !slices.Contains(ids[:], s.bot.ID) {
		refuse(w, http.StatusForbidden, "api.context.permissions.app_error")
		return
	}
	for email, user := range s.users {
		if !slices.Contains(ids[:], user.ID) {
			continue
		}
		for _, r := range s.rooms {
			if r.with == email {
				reply(w, http.StatusCreated, r)
				return
			}
		}
		r := &room{Channel: mattermost.Channel{ID: s.id(), Name: ids[0] + "__" + ids[1]}, Type: "D", with: email}
		s.rooms[r.ID] = r
		reply(w, http.StatusCreated, r)
		return
	}
	refuse(w, http.StatusBadRequest, "api.channel.create_direct_channel.invalid_user.app_error")
}

func (s *Server) byName(w http.ResponseWriter, team, name string) {
	for _, r := range s.rooms {
		if r.team == team && r.Name == name {
			reply(w, http.StatusOK, r)
			return
		}
	}
	refuse(w, http.StatusNotFound, "app.channel.get_by_name.missing.app_error")
}

func (s *Server) since(w http.ResponseWriter, r *http.Request, channel string) {
	since, _ := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	found, order := map[string]Post{}, []string{}
	for _, post := range s.posts {
		if post.ChannelID == channel && post.UpdateAt >= since {
			found[post.ID], order = post, append([]string{post.ID}, order...)
		}
	}
	reply(w, http.StatusOK, map[string]any{"posts": found, "order": order})
}

func (s *Server) post(w http.ResponseWriter, body []byte) {
	var wanted mattermost.Post
	if err := json.Unmarshal(body, &wanted); err != nil {
		refuse(w, http.StatusBadRequest, "api.context.invalid_body_param.app_error")
		return
	}
	r := s.rooms[wanted.ChannelID]
	if r == nil || r.foreign {
		refuse(w, http.StatusForbidden, "api.context.permissions.app_error")
		return
	}
	known, again := s.pending[wanted.PendingID]
	if again = again && wanted.PendingID != "" && s.now().Sub(known.at) < pendingLife; !again {
		known = pending{s.keep(wanted, r), s.now()}
		s.pending[wanted.PendingID] = known
	}
	if s.cut {
		hangUp(w)
		return
	}
	reply(w, http.StatusCreated, s.posts[known.post])
}

// keep makes a post.
func (s *Server) keep(wanted mattermost.Post, r *room) int {
	now := s.now().UnixMilli()
	wanted.ID = s.id()
	to := r.with
	if to == "" {
		to = "~" + r.team + "/" + r.Name
	}
	s.posts = append(s.posts, Post{Post: wanted, UserID: s.bot.ID, CreateAt: now, UpdateAt: now, To: to})
	return len(s.posts) - 1
}

func (s *Server) hook(w http.ResponseWriter, r *http.Request, body []byte) {
	var said struct {
		Text        string
		Channel     string
		Props       mattermost.Props
		Attachments []mattermost.Attachment
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.URL+r.URL.Path != s.Hook:
		refuse(w, http.StatusBadRequest, "web.incoming_webhook.invalid.app_error")
		return
	case json.Unmarshal(body, &said) != nil:
		refuse(w, http.StatusBadRequest, "web.incoming_webhook.parse.app_error")
		return
	}
	to := &room{Channel: mattermost.Channel{ID: "h0000000000000000000000000", Name: "hook"}, team: "acme"}
	for _, r := range s.rooms {
		if said.Channel == r.Name {
			to = r
		}
	}
	if said.Channel != "" && to.Name != said.Channel {
		refuse(w, http.StatusNotFound, "web.incoming_webhook.channel.app_error")
		return
	}
	said.Props.Attachments = said.Attachments
	s.keep(mattermost.Post{ChannelID: to.ID, Message: said.Text, Props: said.Props}, to)
	if s.cut {
		hangUp(w)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "ok")
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// refuse is an error as the server tells it, with what a client must not repeat.
func refuse(w http.ResponseWriter, status int, id string) {
	reply(w, status, map[string]any{
		"id": id, "message": "zoe@customer.example: what a server tells may hold anything", "detailed_error": "",
		"request_id": "r0000000000000000000000000", "status_code": status,
	})
}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}
