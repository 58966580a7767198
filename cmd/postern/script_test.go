package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the commands say into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"postern":    func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		floodProgram: flood,
	})
}

// The scripts of testdata show every command as a terminal does. Beside what testscript has they know:
//
//	expand FILE        fills in $WEB, $NATS and other variables, which are free ports of this machine
//	ready              waits until the server says it is ready
//	retry COMMAND      runs a command until it succeeds
//	await REGEXP CMD   runs a command until it prints something like a pattern
//	tell SUBJECT TEXT  publishes anything at all, as any NATS client can
//	terminate          sends SIGTERM to what runs in the background
//	pick NAME REGEXP   keeps what the first group of a pattern found in what was printed last
//	onesignal          starts a stand-in for OneSignal at $ONESIGNAL, with a user 12x7 who has a device, and shows
//	                   with an argument what it sent, with three (kind, address, secret) tells an event of the
//	                   last one
//	browser            starts a push service at $PUSH, whose certificate is in push.pem; with a public key it writes a
//	                   subscription.json, and without it shows what the browser was sent
//	mattermost         starts a Mattermost at $MATTERMOST with users of these addresses; posts shows what was posted,
//	                   and press has a user press a button by what stands on it
//	mailserver         starts a mail server at $SMTP, and shows the mails that it took; with bounce and a code it
//	                   gives the last one back, and with unsubscribe it does what a mail program does when its
//	                   user wants that
//	login NAME PASSWORD  signs in to the portal customers as a program does, and shows the status
//	door               opens the link that was printed last as a visitor does, and shows the pages
//
// $REPOSITORY is the folder of the repository, with the guide and the shipped book.
func TestScripts(t *testing.T) {
	providers := newStandIns(t)
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"expand": expand, "ready": ready, "retry": retry, "terminate": terminate, "door": door, "login": login,
			"enrol": enrol,
			"tell":  tell, "pick": pick, "await": awaitPrint, "onesignal": providers.oneSignal,
			"browser":    providers.browser,
			"mattermost": providers.mattermost,
			"mailserver": providers.mailServer,
			"twilio":     providers.twilio,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("REPOSITORY", repository)
			for _, name := range []string{"WEB", "NATS"} {
				address, err := freeAddress()
				if err != nil {
					return err
				}
				env.Setenv(name, address)
			}
			return nil
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
	})
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

func awaitPrint(ts *testscript.TestScript, _ bool, args []string) {
	wanted := regexp.MustCompile("(?m)" + args[0])
	soon(ts, func() error {
		if err := ts.Exec(args[1], args[2:]...); err != nil {
			return err
		}
		if !wanted.MatchString(ts.ReadFile("stdout")) {
			return fmt.Errorf("nothing like %s was printed", args[0])
		}
		return nil
	})
}

func pick(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("nothing like %s was printed", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// soon tries until try succeeds, for a minute.
func soon(ts *testscript.TestScript, try func() error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("gave up: %v", err)
		}
	}
}

func ready(ts *testscript.TestScript, _ bool, _ []string) {
	soon(ts, func() error {
		response, err := http.Get("http://" + ts.Getenv("WEB") + "/healthz/ready")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
}

func retry(ts *testscript.TestScript, _ bool, args []string) {
	soon(ts, func() error { return ts.Exec(args[0], args[1:]...) })
}

// tell speaks the protocol itself: it is a line, the text, and an answer that it was read.
func tell(ts *testscript.TestScript, _ bool, args []string) {
	conn, err := net.DialTimeout("tcp", ts.Getenv("NATS"), 10*time.Second)
	ts.Check(err)
	defer conn.Close()
	ts.Check(conn.SetDeadline(time.Now().Add(10 * time.Second)))
	_, err = fmt.Fprintf(conn, "CONNECT {\"verbose\":false}\r\nPUB %s %d\r\n%s\r\nPING\r\n",
		args[0], len(args[1]), args[1])
	ts.Check(err)
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "PONG") {
			return
		}
	}
	ts.Fatalf("the broker did not answer")
}

func terminate(ts *testscript.TestScript, _ bool, _ []string) {
	for _, command := range ts.BackgroundCmds() {
		ts.Check(command.Process.Signal(syscall.SIGTERM))
	}
}

func door(ts *testscript.TestScript, _ bool, _ []string) {
	link, _, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	visitor := http.Client{Jar: jar, Timeout: 10 * time.Second}
	for _, call := range []func() (*http.Response, error){
		func() (*http.Response, error) { return visitor.Get(link) },
		func() (*http.Response, error) { return visitor.Post(link, "application/x-www-form-urlencoded", nil) },
	} {
		response, err := call()
		ts.Check(err)
		page, err := io.ReadAll(response.Body)
		ts.Check(errors.Join(err, response.Body.Close()))
		fmt.Fprintf(ts.Stdout(), "%s\n%s\n", response.Status, page)
	}
}

// The page of the reference shows a configuration; it must be one.
func TestTheReferencesExampleIsRead(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	path := t.TempDir() + "/postern.yaml"
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Channels) == 0 || c.Web.Brand.Name == "" || len(c.API.Keys) == 0 {
		t.Errorf("the example reads as %+v", c)
	}
}
