package links_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"postern/engine"
	"postern/links"
)

func TestActionThatAsks(t *testing.T) {
	h := kindsHouse(t)
	h.writes(engine.Fields{"reason": "An older one"})
	link, address := h.mint("kinds")
	v := h.visitor()
	confirm := v.get(v.open(address).path + "/reject")
	// What is there already is not typed by anybody.
	confirm.expect(t, 200, `id="field-reason"`, `maxlength="100" required`, "!An older one")
	for _, form := range []url.Values{nil, {"reason": {""}}, {"reason": {" "}}, {"reason": {strings.Repeat("x", 101)}}} {
		again := v.submit(confirm, form)
		again.expect(t, 422, "<title>Please check: reject", `href="#field-reason"`, `aria-invalid="true"`, "Confirm")
	}
	if uses := h.link(link).Uses; uses != 0 || len(h.eventsOf(engine.LinkUsed)) != 0 {
		t.Errorf("%d uses before anything was typed", uses)
	}
	receipt := v.submit(confirm, url.Values{"reason": {"Still broken"}, "secret": {"stolen"}, "score": {"3"}})
	receipt.expect(t, 200, "Saved", "Still broken", "Take it back")
	h.holds(map[string]string{
		"reason": "Still broken", "ticketstatus": "Wait For Response", "secret": "only for the staff", "score": "",
	})
	if second := v.submit(confirm, url.Values{"reason": {"Still broken"}}); second.text != receipt.text {
		t.Errorf("a double click got %s", second.text)
	}
	path, form := offer(t, receipt)
	v.send("POST", path, form).expect(t, 200, "Taken back")
	h.holds(map[string]string{"reason": "An older one", "ticketstatus": "Open"})
}

func TestActionWithACondition(t *testing.T) {
	h := kindsHouse(t)
	_, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, "It works again")
	confirm := v.get(page.path + "/resolve")
	h.writes(engine.Fields{"ticketstatus": "Closed"})
	v.get(page.path).expect(t, 200, "!It works again", "reject")
	v.get(page.path+"/resolve").expect(t, 200, "This is not offered any more", "!Confirm")
	v.submit(confirm, nil).expect(t, 409, "This is not offered any more", "!Confirm")
	h.holds(map[string]string{"ticketstatus": "Closed"})
	if n := len(h.eventsOf(engine.LinkUsed)); n != 0 {
		t.Errorf("%d events of an action that is not offered", n)
	}
}

// The condition is held against the record once more in the change that writes it.
func TestConditionThatEndsAtTheLastMoment(t *testing.T) {
	late := &stale{}
	h := kindsHouse(t, func(c *links.DoorConfig) { late.CRM, c.CRM = c.CRM, late })
	action := h.book.Landings["kinds"].Action("resolve")
	action.If = unless{"description", "Do not touch"}
	_, address := h.mint("kinds")
	v := h.visitor()
	confirm := v.get(v.open(address).path + "/resolve")
	late.keep(t)
	h.writes(engine.Fields{"description": "Do not touch"})
	v.submit(confirm, nil).expect(t, 409, "This is not offered any more")
	h.holds(map[string]string{"ticketstatus": "Open"})
}

// An action whose own effect ends its condition still has a receipt, however often its button is pressed.
func TestDoubleClickOnAnActionThatEndsItsCondition(t *testing.T) {
	h := kindsHouse(t)
	h.book.Landings["kinds"].Action("resolve").If = unless{"ticketstatus", "Resolved"}
	link, address := h.mint("kinds")
	v := h.visitor()
	confirm := v.get(v.open(address).path + "/resolve")
	first, second := v.submit(confirm, nil), v.submit(confirm, nil)
	first.expect(t, 200, "Saved")
	if second.text != first.text || h.link(link).Uses != 1 {
		t.Errorf("the second press got %s", second.text)
	}
}

// A scanner that clicks whatever it finds: buttons, links, and what they lead to, twice over.
func TestT13AScannerThatClicks(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*engine.Landing)
		most   int // effects
		undo   bool
	}{
		"an action that can be taken back": {func(*engine.Landing) {}, 1, true},
		"something is asked": {func(l *engine.Landing) {
			l.Actions = l.Actions[1:]
		}, 0, false},
		"the condition does not hold": {func(l *engine.Landing) {
			l.Actions[0].If = unless{"ticketstatus", "Open"}
		}, 0, false},
		"only once": {func(l *engine.Landing) { l.Uses = 1 }, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := kindsHouse(t)
			landing := h.book.Landings["kinds"]
			landing.Edit = nil
			test.change(landing)
			link, address := h.mint("kinds")
			v := h.visitor()
			v.get(address)
			v.open(address)
			receipts := v.clickAll(v.open(address).path)
			if n := len(h.eventsOf(engine.LinkUsed)); n > test.most || h.link(link).Uses > test.most {
				t.Errorf("%d effects, want at most %d", n, test.most)
			}
			for _, receipt := range receipts {
				receipt.expect(t, 200, "Take it back")
			}
			if (len(receipts) > 0) != test.undo {
				t.Errorf("%d receipts", len(receipts))
			}
		})
	}
}

// clickAll follows the links of a page and of what they lead to, and sends the first form of each, as it is. It returns
// the receipts that it saw; it does not click on those.
func (v *visitor) clickAll(path string) (receipts []shown) {
	seen, open := map[string]bool{}, []string{path}
	for len(open) > 0 {
		at := open[0]
		open = open[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		page := v.get(at)
		for _, found := range regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(page.text, -1) {
			open = append(open, found[1])
		}
		if !strings.HasPrefix(page.path, "/f/") || !strings.Contains(page.text, "<form") {
			continue
		}
		if reply := v.submit(page, nil); strings.HasPrefix(reply.path, "/r/") {
			receipts = append(receipts, reply)
		}
	}
	return receipts
}

func TestScale(t *testing.T) {
	h := kindsHouse(t)
	_, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, "Your answer", "!Change something",
		`<fieldset id="field-score" class="scale"`, "From 1 (lowest) to 5 (highest).",
		`<label class="choice" for="field-score-4"><input id="field-score-4" name="score" value="5" type="radio">`)
	for _, wrong := range []string{"0", "6", "3.5", "x", "٣"} {
		v.submit(page, url.Values{"score": {"", wrong}}).expect(t, 422, "Please choose one of the numbers.")
	}
	v.submit(page, url.Values{"score": {""}}).expect(t, 200, "Nothing was saved")
	v.submit(page, url.Values{"score": {"", "5"}}).expect(t, 200, "Saved", "Score")
	h.holds(map[string]string{"score": "5"})
	v.get(page.path).expect(t, 200, `name="score" value="5" type="radio" checked`)
}
