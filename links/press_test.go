package links_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

const presser = "mattermost:k3u00000000000000000000000"

func (h *house) press(link engine.Link, action string) engine.Pressed {
	h.t.Helper()
	return h.door.Press(h.t.Context(), engine.Press{
		Link: link.ID, Generation: link.Generation, Action: action, By: presser,
	})
}

// A press does what a visit does: the use, the record, the events and the audit, at once and once.
func TestPress(t *testing.T) {
	h := newHouse(t)
	link, _ := h.mint("once")
	got := h.press(link, "resolve")
	if !got.Done || !got.First || !got.Over || !strings.Contains(got.Text, "Your change has been saved") {
		t.Errorf("%+v", got)
	}
	h.holds(map[string]string{"ticketstatus": "Resolved"})
	if now := h.link(link); now.Uses != 1 || now.Opened.IsZero() {
		t.Errorf("%+v", now)
	}
	types := map[string]int{}
	for _, event := range h.told() {
		types[event.Type]++
		if event.Type == engine.LinkUsed && !strings.Contains(string(event.Data), `"action":"resolve"`) {
			t.Errorf("link.used says %s", event.Data)
		}
	}
	if types[engine.LinkOpened] != 1 || types[engine.LinkUsed] != 1 || types[engine.RecordUpdated] != 1 {
		t.Errorf("events: %v", types)
	}
	if !strings.Contains(strings.Join(h.deeds(engine.DeedLinkUsed), "\n"), "resolve by "+presser) {
		t.Errorf("the audit says %q", strings.Join(h.deeds(engine.DeedLinkUsed), "\n"))
	}
	again := h.press(link, "resolve")
	if !again.Done || again.First || !strings.Contains(again.Text, "already been done") {
		t.Errorf("the second press: %+v", again)
	}
	if other := h.press(link, "close"); other.Done || !other.Over || !strings.Contains(other.Text, "already done") {
		t.Errorf("another button after it: %+v", other)
	}
	h.clock.Advance(links.RepeatWindow)
	if late := h.press(link, "resolve"); !late.Done || late.First || !late.Over {
		t.Errorf("a late press: %+v", late)
	}
	h.holds(map[string]string{"ticketstatus": "Resolved"})
}

// A link that may be used more often is not used by a button that has nothing to do any more.
func TestPressesWithUsesLeft(t *testing.T) {
	h := newHouse(t)
	link, _ := h.mint("ticket")
	if got := h.press(link, "resolve"); !got.First || got.Over {
		t.Errorf("%+v", got)
	}
	h.clock.Advance(time.Hour)
	if got := h.press(link, "resolve"); !got.Done || got.First || h.link(link).Uses != 1 {
		t.Errorf("%+v, %d uses", got, h.link(link).Uses)
	}
	h.writes(engine.Fields{"ticketstatus": "Open"})
	if got := h.press(link, "resolve"); !got.First || h.link(link).Uses != 2 {
		t.Errorf("opened again since: %+v, %d uses", got, h.link(link).Uses)
	}
}

func TestManyPressesAtOnce(t *testing.T) {
	for _, landing := range []string{"once", "ticket"} {
		h := newHouse(t)
		link, _ := h.mint(landing)
		var mu sync.Mutex
		var firsts, done int
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				got := h.press(link, "resolve")
				mu.Lock()
				defer mu.Unlock()
				if got.First {
					firsts++
				}
				if got.Done {
					done++
				}
			})
		}
		all.Wait()
		if firsts != 1 || done != 8 || h.link(link).Uses != 1 {
			t.Errorf("%s: %d first, %d done, %d uses", landing, firsts, done, h.link(link).Uses)
		}
	}
}

