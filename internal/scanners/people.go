package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"postern/internal/rig"
)

const people = 16 // at the same time

var (
	actionIn = regexp.MustCompile(`href="(/f/[^"/]+/[^"/]+)"`)
	hiddenIn = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	mailedIn = regexp.MustCompile(`https?://\S+/m/\S+`)
)

// actAll lets the people of the tickets do what they were asked for. Who has two links follows one of them.
func (s *stand) actAll(ctx context.Context, tickets []*ticket) (string, error) {
	err := each(ctx, people, tickets, func(ctx context.Context, n int, t *ticket) error {
		p := newPerson(from(2, n), s.postern.Place.WebURL())
		if err := p.act(ctx, s, t, t.links[n%len(t.links)]); err != nil {
			return fmt.Errorf("%s (%s): %w", t.id, t.kind.name, err)
		}
		return nil
	})
	seen, settled := s.settle(tickets)
	if settled != nil {
		return "", settled
	}
	s.tell("people links=%d effects=%d", len(tickets), seen.effects())
	var complaints []string
	if err != nil {
		complaints = append(complaints, err.Error())
	}
	for _, t := range tickets {
		if one := s.ledger.of(t); one.used != 1 || one.changes != 1 || one.undone != 0 {
			complaints = append(complaints,
				fmt.Sprintf("%s (%s) was acted on, and this came of it: %+v", t.id, t.kind.name, one))
		}
	}
	return fmt.Sprintf("%d of them after a second mail", seen.codes), s.ledger.wrong(complaints)
}

// person is somebody with a browser of their own, who knows what they are about.
type person struct {
	client *http.Client
	from   string
	base   string
}

func newPerson(from, base string) *person {
	jar, _ := cookiejar.New(nil)
	return &person{client: &http.Client{Jar: jar, Timeout: requestTime}, from: from, base: base}
}

// keep puts cookies into the browser.
func (p *person) keep(cookies []*http.Cookie) {
	if at, err := url.Parse(p.base); err == nil {
		p.client.Jar.SetCookies(at, cookies)
	}
}

// seen is a page as it arrived, redirects followed.
type seen struct {
	status int
	path   string
	text   string // character references decoded
	form   url.Values
}

// act goes on from page to page until there is a receipt.
func (p *person) act(ctx context.Context, s *stand, t *ticket, link string) error {
	at, err := p.post(ctx, link, url.Values{})
	for range 8 {
		if err != nil {
			return err
		}
		switch first, rest, _ := strings.Cut(strings.TrimPrefix(at.path, "/"), "/"); {
		case first == "r":
			return nil
		case first == "c" && t.kind.name == "code":
			at.form.Set("do", "check")
			at.form.Set("code", t.pin)
			at, err = p.post(ctx, at.path, at.form)
		case first == "c" && t.kind.name == "mail":
			at, err = p.prove(ctx, s, t, at)
		case first == "f" && strings.Contains(rest, "/"): // an action
			at.form.Set("cf_note", "It began to smoke.")
			at, err = p.post(ctx, at.path, at.form)
		case first == "f" && t.kind.name == "edit":
			at.form.Set("cf_note", "It began to smoke.")
			at, err = p.post(ctx, at.path, at.form)
		case first == "f":
			action := actionIn.FindStringSubmatch(at.text)
			if action == nil {
				return errors.New("the page offers no action")
			}
			at, err = p.get(ctx, action[1])
		default:
			return fmt.Errorf("at %q there is nothing to do", first)
		}
	}
	return errors.New("there is no end to it")
}

// prove asks for a second mail, and follows its link in the same browser.
func (p *person) prove(ctx context.Context, s *stand, t *ticket, at seen) (seen, error) {
	at.form.Set("do", "send")
	if _, err := p.post(ctx, at.path, at.form); err != nil {
		return seen{}, err
	}
	var letter rig.Letter
	err := s.await(func() (came bool) { letter, came = s.ledger.code(t); return came })
	if err != nil {
		return seen{}, fmt.Errorf("wait for the second mail: %w", err)
	}
	link := mailedIn.FindString(strings.Join(letter.Links, " "))
	if link == "" {
		return seen{}, errors.New("the second mail has no link")
	}
	if at, err = p.get(ctx, link); err != nil {
		return seen{}, err
	}
	return p.post(ctx, link, at.form)
}

func (p *person) get(ctx context.Context, where string) (seen, error) {
	return p.do(ctx, http.MethodGet, where, nil)
}

func (p *person) post(ctx context.Context, where string, form url.Values) (seen, error) {
	return p.do(ctx, http.MethodPost, where, form)
}

// do expects a page that is all right.
func (p *person) do(ctx context.Context, method, where string, form url.Values) (seen, error) {
	if strings.HasPrefix(where, "/") {
		where = p.base + where
	}
	page, err := rig.Browse(ctx, p.client, method, where, form, http.Header{"X-Forwarded-For": {p.from}})
	if err != nil {
		return seen{}, err
	}
	at := seen{page.Status, page.URL.Path, page.Text, url.Values{}}
	for _, field := range hiddenIn.FindAllStringSubmatch(page.Source, -1) {
		at.form.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	if at.status != http.StatusOK {
		first, _, _ := strings.Cut(strings.TrimPrefix(at.path, "/"), "/")
		return at, fmt.Errorf("%s of a page under /%s is answered with %d", method, first, at.status)
	}
	return at, nil
}
