package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

type visitFile struct {
	// Link is the name of the link, of the last message that has one of that name: link, or that under links.
	Link *yamldoc.Node `yaml:"link,required" schema:"text"`
	// To is the address of whom the message went to, where several got one.
	To string `yaml:"to"`
	// Press is the action whose button they press.
	Press string `yaml:"press"`
	// Enter are the values that they give to fields.
	Enter []yamldoc.Entry `yaml:"enter"`
	// Finds is what the page says at the end.
	Finds string `yaml:"finds"`
}

// visit reads what somebody does who follows a link of a message: they press a button or change fields, through the
// door as it is.
func (p *parser) visit(f visitFile, node *yamldoc.Node) func(context.Context, *play) error {
	if f.Press != "" && f.Enter != nil {
		p.complain(node.Errorf("a visit either presses a button or enters values").WithHint("write two visits"))
		return nil
	}
	if f.Press == "" && f.Enter == nil && f.Finds == "" {
		p.complain(node.Errorf("a visit that does nothing").
			WithHint("say press, enter, or what the page says under finds"))
	}
	return func(ctx context.Context, s *play) error {
		address, err := s.linkOf(ctx, f.Link.Text(), f.To)
		if err != nil {
			return err
		}
		page, err := s.walk(ctx, address, f)
		if err != nil {
			return err
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
		if text := textOf(page); !strings.Contains(text, f.Finds) {
			return fmt.Errorf("the page does not say %q; it says: %s", f.Finds, text)
		}
		return nil
	}
}

// linkOf is the address of a link by its name, of the last message that has it.
func (s *play) linkOf(ctx context.Context, name, to string) (string, error) {
	deliveries, err := s.deliveries(ctx)
	if err != nil {
		return "", err
	}
	for i := len(deliveries) - 1; i >= 0; i-- {
		d := deliveries[i]
		message, sent := s.message(d)
		if !sent || to != "" && message.Recipient.Address != to {
			continue
		}
		if address := s.links(ctx, d)[name]; address != "" {
			return address, nil
		}
	}
	if to != "" {
		return "", fmt.Errorf("no message to %s has a link %q", to, name)
	}
	return "", fmt.Errorf("no message has a link %q", name)
}

// walk goes from the door to the end of the visit and returns the last page.
func (s *play) walk(ctx context.Context, address string, f visitFile) ([]byte, error) {
	path, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	v := &s.visitor
	if page, status := v.request(ctx, s.Door, http.MethodGet, path.Path, nil); status != http.StatusOK {
		return stopped(page, status, f, "the link does not open")
	}
	v.request(ctx, s.Door, http.MethodPost, path.Path, nil)
	at := v.location
	if f.Press != "" {
		flow, _, _ := strings.Cut(strings.TrimPrefix(at, "/f/"), "/")
		at = "/f/" + flow + "/" + url.PathEscape(f.Press)
	}
	page, status := v.request(ctx, s.Door, http.MethodGet, at, nil)
	if status != http.StatusOK {
		return stopped(page, status, f, "the page does not open")
	}
	if f.Press == "" && f.Enter == nil {
		return page, nil
	}
	form, err := fillIn(page, f.Enter)
	if err != nil {
		return nil, err
	}
	page, status = v.request(ctx, s.Door, http.MethodPost, at, form)
	if status != http.StatusSeeOther {
		return stopped(page, status, f, "it is not done")
	}
	page, status = v.request(ctx, s.Door, http.MethodGet, v.location, nil)
	if status != http.StatusOK {
		return stopped(page, status, f, "there is no receipt")
	}
	return page, nil
}

// stopped is the page on which a visit ends before its end: that is as it should be if the story says what it finds.
func stopped(page []byte, status int, f visitFile, what string) ([]byte, error) {
	if f.Finds != "" {
		return page, nil
	}
	return nil, fmt.Errorf("%s (%d): %s", what, status, textOf(page))
}

var hidden = regexp.MustCompile(`name="~seen" value="([^"]*)"`)

// fillIn is what the form of a page sends.
func fillIn(page []byte, entries []yamldoc.Entry) (url.Values, error) {
	seen := hidden.FindSubmatch(page)
	if seen == nil {
		return nil, errors.New("the page has no form; it says: " + textOf(page))
	}
	form := url.Values{"~seen": {html.UnescapeString(string(seen[1]))}}
	for _, e := range entries {
		name := e.Key.Text()
		if !bytes.Contains(page, []byte(`name="`+name+`"`)) {
			return nil, fmt.Errorf("the page has no field %s", name)
		}
		switch value := e.Value.Plain().(type) {
		case []any:
			form.Add(name, "")
			for _, item := range value {
				form.Add(name, fmt.Sprint(item))
			}
		case bool:
			form.Add(name, "")
			if value {
				form.Add(name, "on")
			}
		case nil:
			form.Add(name, "")
		default:
			form.Add(name, e.Value.Text())
		}
	}
	return form, nil
}

var (
	unread = regexp.MustCompile(`(?s)<head>.*?</head>|<style.*?</style>|<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// textOf is what somebody reads on a page.
func textOf(page []byte) string {
	text := html.UnescapeString(string(unread.ReplaceAll(page, []byte(" "))))
	return strings.TrimSpace(blanks.ReplaceAllString(text, " "))
}

// visitor is somebody with a browser: it keeps cookies.
type visitor struct {
	cookies  map[string]*http.Cookie
	location string // where the last answer leads
}

// request asks the door. Nothing leaves the process.
func (v *visitor) request(
	ctx context.Context, door http.Handler, method, path string, form url.Values,
) (page []byte, status int) {
	r, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(form.Encode()))
	if err != nil {
		return []byte(err.Error()), http.StatusBadRequest
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, cookie := range v.cookies {
		r.AddCookie(cookie)
	}
	w := &paper{header: http.Header{}, status: http.StatusOK}
	door.ServeHTTP(w, r)
	for _, cookie := range (&http.Response{Header: w.header}).Cookies() {
		if v.cookies == nil {
			v.cookies = map[string]*http.Cookie{}
		}
		v.cookies[cookie.Name] = cookie
	}
	v.location = w.header.Get("Location")
	return w.body.Bytes(), w.status
}

// paper is what an answer is written on.
type paper struct {
	header http.Header
	body   bytes.Buffer
	status int
}

var _ http.ResponseWriter = (*paper)(nil)

// Header are the headers of the answer.
func (p *paper) Header() http.Header { return p.header }

// Write adds to the page.
func (p *paper) Write(text []byte) (int, error) { return p.body.Write(text) }

// WriteHeader sets the status.
func (p *paper) WriteHeader(status int) { p.status = status }

// links are the addresses of a delivery's links by name.
func (s *play) links(ctx context.Context, d *engine.Delivery) map[string]string {
	story, err := s.Desk.RunStory(ctx, d.Run)
	if err != nil {
		return nil
	}
	addresses := map[engine.ID]string{}
	for _, l := range story.Links {
		if address, err := s.URL(l.Link); err == nil {
			addresses[l.Link.ID] = address
		}
	}
	named := map[string]string{}
	for _, l := range d.Links {
		named[l.Name] = addresses[l.ID]
	}
	return named
}
