package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"postern/internal/mail/mailtest"
)

// mailServer starts a mail server at $SMTP, which later shows the mails it took, gives the last one back to where bounces
// go ($BOUNCES), or unsubscribes from it as a mail program does.
func (s *standIns) mailServer(ts *testscript.TestScript, _ bool, args []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	script := ts.Getenv("WORK")
	server := s.mails[script]
	if server == nil {
		server = (&mailtest.Server{}).Start(s.t)
		s.mails[script] = server
		ts.Setenv("SMTP", strconv.Itoa(server.Port))
		bounces, err := freeAddress()
		ts.Check(err)
		ts.Setenv("BOUNCES", bounces)
		return
	}
	taken := server.Mails()
	if len(args) == 0 {
		for _, mail := range taken {
			read := mailtest.Parse(s.t, mail.Raw)
			fmt.Fprintf(ts.Stdout(), "to %s\n%s\n%s", mail.To, read.Text("Subject"), read.Parts["text/plain"])
		}
		return
	}
	last := taken[len(taken)-1]
	switch args[0] {
	case "bounce":
		_, port, err := net.SplitHostPort(ts.Getenv("BOUNCES"))
		ts.Check(err)
		number, err := strconv.Atoi(port)
		ts.Check(err)
		mailtest.Bounce(s.t, number, last.From, last.To, args[1], "550 "+args[1]+" "+last.To+" is not here")
	case "unsubscribe":
		page := strings.Trim(mailtest.Parse(s.t, last.Raw).Text("List-Unsubscribe"), "<>")
		answer, err := http.PostForm(page, url.Values{"List-Unsubscribe": {"One-Click"}})
		ts.Check(err)
		ts.Check(answer.Body.Close())
		fmt.Fprintln(ts.Stdout(), answer.Status)
	}
}