// What a button did is taken back by a button, once and in its time.
func TestPressesAreTakenBack(t *testing.T) {
	h := newHouse(t)
	h.book.Landings["once"].Actions[0].Undo = 15 * time.Minute
	link, _ := h.mint("once")
	if got := h.press(link, engine.PressUndo); got.Done || !strings.Contains(got.Text, "no longer be taken back") {
		t.Errorf("nothing to take back: %+v", got)
	}
	got := h.press(link, "resolve")
	if got.Undo != "Take it back" || !got.Until.Equal(h.clock.Now().Add(15*time.Minute)) {
		t.Errorf("%+v", got)
	}
	h.clock.Advance(14 * time.Minute)
	got = h.press(link, engine.PressUndo)
	if !got.First || got.Text != "It is as it was before." || h.link(link).Uses != 0 {
		t.Errorf("%+v, %d uses", got, h.link(link).Uses)
	}
	h.holds(map[string]string{"ticketstatus": "Open"})
	if got := h.press(link, engine.PressUndo); !got.Done || got.First {
		t.Errorf("the second press: %+v", got)
	}
	if !strings.HasSuffix(strings.Join(h.deeds(engine.DeedLinkUndone), "\n"), "by "+presser) {
		t.Errorf("the audit says %q", h.deeds(engine.DeedLinkUndone))
	}
	if got := h.press(link, "resolve"); !got.First {
		t.Errorf("pressed again: %+v", got)
	}
	h.clock.Advance(15 * time.Minute)
	if got := h.press(link, engine.PressUndo); got.Done {
		t.Errorf("too late: %+v", got)
	}
	h.holds(map[string]string{"ticketstatus": "Resolved"})
}

// What a visit by the link would be refused for, a press is.
func TestPressesThatDoNothing(t *testing.T) {
	asks := func(h *house) {
		action := *h.book.Landings["once"].Actions[0]
		action.Ask = []*engine.Edit{{Field: h.book.Modules["HelpDesk"].Fields["ticket_title"]}}
		h.book.Landings["once"].Actions = []*engine.Action{&action}
	}
	for name, c := range map[string]struct {
		change func(h *house, link engine.Link) engine.Press // a press of resolve, after what is in its way
		text   string
		over   bool
	}{
		"expired": {func(h *house, link engine.Link) engine.Press {
			h.clock.Advance(2 * time.Hour)
			return engine.Press{Link: link.ID, Generation: 1, Action: "resolve"}
		}, "only valid for a while", true},
		"revoked": {func(h *house, link engine.Link) engine.Press {
			order := engine.Order{By: "anna", At: h.clock.Now()}
			_, err := h.store.RevokeLinks(t.Context(), engine.LinkSelection{IDs: []engine.ID{link.ID}}, order)
			if err != nil {
				t.Fatal(err)
			}
			return engine.Press{Link: link.ID, Generation: 1, Action: "resolve"}
		}, "no longer valid", true},
		"sent anew": {func(_ *house, link engine.Link) engine.Press {
			return engine.Press{Link: link.ID, Generation: 0, Action: "resolve"}
		}, "newer link", true},
		"no link": {func(*house, engine.Link) engine.Press { return engine.Press{} }, "no longer valid", true},
		"no such action": {func(_ *house, link engine.Link) engine.Press {
			return engine.Press{Link: link.ID, Generation: 1, Action: "explode"}
		}, "taken away", true},
		"no record": {func(h *house, link engine.Link) engine.Press {
			h.drop()
			return engine.Press{Link: link.ID, Generation: 1, Action: "resolve"}
		}, "has been removed", true},
		"not offered": {func(h *house, link engine.Link) engine.Press {
			action := *h.book.Landings["once"].Actions[0]
			action.If = never{}
			h.book.Landings["once"].Actions = []*engine.Action{&action}
			return engine.Press{Link: link.ID, Generation: 1, Action: "resolve"}
		}, "not offered any more", false},
		"asks something": {func(h *house, link engine.Link) engine.Press {
			asks(h)
			return engine.Press{Link: link.ID, Generation: 1, Action: "resolve"}
		}, "open the link", false},
		"wants a proof": {func(h *house, link engine.Link) engine.Press {
			h.book.Landings["once"].Factor = &engine.Factor{Name: "pin"}
			return engine.Press{Link: link.ID, Generation: 1, Action: "resolve"}
		}, "open the link", false},
		"bound": {func(h *house, link engine.Link) engine.Press {
			h.book.Landings["once"].Bind = true
			return engine.Press{Link: link.ID, Generation: 1, Action: "resolve"}
		}, "open the link", false},
		"of another landing": {func(h *house, link engine.Link) engine.Press {
			delete(h.book.Landings, "once")
			return engine.Press{Link: link.ID, Generation: 1, Action: "resolve"}
		}, "taken away", true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			link, _ := h.mint("once")
			got := h.door.Press(t.Context(), c.change(h, link))
			if got.Done || got.First || got.Over != c.over || !strings.Contains(got.Text, c.text) {
				t.Errorf("%+v, want %q", got, c.text)
			}
			for _, event := range h.told() {
				if event.Type == engine.LinkUsed || event.Type == engine.LinkOpened {
					t.Errorf("it told %s", event.Type)
				}
			}
		})
	}
}
