package mail

import (
	"bytes"
	"errors"
	"io"
	netmail "net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/internal/mail/mailtest"
)

var letterhead = Letterhead{
	From:    netmail.Address{Name: "Acme Süd", Address: "support@acme.example"},
	ReplyTo: &netmail.Address{Address: "desk@acme.example"},
	Domain:  "acme.example",
}

func message() engine.Message {
	base, _ := engine.ParseID("01890a5d-ac96-774b-bcce-b302099a8057")
	return engine.Message{
		Delivery:  engine.DerivedID(base, "notify"),
		Recipient: engine.Recipient{Name: "Zoë Ünal", Address: "zoe@customer.example"},
		Content: engine.Content{
			Language: "de-AT", Subject: "Ihr Ticket TT9 wurde gelöst",
			Text: "Grüß Gott,\n\nalles gut.\n", HTML: "<p>Grüß Gott</p>",
		},
		Record:  engine.Ref{Module: "HelpDesk", ID: "17x9"},
		Created: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC),
	}
}

func write(t testing.TB, m engine.Message) (Letter, mailtest.Read) {
	t.Helper()
	letter, err := letterhead.Write(m)
	if err != nil {
		t.Fatal(err)
	}
	return letter, mailtest.Parse(t, letter.Raw)
}

func TestLetterHasBothPartsAndItsHeader(t *testing.T) {
	letter, read := write(t, message())

	thread := "<" + digest("thread", "HelpDesk/17x9") + "@acme.example>"
	want := map[string]string{
		"From":             "Acme Süd <support@acme.example>",
		"To":               "Zoë Ünal <zoe@customer.example>",
		"Reply-To":         "<desk@acme.example>",
		"Subject":          "Ihr Ticket TT9 wurde gelöst",
		"Date":             "Sun, 01 Mar 2026 09:30:00 +0000",
		"Message-Id":       "<" + message().Delivery.String() + "@acme.example>",
		"References":       thread,
		"In-Reply-To":      thread,
		"Auto-Submitted":   "auto-generated",
		"Content-Language": "de-AT",
		"Mime-Version":     "1.0",
	}
	got := map[string]string{}
	for fields := read.Header.Fields(); fields.Next(); {
		if fields.Key() != "Content-Type" {
			got[fields.Key()] = read.Text(fields.Key())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"text/plain", "text/html"}, read.Order); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if got := read.Parts["text/plain"]; got != message().Content.Text {
		t.Errorf("text is %q", got)
	}
	if letter.From != "support@acme.example" || letter.To != "zoe@customer.example" {
		t.Errorf("envelope is %s to %s", letter.From, letter.To)
	}
}

func TestLetterWithoutHTMLIsPlainText(t *testing.T) {
	m := message()
	m.Content.HTML, m.Record, m.Content.Language = "", engine.Ref{}, "no language!"
	_, read := write(t, m)
	if diff := cmp.Diff([]string{"text/plain"}, read.Order); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	for _, field := range []string{"References", "In-Reply-To", "Content-Language"} {
		if read.Header.Has(field) {
			t.Errorf("%s is there: %s", field, read.Text(field))
		}
	}
}

