package links_test

import (
	"crypto/rand"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// twice is the same browser at the moment before: it has the cookies that the visitor has now.
func (v *visitor) twice() *visitor {
	v.h.t.Helper()
	jar, _ := cookiejar.New(nil)
	home := mustURL(v.h.t, v.h.url)
	jar.SetCookies(home, v.client.Jar.Cookies(home))
	return &visitor{h: v.h, client: &http.Client{Jar: jar}, head: v.head}
}

// right is what proves a factor, once it was asked for.
func (h *house) right(v *visitor, factor string, page shown) (path string, form url.Values) {
	h.t.Helper()
	switch factor {
	case pin:
		return page.path, url.Values{"do": {"check"}, "code": {"blue whale 42"}}
	case bySMS:
		page = v.ask(page)
		return page.path, url.Values{"do": {"check"}, "code": {h.lastCode("sms")}}
	}
	v.ask(page)
	return h.lastMail(), nil
}

// A browser sends what is pressed twice with the cookie that the first press replaces.
func TestT19SecondPressOfARightCode(t *testing.T) {
	for _, factor := range []string{pin, bySMS, byMail} {
		t.Run(factor, func(t *testing.T) {
			h := factorHouse(t, factor)
			_, address := h.mint("ticket")
			v := h.visitor()
			path, form := h.right(v, factor, v.open(address))
			second, third, late := v.twice(), v.twice(), v.twice()
			v.send("POST", path, form).expect(t, 200, "TT42")
			second.send("POST", path, form).expect(t, 200, "TT42")
			if second.cookie() != v.cookie() {
				t.Error("the second press got another cookie than the first")
			}
			if form != nil {
				form := url.Values{"do": {"check"}, "code": {"99999999"}}
				third.send("POST", path, form).expect(t, 404, secretRecord...)
			}
			third.send("POST", path, url.Values{"do": {"send"}})
			h.visitor().send("POST", path, form).expect(t, 404, secretRecord...)
			v.send("POST", path, form).expect(t, 200, "TT42") // with the new cookie
			if granted := h.deeds(engine.DeedLinkGranted); len(granted) != 1 {
				t.Errorf("granted %q", granted)
			}
			h.clock.Advance(links.RepeatWindow)
			late.send("POST", path, form).expect(t, 404, secretRecord...)
		})
	}
}

// Also where both arrive before either is answered.
func TestT19BothPressesAtOnce(t *testing.T) {
	for _, factor := range []string{pin, bySMS, byMail} {
		t.Run(factor, func(t *testing.T) {
			h := factorHouse(t, factor)
			_, address := h.mint("ticket")
			v := h.visitor()
			path, form := h.right(v, factor, v.open(address))
			presses := []*visitor{v.twice(), v.twice(), v.twice()}
			var group sync.WaitGroup
			for _, press := range presses {
				group.Go(func() { press.send("POST", path, form).expect(t, 200, "TT42") })
			}
			group.Wait()
		})
	}
}

// Guesses with the old cookie count like any others, and lock the link.
func TestSecondPressesAreCounted(t *testing.T) {
	h := factorHouse(t, bySMS)
	_, address := h.mint("ticket")
	v := h.visitor()
	path, form := h.right(v, bySMS, v.open(address))
	other := v.twice()
	v.send("POST", path, form).expect(t, 200, "TT42")
	guess := url.Values{"do": {"check"}, "code": {wrong(form.Get("code"))}}
	for range links.MaxTries {
		other.send("POST", path, guess).expect(t, 404, secretRecord...)
	}
	other.send("POST", path, form).expect(t, 404, secretRecord...) // the tries are used up
	if wrong := h.deeds(engine.DeedLinkGuessed); len(wrong) != links.MaxTries-1 {
		t.Errorf("%d wrong guesses are in the audit", len(wrong))
	}
	v.get(strings.Replace(path, "/c/", "/f/", 1)).expect(t, 200, "TT42")
}

// What is asked for anew within a moment is no second press.
func TestAskedAnewWithinAMoment(t *testing.T) {
	h := factorHouse(t, pin)
	h.book.Landings["ticket"].Actions[0].Within = 20 * time.Second
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.answer(v.open(address), "blue whale 42")
	h.clock.Advance(20 * time.Second)
	asked := v.get(page.path + "/resolve")
	asked.expect(t, 200, "security code")
	v.answer(asked, "blue whale 42").expect(t, 200, "Mark as resolved")
}

// A challenge whose keys were retired since takes no guess for right.
func TestChallengeOfARetiredKey(t *testing.T) {
	h := factorHouse(t, bySMS)
	h.book.Landings["ticket"].Actions[0].Factor = h.factor(pin)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.ask(v.open(address))
	action := v.answer(page, h.lastCode("sms")).path + "/resolve"
	asked := v.get(action)
	v.answer(asked, "wrong whale").expect(t, 422)
	h.take(h.root.Rotate(rand.Reader))
	h.clock.Advance(engine.GrantIdle)
	v.answer(v.ask(page), h.lastCode("sms")).expect(t, 200, "TT42") // with the new keys
	h.take(h.root.Retire("a"))
	v.get(action).expect(t, 200, "security code")
	v.answer(asked, "whatever it may be").expect(t, 422, secretRecord...)
	v.answer(asked, "blue whale 42").expect(t, 200, "Mark as resolved")
}

// Both presses of the door's button come from the browser that a link is bound to.
func TestT19SecondPressAtABoundLink(t *testing.T) {
	h := newHouse(t)
	h.book.Landings["ticket"].Bind = true
	link, address := h.mint("ticket")
	v := h.visitor()
	v.get(address).expect(t, 200)
	second := v.twice()
	v.open(address).expect(t, 200, "TT42")
	if h.link(link).Bound == nil {
		t.Fatal("the link is bound to nobody")
	}
	second.send("POST", address, nil).expect(t, 200, "TT42")
	h.visitor().send("POST", address, nil).expect(t, 409)
}
