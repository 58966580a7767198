package links_test

import (
	"context"
	"encoding/base32"
	"fmt"
	"maps"
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
	before := h.dump()
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
	for name, value := range map[string]string{
		"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch", "X-Moz": "prefetch", "X-Purpose": "preview",
	} {
		v.head.Set(name, value)
		v.get(address).expect(t, 200)
		v.head.Del(name)
	}
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
	if len(v.client.Jar.Cookies(mustURL(t, h.url))) != 0 {
		t.Error("looking left a cookie")
	}
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		t.Errorf("looking wrote something:\n%s", diff)
	}
	if noted := h.looked(); len(noted) != 1 {
		t.Errorf("the audit has %q", noted)
	}
	if diff := cmp.Diff(h.dump("audit"), without(before, "audit")); diff != "" {
		t.Errorf("noting it wrote more than the audit:\n%s", diff)
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
	before := h.dump()
	for _, agent := range []string{
		"WhatsApp/2.23.20.0", "WhatsApp/2.2587.9 W", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
		"Mattermost-Bot/1.1", "TelegramBot (like TwitterBot)", "Twitterbot/1.0",
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Slack-ImgProxy (+https://api.slack.com/robots)",
		"Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", "LinkedInBot/1.0 (compatible; Mozilla/5.0)",
		"SkypeUriPreview Preview/0.5", "Mozilla/5.0 (Macintosh) AppleWebKit/601.2.4 facebookexternalhit/1.1 Twitterbot/1.0",
	} {
		v := h.visitor()
		v.head.Set("User-Agent", agent)
		page := v.get(address)
		page.expect(t, 200, append(recordData, "<title>A link from Acme · Acme</title>", "!resolve", "!Resolved")...)
		if got := page.head.Get("X-Robots-Tag"); got != "noindex, nofollow" {
			t.Errorf("%s: X-Robots-Tag %q", agent, got)
		}
		if strings.Contains(page.text, "og:") || strings.Contains(page.text, "<img") {
			t.Errorf("%s: there is something to show beside the title:\n%s", agent, page.text)
		}
	}
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		t.Errorf("a preview wrote something:\n%s", diff)
	}
	for _, line := range h.looked() {
		if !strings.Contains(line, "probably a bot") {
			t.Errorf("the audit says %q", line)
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
		"as a scanner wraps it":     {"/l/" + token + "?url=https%3A%2F%2Fgo.acme.example%2Fl%2F" + token + "&data=05%7C02", 200},
		"wrapped in its path":       {"/v3/__" + h.url + "/l/" + token + "__;!!x$", 404},
		"the scanner's escapes":     {"/l/" + strings.NewReplacer("a", "%61", "b", "%62").Replace(token), 200},
		"quoted":                    {"/l/" + token + "%22", 404},
		"in quoted-printable":       {"/l/" + token[:20] + "=" + token[20:], 404},
		"two dots":                  {"/l/" + token + "..", 200},
		"brackets and a dot":        {"/l/" + token + ").", 200},
		"an entity":                 {"/l/" + token + "&amp;x=1", 404},
		"a soft hyphen":             {"/l/" + token[:9] + "%C2%AD" + token[9:], 404},
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
	for _, text := range []string{
		digits, link.ID.String(), "a" + digits[:26], "a" + base32Of(link.Digest)[:26], "a" + base32Of(link.ID[:])[:26],
	} {
		for _, method := range []string{"GET", "POST"} {
			h.visitor().send(method, "/l/"+text, nil).expect(t, 404, "This link does not work")
		}
	}
}

// base32Of writes bytes as tokens are written.
func base32Of(data []byte) string {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(data, data...))
	return strings.ToLower(text)
}

// T06: a token that is not exactly ours is nothing, and is told so in the same words whatever is wrong with it.
func TestT06TokensThatWereTamperedWith(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	token := strings.TrimPrefix(address, h.url+"/l/")
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	var wrong []string
	for i := range token { // each bit of each character, that of the key among them
		for bit := range 5 {
			other := alphabet[strings.IndexByte(alphabet, token[i])^(1<<bit)]
			wrong = append(wrong, token[:i]+string(other)+token[i+1:])
		}
	}
	for n := range len(token) {
		wrong = append(wrong, token[:n])
	}
	wrong = append(wrong, token+"a", "a"+token, token[1:]+token[:1], token[:13]+token[14:]+"a")
	var want string
	for _, text := range wrong {
		page := h.visitor().get("/l/" + text)
		page.expect(t, 404, "This link does not work")
		if want == "" {
			want = page.text
		}
		if page.text != want {
			t.Fatalf("%s can be told apart:\n%s", text, cmp.Diff(want, page.text))
		}
	}
	h.visitor().get(address).expect(t, 200)
}

// without is a dump without some of its tables.
func without(tables map[string]string, names ...string) map[string]string {
	rest := maps.Clone(tables)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
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
