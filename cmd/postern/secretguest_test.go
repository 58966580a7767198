package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"postern/channels"
)

// guest is a visitor with a browser and an address of their own.
type guest struct {
	h      *secretHouse
	client http.Client
	from   string
}

func (h *secretHouse) guest(n int) *guest {
	jar, _ := cookiejar.New(nil)
	g := &guest{h: h, from: fmt.Sprintf("10.%d.%d.7", n/250, n%250)}
	g.client = http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		g.note()
		if r.URL.Host == "shop.acme.example" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return g
}

// note keeps the cookie that the browser has now.
func (g *guest) note() {
	at, _ := url.Parse(g.h.url)
	for _, cookie := range g.client.Jar.Cookies(at) {
		g.h.secrets.add("cookie", cookie.Value)
	}
}

// shownPage is a page as it came.
type shownPage struct {
	status     int
	path, text string
	location   string
}

func (g *guest) send(method, address, kind string, body io.Reader) shownPage {
	if strings.HasPrefix(address, "/") {
		address = g.h.url + address
	}
	request, err := http.NewRequestWithContext(g.h.t.Context(), method, address, body)
	if err != nil {
		g.h.t.Error(err)
		return shownPage{}
	}
	request.Header.Set("X-Forwarded-For", g.from)
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	response, err := g.client.Do(request)
	if err != nil {
		g.h.t.Error(err)
		return shownPage{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		g.h.t.Error(err)
	}
	g.note()
	return shownPage{response.StatusCode, response.Request.URL.Path, string(text), response.Header.Get("Location")}
}

func (g *guest) post(address string, form url.Values) shownPage {
	return g.send(http.MethodPost, address, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

var hiddenSeen = regexp.MustCompile(`name="~seen" value="([^"]*)"`)

func (p shownPage) seen() string {
	if found := hiddenSeen.FindStringSubmatch(p.text); found != nil {
		return found[1]
	}
	return ""
}

// saves sends the form of a page with a file in it.
func (g *guest) saves(page shownPage, content string) shownPage {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("~seen", page.seen())
	_ = form.WriteField("note", "nothing secret")
	part, _ := form.CreateFormFile("photo", "bill.pdf")
	_, _ = io.WriteString(part, "%PDF-1.7\n"+content)
	_ = form.Close()
	return g.send(http.MethodPost, page.path, form.FormDataContentType(), &body)
}

var (
	linkOf = regexp.MustCompile(`http://[^\s"<>]+/l/([a-z2-7]{27})`)
	mailOf = regexp.MustCompile(`http://[^\s"<>]+/m/([a-z2-7]{27})`)
	codeOf = regexp.MustCompile(`\b\d{6,8}\b`)
)

// flow goes through one link as a person does who makes mistakes: they look, open, prove what is asked, some after a
// wrong answer, send a file, act, take it back, and are handed over to the shop.
func (h *secretHouse) flow(n int, kind, address, pin string) error {
	g := h.guest(n)
	g.send(http.MethodGet, address, "", nil)
	g.send(http.MethodHead, address, "", nil)
	page := g.post(address, nil)
	flow := strings.TrimPrefix(strings.TrimPrefix(page.path, "/c/"), "/f/")
	flow, _, _ = strings.Cut(flow, "/")
	if err := h.prove(g, page.path, n, kind, pin); err != nil {
		return err
	}
	file := rand.Text()
	h.secrets.add("file", file)
	form := g.send(http.MethodGet, "/f/"+flow, "", nil)
	if saved := g.saves(form, file); !strings.HasPrefix(saved.path, "/r/") {
		return fmt.Errorf("%s: saving led to %s, %d", kind, saved.path, saved.status)
	}
	confirm := g.send(http.MethodGet, "/f/"+flow+"/resolve", "", nil)
	receipt := g.post(confirm.path, url.Values{"~seen": {confirm.seen()}})
	undone := g.post("/r/"+flow+"/undo", url.Values{"~seen": {receipt.seen()}})
	if receipt.status != http.StatusOK || !strings.HasPrefix(receipt.path, "/r/") || undone.status != http.StatusOK {
		return fmt.Errorf("%s: acting led to %s, %d, and undoing it to %d", kind, receipt.path, receipt.status, undone.status)
	}
	out := g.post("/h/"+flow, nil)
	at, err := url.Parse(out.location)
	if err != nil || at.Query().Get("postern") == "" {
		return fmt.Errorf("%s: the hand-over led to %q", kind, out.location)
	}
	h.secrets.add("hand-over statement", at.Query().Get("postern"))
	return nil
}

// prove proves what a link asks for, some after a wrong answer.
func (h *secretHouse) prove(g *guest, path string, n int, kind, pin string) error {
	errs := n%8 == 0 // if everybody did, the door would take it for guessing at large
	switch kind {
	case "by-pin":
		if wrong := "wrong-" + rand.Text(); errs {
			h.secrets.add("wrong answer", wrong)
			g.post(path, url.Values{"do": {"check"}, "code": {wrong}})
		}
		g.post(path, url.Values{"do": {"check"}, "code": {pin}})
	case "by-sms":
		g.post(path, url.Values{"do": {"send"}})
		g.post(path, url.Values{"do": {"send"}}) // too early
		m := h.message(h.texts, func(m channels.Captured) bool { return isOf(n, m) })
		code := codeOf.FindString(m.Message.Content.Text)
		if code == "" {
			return fmt.Errorf("%s: the message says %q", kind, m.Message.Content.Text)
		}
		h.secrets.add("code", code)
		if errs {
			g.post(path, url.Values{"do": {"check"}, "code": {code[1:] + "0"}})
		}
		g.post(path, url.Values{"do": {"check"}, "code": {code}})
	case "by-mail":
		g.post(path, url.Values{"do": {"send"}})
		m := h.message(h.mails, func(m channels.Captured) bool {
			return isOf(n, m) && mailOf.MatchString(m.Message.Content.Text)
		})
		second := mailOf.FindStringSubmatch(m.Message.Content.Text)
		if second == nil {
			return fmt.Errorf("%s: no mail came", kind)
		}
		h.secrets.add("mailed token", second[1][1:])
		elsewhere := h.guest(n)
		carried := elsewhere.post(second[0], nil)
		code := codeOf.FindString(regexp.MustCompile(`(?s)<main>.*</main>`).FindString(carried.text))
		h.secrets.add("carry-over code", code)
		g.post(second[0], nil)
	}
	return nil
}

// isOf tells whether a message is to the contact of a ticket.
func isOf(n int, m channels.Captured) bool {
	to := m.Message.Recipient.Address
	return to == mailAddress(n) || to == mobileNumber(n)
}

func mailAddress(n int) string { return fmt.Sprintf("zoe%d@acme.example", n) }

func mobileNumber(n int) string { return fmt.Sprintf("+3460%07d", n) }
