package links_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/links"
)

// recordData is what no page but the record's own may show.
var recordData = []string{"!TT42", "!Printer", "!smoke", "!17x42", "!HelpDesk", "!Ticket"}

func TestT10LookingChangesNothing(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("once")
	v := h.visitor()
	page := v.get(address)
	page.expect(t, 200, append(recordData, "Is this for you?", "z…@acme.example")...)
	head := v.send("HEAD", address, nil)
	head.head.Del("Date")
	page.head.Del("Date")
	if head.text != "" || !cmp.Equal(head.head, page.head) {
		t.Errorf("HEAD differs from GET:\n%s", cmp.Diff(page.head, head.head))
	}
	for range 50 {
		v.get(address)
	}
	v.head.Set("Sec-Purpose", "prefetch;prerender")
	v.get(address).expect(t, 200)
	v.head.Del("Sec-Purpose")
	for _, method := range []string{"OPTIONS", "PUT", "DELETE", "PATCH"} {
		refused := v.send(method, address, nil)
		refused.expect(t, 405, "This cannot be done here")
		if allow := refused.head.Get("Allow"); allow != "GET, HEAD, POST" {
			t.Errorf("%s: Allow %q", method, allow)
		}
	}
	v.get(address).expect(t, 200)
	if uses := h.link(link).Uses; uses != 0 || len(h.events()) != 0 {
		t.Errorf("looking used the link %d times and sent %d events", uses, len(h.events()))
	}
	v.open(address).expect(t, 200, "TT42")
}

// link is a link as the store has it now, found as the door finds it.

func (h *house) link(link engine.Link) engine.Link {
	h.t.Helper()
	stored, err := h.store.Link(h.t.Context(), link.KeyID, link.Digest)
	if err != nil {
		h.t.Fatal(err)
	}
	return stored
}

func TestT15PreviewsSeeNothing(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket", func(terms *engine.LinkTerms) { terms.Preset = "resolve" })
	for _, agent := range []string{
		"WhatsApp/2.23.20", "facebookexternalhit/1.1", "mattermost-bot", "TelegramBot (like TwitterBot)",
		"Slackbot-LinkExpanding 1.0",
	} {
		v := h.visitor()
		v.head.Set("User-Agent", agent)
		page := v.get(address)
		page.expect(t, 200, append(recordData, "<title>A link from Acme · Acme</title>", "!resolve", "!Resolved")...)
		if got := page.head.Get("X-Robots-Tag"); got != "noindex, nofollow" {
			t.Errorf("%s: X-Robots-Tag %q", agent, got)
		}
	}
}

func TestT16LinksAsMailProgramsLeaveThem(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	token := strings.TrimPrefix(address, h.url+"/l/")
	for name, test := range map[string]struct {
		path   string
		status int
	}{
		"as it was sent":            {"/l/" + token, 200},
		"in capitals, as a QR":      {"/L/" + strings.ToUpper(token), 200},
		"the end of the sentence":   {"/l/" + token + ".", 200},
		"within brackets":           {"/l/" + token + ")", 200},
		"before a comma":            {"/l/" + token + ",", 200},
		"within angles":             {"/l/" + token + "%3E", 200},
		"a tracker's query behind":  {"/l/" + token + "?utm_source=mail&url=https://x.example", 200},
		"a soft line break inside":  {"/l/" + token[:9] + "=%0D%0A" + token[9:], 404},
		"cut off":                   {"/l/" + token[:20], 404},
		"with a slash behind":       {"/l/" + token + "/", 404},
		"broken characters":         {"/l/%ff%00%fe", 404},
		"very long":                 {"/l/" + strings.Repeat("a", 8000), 404},
		"no token at all":           {"/l/", 404},
		"somewhere else altogether": {"/wp-login.php", 404},
		"the root":                  {"/", 404},
	} {
		t.Run(name, func(t *testing.T) {
			h.visitor().get(test.path).expect(t, test.status)
		})
	}
}

// Whoever tries addresses learns nothing: what never was, what cannot be and what is no longer allowed look the same.

func TestUnknownMalformedAndRevokedAreTheSame(t *testing.T) {
	revoked := false
	h := newHouse(t, func(c *links.DoorConfig) { c.Store = revoking{c.Store, &revoked} })
	_, address := h.mint("ticket", func(terms *engine.LinkTerms) { terms.Language = "nl" })
	v := h.visitor()
	flow := v.open(address)
	revoked = true
	var first shown
	for i, where := range []string{
		address, h.url + "/l/a" + strings.Repeat("b", 26), h.url + "/l/z" + strings.Repeat("b", 26), h.url + "/l/x",
		flow.path, flow.path + "/resolve", strings.Replace(flow.path, "/f/", "/r/", 1), h.url + "/elsewhere",
	} {
		page := v.get(where)
		page.expect(t, 404, "This link does not work")
		page.head.Del("Date")
		if i == 0 {
			first = page
			continue
		}
		if page.text != first.text || !cmp.Equal(page.head, first.head) {
			t.Errorf("%s can be told apart from a revoked link:\n%s", where, cmp.Diff(first.text, page.text))
		}
	}
	v.send("POST", address, nil).expect(t, 404)
	v.send("POST", flow.path+"/resolve", nil).expect(t, 404)
	if len(h.events()) > 0 {
		t.Error("a revoked link had an effect")
	}
}

