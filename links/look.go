package links

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"postern/engine"
)

const (
	// maxLooks is how many looks wait to be written; what comes beyond is not noted. Nothing depends on them.
	maxLooks = 1024
	// knownLooks is how many are remembered in each of two halves, so that a link is noted once.
	knownLooks = 20_000
	// together is how soon one after the other the links of a message are followed by a program, and not by a person.
	together = 2 * time.Second
	// lastLooks is how long the looks that wait at the end may take to be written.
	lastLooks = 5 * time.Second
)

// agents are words in what programs say of themselves that follow links unasked: the previews of messengers, mail
// scanners, search engines, and what people write programs with.
var agents = []string{
	"whatsapp", "facebookexternalhit", "facebot", "telegrambot", "twitterbot", "slackbot", "slack-imgproxy",
	"mattermost", "discordbot", "linkedinbot", "skypeuripreview", "microsoftpreview", "bingpreview", "bingbot",
	"googlebot", "googleimageproxy", "google-safety", "yahoomailproxy", "applebot", "barracuda", "proofpoint",
	"mimecast",
	"urldefense",
	"headlesschrome", "phantomjs", "curl/", "wget/", "python", "go-http-client", "okhttp", "java/", "crawler", "spider",
}

// look is that somebody fetched a link, which changes nothing.
type look struct {
	link   engine.ID
	record engine.Ref
	at     time.Time
	bot    string // why it was probably a program; "" for no sign of one
}

// detail is the look in the audit's words.
func (l look) detail() string {
	if l.bot == "" {
		return "probably a person"
	}
	return "probably a bot: " + l.bot
}

// looks notes in the audit who has looked at a link, a person or a bot, once each for a link. It tells them apart by
// signs that anybody can fake, so nothing is ever allowed or refused because of it.
type looks struct {
	queue chan look

	mu           sync.Mutex
	fresh, older map[lookKey]bool
	messages     map[engine.ID]look // the last look at a link of each message
}

type lookKey struct {
	link engine.ID
	bot  bool
}

func newLooks() *looks {
	return &looks{queue: make(chan look, maxLooks), fresh: map[lookKey]bool{}, messages: map[engine.ID]look{}}
}

// note puts a look at a link by, unless one of its kind has been noted. It never waits.
func (l *looks) note(link engine.Link, r *http.Request, now time.Time) {
	seen := look{link: link.ID, record: link.Record, at: now, bot: botSign(r)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, all := l.another(link.Delivery, seen); all {
		const sign = "several links of one message within 2 s"
		if before.bot == "" {
			before.bot = sign
			l.put(before)
		}
		if seen.bot == "" {
			seen.bot = sign
		}
	}
	l.put(seen)
}

// another tells whether a different link of the same message was looked at just before, and that look.
func (l *looks) another(message engine.ID, seen look) (before look, all bool) {
	if message.IsZero() {
		return look{}, false
	}
	before, known := l.messages[message]
	if len(l.messages) >= knownLooks {
		clear(l.messages)
	}
	l.messages[message] = seen
	return before, known && before.link != seen.link && seen.at.Sub(before.at).Abs() <= together
}

func (l *looks) put(seen look) {
	key := lookKey{seen.link, seen.bot != ""}
	if l.fresh[key] || l.older[key] {
		return
	}
	select {
	case l.queue <- seen:
	default:
		return
	}
	if len(l.fresh) >= knownLooks {
		l.older, l.fresh = l.fresh, map[lookKey]bool{}
	}
	l.fresh[key] = true
}

// botSign is what gives a program away; "" for nothing.
func botSign(r *http.Request) string {
	if r.Method == http.MethodHead {
		return "HEAD"
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		purpose := r.Header.Get(name)
		if strings.Contains(purpose, "prefetch") || strings.Contains(purpose, "preview") {
			return "prefetch"
		}
	}
	agent := strings.ToLower(r.UserAgent())
	if agent == "" {
		return "no User-Agent"
	}
	for _, word := range agents {
		if strings.Contains(agent, word) {
			return strings.Trim(word, "/")
		}
	}
	return ""
}

// Run writes into the audit who has looked at which link, until ctx ends, and then what still waits, for at most 5 s.
func (d *Door) Run(ctx context.Context) error {
	for {
		select {
		case seen := <-d.looks.queue:
			d.noteLook(ctx, seen)
		case <-ctx.Done():
			d.noteLastLooks(ctx)
			return nil
		}
	}
}

func (d *Door) noteLastLooks(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLooks)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case seen := <-d.looks.queue:
			d.noteLook(ctx, seen)
		default:
			return
		}
	}
}

// noteLook carries a look through that the end of the process meets on its way.
func (d *Door) noteLook(ctx context.Context, seen look) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLooks)
	defer cancel()
	err := d.with.Store.Note(ctx, engine.Deed{
		At: seen.at, Kind: engine.DeedLinkLooked, Actor: "link:" + seen.link.String(), Subject: seen.record.String(),
		Detail: seen.detail(),
	})
	if err != nil {
		d.with.Logger.WarnContext(ctx, "look at a link not noted in the audit", "link", seen.link, "error", err)
	}
}
