package channels

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/mail/mailtest"
	"postern/internal/peer"
)

// eximConfig is an Exim that takes mail for customer.example from those who log in under TLS, and delivers it at once
// into one Maildir. Local part "later" is greylisted, and anyone but zoe unknown.
const eximConfig = `
primary_hostname = mail.test
spool_directory = %[1]s/spool
log_file_path = %[1]s/log-%%s
pid_file_path = %[1]s/pid
exim_user = %[2]s
exim_group = %[3]s
never_users =
deliver_drop_privilege
daemon_smtp_ports = %[4]d
local_interfaces = 127.0.0.1
host_lookup =
rfc1413_hosts =
keep_environment =
tls_certificate = %[5]s
tls_privatekey = %[6]s
tls_advertise_hosts = *
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
acl_smtp_rcpt = rcpt
acl_smtp_data = accept

begin acl
rcpt:
  deny    !authenticated = *
          message = log in first
  defer   local_parts = later
          message = greylisted, come back
  accept  local_parts = zoe
          domains = customer.example
  deny    message = no mailbox $local_part@$domain

begin routers
all:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = %[1]s/mail
  maildir_format
  user = %[2]s
  group = %[3]s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{postern}}{eq{$auth3}{hunter2!}}}}
  server_set_id = $auth2
`

// exim is a running Exim and the folder it works in.
type exim struct {
	port int
	dir  string
	ca   string
}

// delivered waits for the one mail to lie in the Maildir and to have left the spool.
func (x exim) delivered(t *testing.T) []byte {
	t.Helper()
	var files []string
	poll(t, "the mail", func() bool {
		var err error
		files, err = filepath.Glob(filepath.Join(x.dir, "mail", "new", "*"))
		spooled, errSpool := filepath.Glob(filepath.Join(x.dir, "spool", "input", "*"))
		log, errLog := os.ReadFile(filepath.Join(x.dir, "log-main"))
		completed := bytes.Contains(log, []byte("Completed"))
		return err == nil && errSpool == nil && errLog == nil && completed && len(files) == 1 && len(spooled) == 0
	})
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// startExim runs Exim in the foreground until the test ends, as an ordinary user: the present one, or nobody for root.
func startExim(t *testing.T) exim {
	t.Helper()
	binary := peer.Exim(t)
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	authority := mailtest.NewAuthority(t)
	for name, path := range map[string]string{"cert.pem": authority.CertFile, "key.pem": authority.KeyFile} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), data)
	}
	root := who.Uid == "0"
	if root {
		if who, err = user.Lookup("nobody"); err != nil {
			t.Fatal(err)
		}
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	config := fmt.Sprintf(eximConfig, dir, who.Username, group.Name, port,
		filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	writeFile(t, filepath.Join(dir, "exim.conf"), []byte(config))

	var output bytes.Buffer
	command := exec.Command(binary, "-C", filepath.Join(dir, "exim.conf"), "-bdf", "-q1h")
	command.Stdout, command.Stderr = &output, &output
	if root {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: give(t, dir, who)}
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			main, _ := os.ReadFile(filepath.Join(dir, "log-main"))
			t.Logf("exim said:\n%s%s", output.Bytes(), main)
		}
	})
	awaitPort(t, port)
	return exim{port: port, dir: dir, ca: filepath.Join(dir, "cert.pem")}
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// give makes a folder and what is in it someone else's, and returns who that is for a process.
func give(t *testing.T, dir string, who *user.User) *syscall.Credential {
	t.Helper()
	uid, errUID := strconv.Atoi(who.Uid)
	gid, errGID := strconv.Atoi(who.Gid)
	if errUID != nil || errGID != nil {
		t.Fatal(errUID, errGID)
	}
	// The testing package keeps the folder above to the present user.
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func awaitPort(t *testing.T, port int) {
	t.Helper()
	poll(t, "exim to listen", func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// poll asks until the answer is yes.
func poll(t *testing.T, what string, ask func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for !ask() {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestEmailThroughExim(t *testing.T) {
	server := startExim(t)
	e := opened(t, server.port, server.ca)
	defer e.Close()
	m := engine.Message{
		Delivery:  engine.DerivedID(engine.ID{}, "exim"),
		Recipient: engine.Recipient{Name: "Zoë Ünal", Address: "zoe@customer.example"},
		Content: engine.Content{
			Language: "de", Subject: "Störung behoben: " + strings.Repeat("Tür ", 30) + "auf",
			Text: ".\nGrüß Gott\n" + strings.Repeat("ü", 3000) + "\n", HTML: "<p>Grüß <b>Gott</b></p>\n",
		},
		Record: engine.Ref{Module: "HelpDesk", ID: "17x5"}, Created: time.Unix(1767323045, 0).UTC(),
	}
	receipt, err := e.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Provider != "127.0.0.1" || len(receipt.ID) < 16 || !strings.Contains(receipt.Detail, receipt.ID) {
		t.Errorf("receipt %+v", receipt)
	}
	checkDelivered(t, m, server.delivered(t))

	for address, want := range map[string]func(error) bool{
		"gone.person@customer.example": engine.IsPermanent,
		"later@customer.example":       func(err error) bool { return engine.RetryDelay(err) == time.Minute },
	} {
		m.Recipient.Address = address
		if _, err := e.Send(t.Context(), m); !want(err) || strings.Contains(err.Error(), address) {
			t.Errorf("to %s: %v", address, err)
		}
	}
}

func checkDelivered(t *testing.T, m engine.Message, raw []byte) {
	t.Helper()
	read := mailtest.Parse(t, raw)
	for field, want := range map[string]string{
		"Subject": m.Content.Subject, "To": "Zoë Ünal <zoe@customer.example>", "From": "Acme <support@acme.example>",
		"Message-Id": "<" + m.Delivery.String() + "@acme.example>", "Date": "Fri, 02 Jan 2026 03:04:05 +0000",
		"Auto-Submitted": "auto-generated", "Content-Language": "de",
	} {
		if got := strings.ReplaceAll(read.Text(field), `"`, ""); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if got := read.Text("Received"); !strings.Contains(got, "esmtpsa") {
		t.Errorf("the mail did not come under TLS with a login: %s", got)
	}
	if read.Parts["text/plain"] != m.Content.Text || read.Parts["text/html"] != m.Content.HTML {
		t.Errorf("parts arrived as %q", read.Parts)
	}
}

func TestEximRefusesAWrongPassword(t *testing.T) {
	server := startExim(t)
	e := opened(t, server.port, server.ca)
	writeFile(t, e.Password.File, []byte("hunter3!"))
	if err := e.Open(outfit()); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, err := e.Send(t.Context(), engine.Message{Recipient: engine.Recipient{Address: "zoe@customer.example"}})
	if !engine.IsMisconfigured(err) || strings.Contains(err.Error(), "hunter") {
		t.Errorf("got %v", err)
	}
}
