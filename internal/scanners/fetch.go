package main

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

const (
	fetchers    = 16 // at the same time
	requestTime = 10 * time.Second
	maxPage     = 1 << 20 // bytes that are read of a page
)

// agent is somebody who asks for links without a person behind it.
type agent struct {
	name   string
	method string
	header map[string]string
}

// agents come from mail gateways, from chat programs that show a preview, and from browsers that fetch ahead.
var agents = []agent{
	{"mail gateway", "GET", map[string]string{"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) SafeLinks"}},
	{"mail gateway", "HEAD", map[string]string{"User-Agent": "Mozilla/5.0 (compatible; LinkCheck)"}},
	{"link checker", "OPTIONS", nil},
	{"plain script", "GET", map[string]string{"User-Agent": "python-requests/2.32"}},
	{"WhatsApp", "GET", map[string]string{"User-Agent": "WhatsApp/2.23.20.0 A"}},
	{"Facebook", "GET", map[string]string{"User-Agent": "facebookexternalhit/1.1"}},
	{"Slack", "GET", map[string]string{"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}},
	{"Telegram", "GET", map[string]string{"User-Agent": "TelegramBot (like TwitterBot)"}},
	{"Mattermost", "GET", map[string]string{"User-Agent": "Mattermost-Bot/1.1"}},
	{"Teams", "HEAD", map[string]string{"User-Agent": "SkypeUriPreview Preview/0.5"}},
	{"prefetch", "GET", map[string]string{"Sec-Purpose": "prefetch", "Purpose": "prefetch"}},
	{"prerender", "GET", map[string]string{"Sec-Purpose": "prefetch;prerender"}},
}

// leadsIn finds what a page leads to.
var leadsIn = regexp.MustCompile(`(?:href|src|action|formaction)="([^"]+)"`)

// fetchAll lets every agent ask for every link. Each agent comes from one address.
func (s *stand) fetchAll(ctx context.Context, tickets []*ticket) (string, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: fetchers}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: requestTime}
	err := each(ctx, fetchers, tickets, func(ctx context.Context, _ int, t *ticket) error {
		for _, link := range t.links {
			for n, a := range agents {
				if err := a.visit(ctx, client, from(0, n), t, link); err != nil {
					return fmt.Errorf("%s, %s of %s (%s): %w", a.name, a.method, t.id, t.kind.name, err)
				}
			}
		}
		return nil
	})
	return fmt.Sprintf("every link by %d agents, who told nobody what it is about", len(agents)), err
}

// visit asks for a link, and for everything that the page leads to. Nothing of the record may be there.
func (a agent) visit(ctx context.Context, client *http.Client, from string, t *ticket, link string) error {
	status, text, err := a.ask(ctx, client, from, link)
	if err != nil {
		return err
	}
	want := http.StatusOK
	if a.method == http.MethodOptions {
		want = http.StatusMethodNotAllowed
	}
	switch {
	case status != want:
		return fmt.Errorf("the answer is %d", status)
	case strings.Contains(text, t.title) || strings.Contains(text, t.number):
		return fmt.Errorf("the page shows the record")
	}
	base, err := url.Parse(link)
	if err != nil {
		return err
	}
	for _, found := range leadsIn.FindAllStringSubmatch(text, -1) {
		to, err := base.Parse(html.UnescapeString(found[1]))
		if err != nil {
			return err
		}
		if status, _, err := a.ask(ctx, client, from, to.String()); err != nil || status >= 500 {
			return fmt.Errorf("%s answers %d: %w", to.Path, status, err)
		}
	}
	return nil
}

func (a agent) ask(ctx context.Context, client *http.Client, from, where string) (status int, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, a.method, where, nil)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("X-Forwarded-For", from)
	for name, value := range a.header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	return response.StatusCode, html.UnescapeString(string(body)), err
}

// unmoved holds what was seen against nothing at all.
func (s *stand) unmoved(_ context.Context, tickets []*ticket) (string, error) {
	seen, err := s.settle(tickets)
	if err != nil {
		return "", err
	}
	s.tell("scanners links=%d effects=%d", countLinks(tickets), seen.effects())
	var complaints []string
	for _, t := range tickets {
		if one := s.ledger.of(t); one != (tally{mails: 1}) {
			complaints = append(complaints, fmt.Sprintf("%s (%s) was looked at, and this came of it: %+v",
				t.id, t.kind.name, one))
		}
	}
	return fmt.Sprintf("%d codes were sent, nobody was let in", seen.codes), s.ledger.wrong(complaints)
}
