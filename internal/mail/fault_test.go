package mail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postern/engine"
	"postern/internal/mail/mailtest"
)

// verdict is an error's verdict as a word.
func verdict(err error) string {
	switch {
	case err == nil:
		return "sent"
	case engine.IsPermanent(err):
		return "permanent"
	case engine.IsUnknown(err):
		return "unknown"
	case engine.IsMisconfigured(err):
		return "misconfigured"
	case engine.RetryDelay(err) > 0:
		return "later"
	}
	return "retry"
}

// unwatched is for letters of which nobody minds when they leave.
func unwatched() {}

func pool(t testing.TB, port int, change func(*Server)) *Pool {
	t.Helper()
	server := Server{
		Host: "127.0.0.1", Port: port, TLS: None, Hello: "client.test", Connections: 8, Timeout: 5 * time.Second,
	}
	if change != nil {
		change(&server)
	}
	p := NewPool(server, engine.SystemClock{})
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func letter(t testing.TB) Letter {
	t.Helper()
	written, err := letterhead.Write(message())
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func TestRepliesAndTheirVerdicts(t *testing.T) {
	tests := []struct {
		code             int
		mail, rcpt, body string
	}{
		{421, "retry", "retry", "retry"},
		{450, "later", "later", "later"},
		{451, "later", "later", "later"},
		{452, "retry", "retry", "retry"},
		{530, "misconfigured", "misconfigured", "misconfigured"},
		{550, "misconfigured", "permanent", "permanent"},
		{552, "permanent", "permanent", "permanent"},
		{554, "misconfigured", "permanent", "permanent"},
	}
	for _, test := range tests {
		for at, want := range map[step]string{atMail: test.mail, atRcpt: test.rcpt, atDot: test.body} {
			t.Run(fmt.Sprint(test.code, " at ", at), func(t *testing.T) {
				refuse := true
				reply := func(here step) error {
					if here != at || !refuse {
						return nil
					}
					refuse = false
					return mailtest.Refuse(test.code, test.code/100, 7, 1, "no Zoe <ZOE@customer.example>\r\nor zoe")
				}
				server := (&mailtest.Server{
					OnMail: func(*mailtest.Dialogue) error { return reply(atMail) },
					OnRcpt: func(*mailtest.Dialogue, string) error { return reply(atRcpt) },
					OnDot:  func(*mailtest.Dialogue, mailtest.Mail) error { return reply(atDot) },
				}).Start(t)
				p := pool(t, server.Port, nil)
				_, err := p.Send(t.Context(), letter(t), unwatched)
				if got := verdict(err); got != want {
					t.Errorf("verdict %s, want %s: %v", got, want, err)
				}
				if at != atMail && strings.Contains(strings.ToLower(err.Error()), "zoe") {
					t.Errorf("the error names the recipient: %v", err)
				}
				if !strings.Contains(err.Error(), fmt.Sprint(test.code)) || strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("the error does not tell the reply in one line: %q", err)
				}
				if _, err := p.Send(t.Context(), letter(t), unwatched); err != nil {
					t.Errorf("the next letter: %v", err)
				}
			})
		}
	}
}

// script is a server that speaks line by line: it says what comes before the first line it expects, and so on. A line
// to expect is the beginning of a command; "." is the final dot. When the script ends the server hangs up.
type script []struct{ say, expect string }

func (s script) start(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.play(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().(*net.TCPAddr).Port
}

func (s script) play(conn net.Conn) {
	lines := bufio.NewReader(conn)
	for _, act := range s {
		if _, err := io.WriteString(conn, act.say); err != nil {
			return
		}
		for act.expect != "" {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if strings.HasPrefix(line, act.expect) && (act.expect != "." || line == ".\r\n") {
				break
			}
		}
	}
}

func TestLostDialoguesAndTheirVerdicts(t *testing.T) {
	hello := script{{"220 hi\r\n", "EHLO"}, {"250 hi\r\n", "MAIL"}, {"250 ok\r\n", "RCPT"}, {"250 ok\r\n", "DATA"}}
	upTo := func(n int, more script) script { return append(append(script{}, hello[:n]...), more...) }
	said := func(last string) script { return upTo(4, script{{"354 go\r\n", "."}, {last + "\r\n", "QUIT"}}) }
	tests := map[string]struct {
		script script
		want   string
	}{
		"hangs up at once":             {script{}, "retry"},
		"hangs up at EHLO":             {hello[:1], "retry"},
		"hangs up at MAIL":             {hello[:2], "retry"},
		"hangs up at RCPT":             {hello[:3], "retry"},
		"hangs up at DATA":             {hello[:4], "retry"},
		"hangs up after the dot":       {upTo(4, script{{"354 go\r\n", "."}}), "unknown"},
		"nonsense after the dot":       {said("zoe@customer.example"), "unknown"},
		"354 after the dot":            {said("354 more"), "unknown"},
		"refuses in the greeting":      {script{{"554 go away\r\n", "QUIT"}}, "misconfigured"},
		"busy in the greeting":         {script{{"421 busy\r\n", "QUIT"}}, "retry"},
		"nonsense for RCPT":            {upTo(2, script{{"250 ok\r\n", "RCPT"}, {"zoe is out\r\n", "QUIT"}}), "retry"},
		"250 for DATA":                 {upTo(3, script{{"250 ok\r\n", "DATA"}, {"250 ok\r\n", "RSET"}}), "retry"},
		"several lines at RCPT":        {upTo(3, script{{"550-no\r\n550 never\r\n", "RSET"}}), "permanent"},
		"several lines after the dot":  {said("250-ok\r\n250 queued as X1"), "sent"},
		"answers in the middle of it":  {upTo(4, script{{"354 go\r\n552 5.3.4 too big\r\n", "."}}), "permanent"},
		"hangs up in the body's midst": {upTo(4, script{{"354 go\r\n", "Subject"}}), "retry"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := letter(t)
			if strings.Contains(name, "midst") { // more than the network buffers in between
				l.Raw = append(l.Raw, []byte(strings.Repeat(strings.Repeat("x", 70)+"\r\n", 400_000))...)
			}
			left := false
			_, err := pool(t, test.script.start(t), nil).Send(t.Context(), l, func() { left = true })
			got := verdict(err)
			if got != test.want {
				t.Errorf("verdict %s, want %s: %v", got, test.want, err)
			}
			if !left && (got == "unknown" || got == "sent") {
				t.Errorf("%s, but nobody was told that it leaves", got)
			}
			if err != nil && strings.Contains(err.Error(), "zoe") {
				t.Errorf("the error names the recipient: %v", err)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	port := script{}.start(t)
	p := pool(t, port, func(s *Server) { s.Host = "127.0.0.2" })
	if _, err := p.Send(t.Context(), letter(t), unwatched); verdict(err) != "retry" {
		t.Errorf("verdict %s: %v", verdict(err), err)
	}
}

func TestDeadlineHoldsForTheWholeDialogue(t *testing.T) {
	for at, want := range map[step]string{atRcpt: "retry", atDot: "unknown"} {
		for _, ender := range []string{"context", "timeout"} {
			t.Run(string(at)+" by "+ender, func(t *testing.T) {
				p := pool(t, stuck(t, at).Port, nil)
				ctx := t.Context()
				if ender == "context" {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
					defer cancel()
				} else {
					p.server.Timeout = 100 * time.Millisecond
				}
				began := time.Now()
				_, err := p.Send(ctx, letter(t), unwatched)
				if got := verdict(err); got != want || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("verdict %s, want %s: %v", got, want, err)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("took %v", took)
				}
			})
		}
	}
}

// stuck is a server that gives no answer at a step until the test ends.
func stuck(t *testing.T, at step) *mailtest.Server {
	t.Helper()
	over := make(chan struct{})
	wait := func(here step) error {
		if here == at {
			<-over
		}
		return nil
	}
	server := (&mailtest.Server{
		OnRcpt: func(*mailtest.Dialogue, string) error { return wait(atRcpt) },
		OnDot:  func(*mailtest.Dialogue, mailtest.Mail) error { return wait(atDot) },
	}).Start(t)
	t.Cleanup(func() { close(over) })
	return server
}

func TestVeil(t *testing.T) {
	tests := []struct{ text, want string }{
		{"5.1.1 <zoe@x.example>: no such user", "5.1.1 <z…@x.example>: no such user"},
		{"ZOE@X.EXAMPLE unknown; Zoe? zoe zoe", "z…@x.example unknown; …? … …"},
		{"zoey and joe@y.example stay apart", "zoey and j…@y.example stay apart"},
		{"line\none\r\ntwo\x00", "line one two"},
		{strings.Repeat("long ", 100), strings.TrimSpace(strings.Repeat("long ", 40)) + "…"},
	}
	for _, test := range tests {
		if got := veil(test.text, "zoe@x.example"); got != test.want {
			t.Errorf("%q\nbecame %q\nwant   %q", test.text, got, test.want)
		}
	}
	if got := veil("user postern with hunter2!", "postern", "hunter2!"); got != "user … with …" {
		t.Errorf("secrets: %q", got)
	}
}

func FuzzVeil(f *testing.F) {
	f.Add("550 zoe@x.example: no", "zoe@x.example")
	f.Add("\xff\xfe@@", "@")
	f.Fuzz(func(t *testing.T, text, private string) {
		got := veil("550 <"+private+"> "+text, private)
		if strings.ContainsAny(got, "\r\n") || len([]rune(got)) > detailLimit {
			t.Fatalf("%q", got)
		}
		if address, err := ParseAddress(private); err == nil && strings.Contains(got, "<"+address.Address+">") {
			t.Fatalf("%q shows the address", got)
		}
	})
}

// The search by hand finds what a pattern would, in letters that fold oddly too.
func TestCoverFindsWhatAPatternFinds(t *testing.T) {
	texts := []string{
		"", "zoe", "Zoe!", "zoezoe zoe", "xzoe, (ZOE) zoe.", "K\u212a k kk", "ſs SS ss sS", "İi ıI zoé ZOÉ", "a\xffzoe\xff zoe",
		"550 5.1.1 <zoe@people.example>: Zoe is not here", "ΣΑΣ σας Σας",
	}
	for _, word := range []string{"zoe", "kk", "ss", "zoé", "σας", "a.", "oe z", "ii"} {
		pattern := regexp.MustCompile("(?i)" + regexp.QuoteMeta(word))
		for _, text := range texts {
			want, end := "", 0
			for _, at := range pattern.FindAllStringIndex(text, -1) {
				before, _ := utf8.DecodeLastRuneInString(text[:at[0]])
				after, _ := utf8.DecodeRuneInString(text[at[1]:])
				if !wordRune(before) && !wordRune(after) {
					want, end = want+text[end:at[0]]+"…", at[1]
				}
			}
			want += text[end:]
			if got := cover(text, word, "…"); got != want {
				t.Errorf("cover %q in %q: %q, want %q", word, text, got, want)
			}
		}
	}
}

func BenchmarkVeil(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		veil("2.0.0 OK: queued as 4C8X2q0vJwz1Y9 for delivery", "zoe@people.example")
	}
}
