package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"postern/internal/mail/mailtest"
	"postern/internal/mattermost/mattermosttest"
	"postern/internal/onesignal/onesignaltest"
	"postern/internal/twilio/twiliotest"
	"postern/internal/webpush/webpushtest"
)

// standIns are the providers that scripts speak with, each script with some of its own.
type standIns struct {
	t          *testing.T
	mu         sync.Mutex
	oneSignals map[string]*onesignaltest.Server // by the folder of the script
	services   map[string]*webpushtest.Service
	browsers   map[string]*webpushtest.Browser
	chats      map[string]*mattermosttest.Server
	mails      map[string]*mailtest.Server
	twilios    map[string]*twiliotest.Server
}

func newStandIns(t *testing.T) *standIns {
	return &standIns{
		t: t, oneSignals: map[string]*onesignaltest.Server{}, services: map[string]*webpushtest.Service{},
		browsers: map[string]*webpushtest.Browser{}, chats: map[string]*mattermosttest.Server{},
		mails:   map[string]*mailtest.Server{},
		twilios: map[string]*twiliotest.Server{},
	}
}

func (s *standIns) oneSignal(ts *testscript.TestScript, _ bool, args []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	script := ts.Getenv("WORK")
	server := s.oneSignals[script]
	if server == nil {
		server = onesignaltest.Start(s.t)
		server.User("12x7", true)
		s.oneSignals[script] = server
		ts.Setenv("ONESIGNAL", server.URL)
		ts.Setenv("ONESIGNAL_HOST", hostOf(server.URL))
	}
	if len(args) == 3 { // KIND ADDRESS SECRET: an event of the newest notification
		taken := server.Taken()
		event := server.Event(taken[len(taken)-1], "message.push."+args[0], time.Now())
		fmt.Fprintln(ts.Stdout(), onesignaltest.Tell(s.t, args[1], "Bearer "+args[2], event))
		return
	}
	for range args {
		for _, n := range server.Taken() {
			fmt.Fprintf(ts.Stdout(), "to %s\n%s\n%s\n%s\n", n.IncludeAliases["external_id"][0], n.Headings["en"],
				n.Contents["en"], n.URL)
		}
	}
}

func (s *standIns) browser(ts *testscript.TestScript, _ bool, args []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	script := ts.Getenv("WORK")
	service := s.services[script]
	if service == nil {
		service = webpushtest.Start(s.t)
		s.services[script] = service
		ts.Setenv("PUSH", hostOf(service.URL))
		certificate, err := os.ReadFile(service.CAFile)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("push.pem"), certificate, 0o600))
		return
	}
	if len(args) == 1 {
		s.browsers[script] = service.Subscribe(args[0])
		ts.Check(os.WriteFile(ts.MkAbs("subscription.json"), []byte(s.browsers[script].Subscription()), 0o600))
		return
	}
	for _, arrival := range s.browsers[script].Arrived() {
		fmt.Fprintf(ts.Stdout(), "%s\n", arrival.Payload)
	}
}

// mattermost starts a server with a user for each address that follows, once; then posts prints what was posted when
// something was, and press has the user of a name press the button that says something.
func (s *standIns) mattermost(ts *testscript.TestScript, _ bool, args []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	server := s.chats[ts.Getenv("WORK")]
	switch {
	case server == nil:
		server = mattermosttest.New(s.t)
		s.chats[ts.Getenv("WORK")] = server
		ts.Setenv("MATTERMOST", server.URL)
		ts.Check(os.WriteFile(ts.MkAbs("token"), []byte(server.Token), 0o600))
		for _, email := range args {
			name, _, _ := strings.Cut(email, "@")
			server.AddUser(email, name)
		}
	case args[0] == "press":
		posts := server.Posts()
		pressed, status := server.Press(posts[len(posts)-1].ID, args[2], server.User(args[1]))
		fmt.Fprintf(ts.Stdout(), "%d %s\n", status, pressed.Ephemeral)
		fallthrough
	default:
		for range 200 {
			if len(server.Posts()) > 0 {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		for _, post := range server.Posts() {
			fmt.Fprintf(ts.Stdout(), "to %s\n%s\n", post.To, post.Message)
			for _, attachment := range post.Props.Attachments {
				for _, action := range attachment.Actions {
					fmt.Fprintf(ts.Stdout(), "[%s]\n", action.Name)
				}
			}
		}
	}
}

// twilio starts the stand-in, shows what it took, or has it call back: report STATUS [CODE] of its last message, forge
// STATUS, or inbound FROM TEXT. The answer's status is printed.
func (s *standIns) twilio(ts *testscript.TestScript, _ bool, args []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	script := ts.Getenv("WORK")
	server := s.twilios[script]
	if server == nil {
		server = new(twiliotest.Server).Start(s.t)
		s.twilios[script] = server
		ts.Setenv("TWILIO", server.URL)
		ts.Setenv("TWILIO_TOKEN", twiliotest.Token)
		return
	}
	server.CallTo = proxyTo(ts.Getenv("WEB"))
	switch args[0] {
	case "shown":
		for _, m := range server.Messages() {
			fmt.Fprintf(ts.Stdout(), "to %s\n%s\n", m.To, m.Body)
		}
	case "report":
		code := 0
		if len(args) > 2 {
			code, _ = strconv.Atoi(args[2])
		}
		fmt.Fprintln(ts.Stdout(), server.Report(server.Last().ID, args[1], code))
	case "forge":
		fmt.Fprintln(ts.Stdout(), server.Forge(server.Last().ID, args[1]))
	case "inbound":
		id := fmt.Sprintf("SM%032x", len(args[2])) // the same text again is the same message
		fmt.Fprintln(ts.Stdout(), server.Inbound(ts.Getenv("CALLBACKS")+"/sms/messages", id, args[1], args[2], ""))
	}
}

// proxyTo hands requests on to a host, as the proxy in front of Postern does.
func proxyTo(host string) http.Handler {
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: host})
}

func hostOf(address string) string {
	u, _ := url.Parse(address)
	return u.Host
}