// revoking is a store whose links are revoked once the flag is set.

type revoking struct {
	links.Store
	revoked *bool
}

func (s revoking) Link(ctx context.Context, keyID string, digest []byte) (engine.Link, error) {
	link, err := s.Store.Link(ctx, keyID, digest)
	return s.revoke(link), err
}

func (s revoking) Flow(ctx context.Context, id engine.ID, now time.Time) (links.Flow, engine.Link, error) {
	flow, link, err := s.Store.Flow(ctx, id, now)
	return flow, s.revoke(link), err
}

func (s revoking) revoke(link engine.Link) engine.Link {
	if *s.revoked {
		link.Revoked = link.Created
	}
	return link
}

func TestT04StoredDigestIsNoToken(t *testing.T) {
	h := newHouse(t)
	link, _ := h.mint("ticket")
	digits := fmt.Sprintf("%x", link.Digest)
	for _, text := range []string{digits, link.ID.String(), "a" + digits[:26]} {
		h.visitor().get("/l/"+text).expect(t, 404)
	}
}

func TestT20ExpiryEdges(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("ticket")
	v := h.visitor()
	h.clock.Advance(link.Expires.Sub(h.clock.Now()) - time.Second)
	v.get(address).expect(t, 200)
	page := v.open(address)
	h.clock.Advance(time.Second)
	v.get(address).expect(t, 410, append(recordData, "This link has expired")...)
	v.send("POST", address, nil).expect(t, 410)
	v.get(page.path).expect(t, 404, "open your link again") // the flow ends with its link
	h.clock.Advance(time.Second)
	v.get(address).expect(t, 410)
	if len(h.events()) != 0 {
		t.Error("an expired link had an effect")
	}
}

func TestFlowEnds(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	h.clock.Advance(time.Hour - time.Second)
	v.get(page.path).expect(t, 200)
	h.clock.Advance(time.Second)
	v.get(page.path).expect(t, 404, "Please open your link again")
	v.open(address).expect(t, 200, "TT42")
}

func TestT44StepsCannotBeSkipped(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	owner := h.visitor()
	page := owner.open(address)
	stranger := h.visitor()
	other := h.visitor()
	_, second := h.mint("once")
	other.open(second)
	for _, v := range []*visitor{stranger, other} {
		for _, path := range []string{page.path, page.path + "/resolve", strings.Replace(page.path, "/f/", "/r/", 1)} {
			v.get(path).expect(t, 404, append(recordData, "open your link again")...)
		}
		v.send("POST", page.path+"/resolve", url.Values{"~seen": {page.seen()}}).expect(t, 404)
		v.send("POST", page.path, url.Values{"~seen": {page.seen()}, "ticket_title": {"mine"}}).expect(t, 404)
	}
	for _, forged := range []string{"/f/" + (engine.ID{7}).String(), "/f/nonsense", "/f/" + strings.Repeat("f", 36)} {
		owner.get(forged).expect(t, 404, "open your link again")
	}
	// Confirming what was never shown only shows it.
	owner.send("POST", page.path+"/resolve", url.Values{}).expect(t, 409, "Confirm", "Resolved")
	if len(h.events()) != 0 {
		t.Error("a skipped step had an effect")
	}
}

func TestT80FormsFromElsewhere(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	confirm := v.get(page.path + "/resolve")
	for name, head := range map[string]http.Header{
		"another site":          {"Sec-Fetch-Site": {"cross-site"}},
		"a sibling":             {"Sec-Fetch-Site": {"same-site"}},
		"an older browser":      {"Origin": {"https://evil.example"}},
		"an origin kept secret": {"Origin": {"null"}},
		"another port":          {"Origin": {"http://127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			v.head = head
			v.submit(confirm, nil).expect(t, 403, append(recordData, "nothing was done")...)
			v.send("POST", address, nil).expect(t, 403)
			v.send("POST", page.path, url.Values{"ticket_title": {"x"}}).expect(t, 403)
		})
	}
	if len(h.events()) != 0 {
		t.Fatal("a form from elsewhere had an effect")
	}
	v.head = http.Header{"Origin": {h.url}}
	v.submit(confirm, nil).expect(t, 200, "Saved")
}

// A second link of the same mail, opened in another tab, must not end the first one's flow.

func TestTwoFlowsInOneBrowser(t *testing.T) {
	h := newHouse(t)
	_, one := h.mint("ticket")
	_, two := h.mint("once")
	v := h.visitor()
	v.client.Jar.SetCookies(mustURL(t, h.url), []*http.Cookie{{Name: "postern", Value: "planted"}})
	first, second := v.open(one), v.open(two)
	if cookie := v.client.Jar.Cookies(mustURL(t, h.url))[0]; cookie.Value == "planted" {
		t.Error("the door took a cookie that is not its own")
	}
	v.get(first.path).expect(t, 200, "TT42")
	v.get(second.path).expect(t, 200, "TT42")
}

func TestPresetOpensItsAction(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket", func(terms *engine.LinkTerms) { terms.Preset = "resolve" })
	page := h.visitor().open(address)
	page.expect(t, 200, "Mark as resolved", "Open", "becomes", "Resolved", "Confirm")
	if !strings.HasSuffix(page.path, "/resolve") {
		t.Errorf("led to %s", page.path)
	}
}

// breaking is a CRM that fails once it has an error.
