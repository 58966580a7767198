package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// walk is one visit on its way.
type walk struct {
	*play
	visitFile
	*visitor
	proofs  int  // that were given
	refused bool // it ended before its end
}

// through goes from the door to the end of the visit and returns the last page.
func (w *walk) through(ctx context.Context, path string) ([]byte, error) {
	page, status := w.get(ctx, path)
	if strings.HasPrefix(w.location, "/r/") { // they have used it up, and are led to their receipt
		page, status = w.get(ctx, w.location)
		return w.stop(page, status, "the link is used up")
	}
	if status != http.StatusOK {
		return w.stop(page, status, "the link does not open")
	}
	if page, status := w.post(ctx, path, nil); status != http.StatusSeeOther {
		return w.stop(page, status, "the link does not open")
	}
	flow := flowPath.FindStringSubmatch(w.location) // it leads to the record, or to where a proof is asked for
	if flow == nil {
		return nil, fmt.Errorf("the door leads to %q", w.location)
	}
	at := "/f/" + flow[1]
	if w.Press != "" {
		at += "/" + url.PathEscape(w.Press)
	}
	page, status, err := w.arrive(ctx, at)
	switch {
	case err != nil || w.refused:
		return page, err
	case status != http.StatusOK:
		return w.stop(page, status, "the page does not open")
	case w.Press == "" && w.Enter == nil:
		return page, nil
	}
	return w.act(ctx, at, page)
}

// arrive opens a page, and proves on the way what is asked for.
func (w *walk) arrive(ctx context.Context, at string) ([]byte, int, error) {
	for {
		page, status := w.get(ctx, at)
		if status != http.StatusSeeOther || !strings.HasPrefix(w.location, "/c/") {
			return page, status, nil
		}
		asks := w.location
		if len(w.Proof) == w.proofs {
			page, status = w.get(ctx, asks)
			page, err := w.stop(page, status, "a proof is asked for")
			return page, status, err
		}
		w.proofs++
		if page, status = w.prove(ctx, asks, w.Proof[w.proofs-1].Text()); status != http.StatusSeeOther {
			page, err := w.stop(page, status, "the proof is not taken")
			return page, status, err
		}
	}
}

// sentProof is the word for the proof that the door sends when it is asked.
const sentProof = "sent"

var (
	sentLink = regexp.MustCompile(`/m/[a-z0-9]+`)
	sentCode = regexp.MustCompile(`\b[0-9]{6,8}\b`)
)

// prove answers a challenge; 303 means that the answer is right.
func (w *walk) prove(ctx context.Context, at, proof string) ([]byte, int) {
	if proof != sentProof {
		return w.post(ctx, at, url.Values{"do": {"check"}, "code": {proof}})
	}
	before := w.everSent()
	page, status := w.post(ctx, at, url.Values{"do": {"send"}})
	if status != http.StatusSeeOther {
		return page, status
	}
	if err := w.settle(ctx); err != nil {
		return []byte(err.Error()), http.StatusInternalServerError
	}
	for id, message := range w.everSent() {
		if _, old := before[id]; old {
			continue
		}
		if link := sentLink.FindString(message.Content.Text); link != "" {
			return w.post(ctx, link, nil)
		}
		if code := sentCode.FindString(message.Content.Text); code != "" {
			return w.post(ctx, at, url.Values{"do": {"check"}, "code": {code}})
		}
	}
	page, _ = w.get(ctx, at)
	return page, http.StatusForbidden // nothing came
}

// everSent are all messages that channels were given.
func (s *play) everSent() map[engine.ID]engine.Message {
	all := map[engine.ID]engine.Message{}
	for _, c := range s.channels {
		maps.Copy(all, c.sent)
	}
	return all
}

// act fills in the form of a page, and takes back what was done if that is the story.
func (w *walk) act(ctx context.Context, at string, page []byte) ([]byte, error) {
	form, err := fillIn(page, w.Enter)
	if err != nil {
		if w.Refused {
			return w.stop(page, http.StatusOK, err.Error())
		}
		return nil, err
	}
	page, status := w.post(ctx, at, form)
	if status != http.StatusSeeOther {
		return w.stop(page, status, "it is not done")
	}
	if page, status = w.get(ctx, w.location); status != http.StatusOK {
		return w.stop(page, status, "there is no receipt")
	}
	if !w.Undo {
		return page, nil
	}
	undo := undoForm.FindSubmatch(page)
	if undo == nil {
		return w.stop(page, status, "it cannot be taken back")
	}
	if form, err = fillIn(page, nil); err != nil {
		return nil, err
	}
	if page, status = w.post(ctx, string(undo[1]), form); status == http.StatusSeeOther {
		page, status = w.get(ctx, w.location)
	}
	if status != http.StatusOK {
		return w.stop(page, status, "it is not taken back")
	}
	return page, nil
}

// stop ends a visit before its end: that is as it should be if the story says so, or what it finds.
func (w *walk) stop(page []byte, status int, what string) ([]byte, error) {
	w.refused = true
	if w.Finds != "" || w.Refused {
		return page, nil
	}
	return nil, fmt.Errorf("%s (%d): %s", what, status, textOf(page))
}

func (w *walk) get(ctx context.Context, path string) ([]byte, int) {
	return w.request(ctx, w.Door, http.MethodGet, path, nil)
}

func (w *walk) post(ctx context.Context, path string, form url.Values) ([]byte, int) {
	return w.request(ctx, w.Door, http.MethodPost, path, form)
}

var (
	flowPath = regexp.MustCompile(`^/[fc]/([^/?]+)`)
	undoForm = regexp.MustCompile(`action="(/r/[^"]+/undo)"`)
)

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
