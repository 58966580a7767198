package mail

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

// pathOfTestdata is the return path of the mails in testdata.
const pathOfTestdata = "b+01890a5d-ac96-80a0-96a5-8a86b81db913.aaaabbbbccccdddd@bounces.acme.example"

func bounceFile(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "bounces", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestReadBounce(t *testing.T) {
	failed := func(code string, suppress bool, detail string) Bounce {
		return Bounce{State: engine.DeliveryBounced, Code: code, Suppress: suppress, Detail: detail}
	}
	complained := Bounce{
		State: engine.DeliveryComplained, Code: "abuse", Suppress: true, Detail: "the recipient called it abuse",
		Path: pathOfTestdata,
	}
	want := map[string]Bounce{
		"postfix-unknown": failed("5.1.1", true,
			"550 5.1.1 <z…@customer.example>: Recipient address rejected: User unknown in virtual mailbox table"),
		"postfix-delayed": {},
		"postfix-expired": failed("4.4.1", false,
			"connect to mx.customer.example[192.0.2.7]:25: Connection timed out"),
		"exchange-policy": failed("5.7.1", false,
			"550 5.7.1 Message rejected by policy of z…@customer.example; no such user may send"),
		"exchange-disabled": failed("5.2.1", true, "550 5.2.1 mailbox disabled"),
		"mailbox-full": failed("5.2.2", false, "552-5.2.2 The recipient's inbox is out of storage space. 552 5.2.2 "+
			"https://support.google.com/mail/?p=OverQuotaPerm"),
		"exim-words-only":      failed("550", true, "550 no mailbox z…@customer.example"),
		"delivered":            {State: engine.DeliveryDelivered, Code: "2.1.5"},
		"forwarded-one-of-two": {State: engine.DeliveryDelivered, Code: "2.0.0"},
		"utf8":                 failed("5.1.6", true, "550 5.1.6 z…@customer.example has moved away"),
		"complaint":            complained,
		"complaint-by-header":  complained,
		"not-spam":             {Code: "not-spam", Path: pathOfTestdata},
		"absence":              {},
		"qmail":                failed("550", true, "Remote host said: 550 No such user here"),
		"words-against-us":     failed("5.7.1", false, "<<< 550 5.7.1 sender address unknown: blocked by policy"),
		"warning":              {},
		"no-mail":              {},
		"cut-off":              failed("", false, ""),
	}
	files, err := filepath.Glob("testdata/bounces/*.eml")
	if err != nil || len(files) != len(want) {
		t.Errorf("%d files, want %d; %v", len(files), len(want), err)
	}
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, ReadBounce(bytes.NewReader(bounceFile(t, name)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBouncesNestedOrHugeAreBounded(t *testing.T) {
	var nested strings.Builder
	for range 50 {
		nested.WriteString("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n")
	}
	nested.Write(bounceFile(t, "postfix-unknown"))
	many := "Content-Type: multipart/mixed; boundary=x\r\n\r\n" + strings.Repeat("--x\r\n\r\na\r\n", 10_000) + "--x\r\n"
	for name, raw := range map[string]string{
		"nested": nested.String(), "many parts": many + string(bounceFile(t, "postfix-unknown")),
		"a header without end": "Subject: " + strings.Repeat("a", 2*returnedHead),
	} {
		if b := ReadBounce(strings.NewReader(raw)); b != (Bounce{}) {
			t.Errorf("%s: %+v", name, b)
		}
	}
	inMixed := "From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n" +
		strings.TrimPrefix(string(bounceFile(t, "postfix-unknown")), "\r\n") + "\r\n--outer--\r\n"
	if b := ReadBounce(strings.NewReader(inMixed)); !b.Suppress {
		t.Errorf("a report within a mixed mail: %+v", b)
	}
}

func FuzzReadBounce(f *testing.F) {
	files, err := filepath.Glob("testdata/bounces/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := ReadBounce(bytes.NewReader(raw))
		if strings.ContainsAny(b.Detail+b.Code, "\r\n\x00\u202e") || utf8.RuneCountInString(b.Detail) > detailLimit {
			t.Errorf("code %q, detail %q", b.Code, b.Detail)
		}
		if b.Suppress && b.State != engine.DeliveryBounced && b.State != engine.DeliveryComplained {
			t.Errorf("%+v", b)
		}
		if b.Suppress && strings.HasPrefix(b.Code, "4") {
			t.Errorf("a passing failure suppresses: %+v", b)
		}
	})
}
