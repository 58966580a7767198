package mailtest

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
)

const bounceForm = `From: MAILER-DAEMON@mx.customer.example
To: %[1]s
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=parts

--parts
Content-Type: text/plain

It could not be delivered.
--parts
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.customer.example

Final-Recipient: rfc822; %[2]s
Action: failed
Status: %[3]s
Diagnostic-Code: smtp; %[4]s
--parts--
`

// Bounce has a server give a mail back to the address that it left from, on a port of this machine.
func Bounce(t testing.TB, port int, returnPath, recipient, status, diagnostic string) {
	t.Helper()
	client, err := smtp.Dial(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	text := strings.ReplaceAll(fmt.Sprintf(bounceForm, returnPath, recipient, status, diagnostic), "\n", "\r\n")
	if err := client.SendMail("", []string{returnPath}, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}
