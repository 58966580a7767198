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
	"syscall"
	"testing"
	"time"

	"postern/internal/mail/mailtest"
	"postern/internal/peer"
)

// eximConfig is an Exim that takes mail for customer.example from those who log in under TLS, and delivers it at once
// into one Maildir. It has a port where STARTTLS is offered, one with TLS from the first byte, and one where somebody
// in between takes the offer away. What it answers goes by the local part; whoever has none of its own here is unknown.
// Mail for "moved" it passes on to another server, and what comes back of its mails to where bounces are heard.
const eximConfig = `
primary_hostname = mail.test
spool_directory = %[1]s/spool
log_file_path = %[1]s/log-%%s
pid_file_path = %[1]s/pid
exim_user = %[2]s
exim_group = %[3]s
never_users =
deliver_drop_privilege
daemon_smtp_ports = %[4]d : %[7]d : %[8]d
tls_on_connect_ports = %[7]d
local_interfaces = 127.0.0.1
host_lookup =
rfc1413_hosts =
keep_environment =
tls_certificate = %[5]s
tls_privatekey = %[6]s
tls_advertise_hosts = ${if eq{$received_port}{%[8]d}{}{*}}
message_size_limit = 25M
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
rcpt:
  deny    !authenticated = *
          message = log in first
  defer   local_parts = later
          message = greylisted, come back
  defer   local_parts = busy
          message = 421 4.3.2 too many of you
  defer   local_parts = full
          message = 452 4.2.2 no room at the moment
  deny    local_parts = large
          message = 552 5.2.3 longer than this mailbox takes
  deny    local_parts = policy
          message = 554 5.7.1 not from you
  accept  local_parts = zoe : zoë : moved
          domains = customer.example
  deny    message = no mailbox $local_part@$domain

data:
  deny    condition = ${if match{$h_Subject:}{refuse me}}
          message = 554 5.6.0 not this
  accept

begin routers
back:
  driver = manualroute
  domains = bounces.acme.example
  route_data = 127.0.0.1
  transport = back
  self = send
onward:
  driver = manualroute
  local_parts = moved
  route_data = 127.0.0.1
  transport = onward
  self = send
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

back:
  driver = smtp
  port = %[9]d
  allow_localhost
  hosts_avoid_tls = *
onward:
  driver = smtp
  port = %[10]d
  allow_localhost
  hosts_avoid_tls = *

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{postern}}{eq{$auth3}{hunter2!}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = User : Password
  server_condition = ${if and{{eq{$auth1}{postern}}{eq{$auth2}{hunter2!}}}}
  server_set_id = $auth1
`

// exim is a running Exim and the folder it works in.
type exim struct {
	port, implicit, stripped int
	back, onward             int // where it passes bounces on to, and mail for moved
	dir                      string
	ca                       string
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

// startExim runs Exim in the foreground until the test ends, as an ordinary user: the present one, or nobody for
// root. A port is where it passes mail for moved on to.
func startExim(t *testing.T, onward ...int) exim {
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
	x := exim{port: freePort(t), implicit: freePort(t), stripped: freePort(t), back: freePort(t)}
	x.dir, x.ca = dir, filepath.Join(dir, "cert.pem")
	x.onward = append(onward, x.back)[0]
	config := fmt.Sprintf(eximConfig, dir, who.Username, group.Name, x.port, x.ca, filepath.Join(dir, "key.pem"),
		x.implicit, x.stripped, x.back, x.onward)
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
	awaitPort(t, x.port)
	return x
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
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
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