func TestLetterSaysWhereToUnsubscribe(t *testing.T) {
	for address, oneClick := range map[string]string{
		"https://go.acme.example/u/a1b2": "List-Unsubscribe=One-Click", "http://localhost:8480/u/a1b2": "", "": "",
	} {
		m := message()
		m.Content.Unsubscribe = address
		_, read := write(t, m)
		want := ""
		if address != "" {
			want = "<" + address + ">"
		}
		if got := read.Header.Get("List-Unsubscribe"); got != want {
			t.Errorf("List-Unsubscribe is %q, want %q", got, want)
		}
		if got := read.Header.Get("List-Unsubscribe-Post"); got != oneClick {
			t.Errorf("List-Unsubscribe-Post is %q, want %q", got, oneClick)
		}
	}
	for _, address := range []string{
		"go.acme.example", "https://a.example/>,<mailto:x@b.example", "https://a.example/\r\nBcc: x@b.example",
		"https://a.example/ b", "https://a.example/" + strings.Repeat("a", 900),
	} {
		m := message()
		m.Content.Unsubscribe = address
		if _, err := letterhead.Write(m); !engine.IsPermanent(err) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestSameMessageGivesTheSameBytes(t *testing.T) {
	first, _ := write(t, message())
	second, _ := write(t, message())
	if !bytes.Equal(first.Raw, second.Raw) {
		t.Errorf("two writings differ:\n%s", cmp.Diff(string(first.Raw), string(second.Raw)))
	}
	other := message()
	other.Delivery = engine.DerivedID(other.Delivery, "another")
	third, _ := write(t, other)
	if boundary(t, first.Raw) == boundary(t, third.Raw) {
		t.Error("two deliveries share a boundary")
	}
}

func boundary(t *testing.T, raw []byte) string {
	t.Helper()
	_, rest, ok := strings.Cut(string(raw), "boundary=")
	if !ok {
		t.Fatalf("no boundary in\n%s", raw)
	}
	return rest[:32]
}

func TestFieldsCannotWriteTheHeader(t *testing.T) {
	evil := "Hi\r\nBcc: all@victim.example\r\n\r\nbody =?utf-8?q?=0D=0ABcc:_x?= \x00\u2028"
	m := message()
	m.Content.Subject, m.Recipient.Name, m.Content.Language = evil, evil, "de\r\nBcc: x@y.example"
	letter, read := write(t, m)
	if read.Header.Has("Bcc") {
		t.Errorf("a Bcc slipped in:\n%s", letter.Raw)
	}
	want := "Hi Bcc: all@victim.example body = ?utf-8?q?=0D=0ABcc:_x?="
	if got := read.Text("Subject"); got != want {
		t.Errorf("subject is %q, want %q", got, want)
	}
	to, err := read.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != letter.To || strings.ContainsAny(to[0].Name, "\r\n") {
		t.Errorf("To is %v, %v", to, err)
	}
}

func TestLinesStayShortAndPlain(t *testing.T) {
	m := message()
	m.Content.Subject = strings.Repeat("x", 5000)
	m.Recipient.Name = strings.Repeat("Ü", 500)
	m.Content.Text = ".\r\n..two\n" + strings.Repeat("ü=", 3000) + "\nspace at the end \n"
	letter, read := write(t, m)
	for line := range strings.Lines(string(letter.Raw)) {
		if len(line) > 300 || !strings.HasSuffix(line, "\r\n") || !ascii(line) {
			t.Fatalf("line of %d bytes: %.80q", len(line), line)
		}
	}
	if got, want := read.Parts["text/plain"], strings.ReplaceAll(m.Content.Text, "\r\n", "\n"); got != want {
		t.Errorf("text changed: %.200q", got)
	}
	if n := utf8.RuneCountInString(read.Text("Subject")); n != subjectLimit {
		t.Errorf("subject has %d characters", n)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, address := range []string{
		"", "zoe", "zoe@", "@x.example", "Zoe <zoe@x.example>", "<zoe@x.example>", "zoe@x.example, b@x.example",
		"zoe@x.example\r\nBcc: b@x.example", "zoe@x.example ", "zoe@x.example (Zoe)", "z oe@x.example",
		"zoe@x.example>\r\nRCPT TO:<b@x.example", strings.Repeat("z", 250) + "@x.example",
	} {
		m := message()
		m.Recipient.Address = address
		_, err := letterhead.Write(m)
		if !engine.IsPermanent(err) {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && address != "" && strings.Contains(err.Error(), "zoe") {
			t.Errorf("the error shows the address: %v", err)
		}
	}
}

func TestAddressesThatAreUnusual(t *testing.T) {
	for _, address := range []string{"zoe+crm@x.example", `"a b"@x.example`, "zoë@x.example", "o'neil@[127.0.0.1]"} {
		m := message()
		m.Recipient.Address = address
		letter, err := letterhead.Write(m)
		if err != nil {
			t.Errorf("%q: %v", address, err)
		}
		if got := path(letter.To); got != "<"+address+">" {
			t.Errorf("%q leaves as %s", address, got)
		}
	}
}

func TestMailboxOfOurOwn(t *testing.T) {
	mailbox, err := ParseMailbox("Süd <a@b.example>")
	if err != nil || mailbox.Name != "Süd" || Domain(mailbox.Address) != "b.example" {
		t.Errorf("got %v, %v", mailbox, err)
	}
	for _, text := range []string{"", "Acme", "a@bücher.example", "ä@b.example"} {
		if _, err := ParseMailbox(text); err == nil {
			t.Errorf("%q passed", text)
		}
	}
}

func FuzzLetter(f *testing.F) {
	f.Add("Subject", "Name", "zoe@x.example", "text")
	f.Add("a\r\nBcc: b@c.d", "=?utf-8?q?=0D=0A?=", `"\r\n"@x.example`, ".\r\n\x00\xff")
	f.Add(strings.Repeat(" a", 900), strings.Repeat("\u00ad", 300), "a@b", "\r\r\n")
	f.Add("0", "\x95\\", "0@0", "0")
	f.Fuzz(func(t *testing.T, subject, name, address, text string) {
		m := message()
		m.Content.Subject, m.Recipient.Name, m.Recipient.Address, m.Content.Text = subject, name, address, text
		letter, err := letterhead.Write(m)
		if errors.Is(err, errAddress) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := netmail.ReadMessage(bytes.NewReader(letter.Raw))
		if err != nil {
			t.Fatalf("%v\n%s", err, letter.Raw)
		}
		if len(parsed.Header) != 12 {
			t.Fatalf("%d header fields\n%s", len(parsed.Header), letter.Raw)
		}
		to, err := parsed.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != letter.To {
			t.Fatalf("To is %v, %v\n%s", to, err, letter.Raw)
		}
		for line := range bytes.Lines(letter.Raw) {
			if len(line) > 1000 || !bytes.HasSuffix(line, []byte("\r\n")) {
				t.Fatalf("line %q", line)
			}
		}
		if _, err := io.Copy(io.Discard, parsed.Body); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	m := message()
	m.Content.Text = strings.Repeat(m.Content.Text, 40)
	m.Content.HTML = strings.Repeat(m.Content.HTML, 200)
	for b.Loop() {
		if _, err := letterhead.Write(m); err != nil {
			b.Fatal(err)
		}
	}
}
