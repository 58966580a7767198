package links_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

func TestT07RotatingTheExternalIDEndsLinksAndFlows(t *testing.T) {
	p := newPost(t)
	yes, _, _ := p.links()
	_, hand := p.mint("answer", func(terms *engine.LinkTerms) { terms.Record, terms.External = question, firstID })
	v := p.visitor()
	page := v.open(yes)
	page.expect(t, 200, "Confirm")
	other := p.visitor()
	flow := other.open("/x/seat/" + firstID)
	flow.expect(t, 200, "Printer on fire")

	p.publish(engine.RecordUpdated, engine.Fields{
		"ticket_title": "Printer on fire", "ticketstatus": "Open", "email": "zoe@acme.example", "cf_externalid": secondID,
	})
	unknown := append(slices.Clone(recordData), "This link does not work")
	for _, path := range []string{page.path, strings.Replace(page.path, "/f/", "/r/", 1)} {
		v.get(strings.TrimSuffix(path, "/yes")).expect(t, 404, unknown...)
	}
	v.submit(page, nil).expect(t, 404, unknown...)
	other.get(flow.path).expect(t, 404, unknown...)
	for _, address := range []string{yes, hand, "/x/seat/" + firstID} {
		p.visitor().send("POST", address, nil).expect(t, 404, unknown...)
	}
	p.clock.Advance(2 * time.Hour)
	p.visitor().send("POST", yes+"/again", nil).expect(t, 404, unknown...)
	if n := len(p.events()); n != 0 {
		t.Errorf("%d events of acts", n)
	}
	p.visitor().open("/x/seat/"+secondID).expect(t, 200, "Printer on fire")
}

func TestExternalIDIsNeutralUntilSomebodyGoesOn(t *testing.T) {
	p := newPost(t)
	v := p.visitor()
	first := v.get("/x/seat/" + firstID)
	first.expect(t, 200, append(recordData, "Is this for you?", "!zoe")...)
	for _, path := range []string{"/x/seat/" + secondID, "/x/nothing/" + firstID, "/x/answer/" + firstID, "/x/seat/1"} {
		if page := v.get(path); page.text != first.text || page.status != 200 {
			t.Errorf("%s shows another page than %s", path, first.path)
		}
		v.send("POST", path, nil).expect(t, 404, "This link does not work")
	}
	v.send("POST", "/x/seat/"+strings.ToUpper(firstID), nil).expect(t, 404)
	v.send("POST", "/x/seat/"+strings.Repeat("a", 201), nil).expect(t, 404)
	lines, err := p.store.LinkLines(t.Context(), engine.LinkSelection{Landing: "seat", Limit: 9})
	if err != nil || len(lines) != 0 {
		t.Errorf("%d links were made by looking, %v", len(lines), err)
	}
	v.open("/x/seat/"+firstID+")").expect(t, 200, "Printer on fire") // as the end of a sentence leaves it
}

// Whoever comes by an external id, uses are counted together, and again from the start only with another id.
func TestUsesByExternalID(t *testing.T) {
	p := newPost(t)
	p.book.Landings["seat"].Bind = false
	for i := range 4 {
		v := p.visitor()
		if i == 3 {
			v.send("POST", "/x/seat/"+firstID, nil).expect(t, 410, "This link has been used", "!Send me a new link")
			break
		}
		page := v.open("/x/seat/" + firstID)
		v.submit(v.get(page.path+"/yes"), nil).expect(t, 200)
		p.clock.Advance(100 * 24 * time.Hour)
		if _, err := p.store.Forget(t.Context(), engine.DefaultRetention(), p.clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	standing, err := p.door.CheckExternal(t.Context(), "seat", firstID)
	if err == nil {
		t.Errorf("a used one stands: %+v", standing)
	}
	lines, err := p.store.LinkLines(t.Context(), engine.LinkSelection{Landing: "seat", Limit: 9})
	if err != nil || len(lines) != 1 || lines[0].Uses != 3 || lines[0].Generation != 0 {
		t.Errorf("links %+v, %v", lines, err)
	}
	p.publish(engine.RecordUpdated, engine.Fields{"ticket_title": "Printer on fire", "cf_externalid": secondID})
	p.visitor().open("/x/seat/"+secondID).expect(t, 200, "Printer on fire")
}

func TestLinkOpensInOneBrowserAlone(t *testing.T) {
	p := newPost(t)
	_, address := p.mint("seat", func(terms *engine.LinkTerms) { terms.Record, terms.Expires = question, 30*24*time.Hour })
	owner, other := p.visitor(), p.visitor()
	other.get(address).expect(t, 200, "Is this for you?") // looking binds nothing
	owner.open(address).expect(t, 200, "Printer on fire")
	bound := append(slices.Clone(recordData), "This link belongs to another browser")
	other.get(address).expect(t, 409, bound...)
	other.send("POST", address, nil).expect(t, 409, bound...)
	p.clock.Advance(29 * 24 * time.Hour) // the flow is long over, and the binding is not
	owner.get(address).expect(t, 200)
	page := owner.open(address)
	page.expect(t, 200, "Printer on fire")
	owner.submit(owner.get(page.path+"/yes"), nil).expect(t, 200, "Saved")
	other.send("POST", address, nil).expect(t, 409, bound...)

	// A landing that binds nobody.
	_, free := p.mint("answer", func(terms *engine.LinkTerms) { terms.Record = question })
	owner.open(free)
	other.open(free).expect(t, 200, "Printer on fire")
}

// T23: without a factor, a forwarded link works for whoever has it, unless its landing binds it.
func TestT23ForwardedLink(t *testing.T) {
	p := newPost(t)
	yes, _, _ := p.links()
	p.visitor().open(yes)
	page := p.visitor().open(yes)
	page.expect(t, 200, "Confirm")
	if opened := p.stored(yes).Opened; !opened.Equal(p.clock.Now()) {
		t.Errorf("opened at %v", opened)
	}
	var deeds int
	err := p.store.Deeds(t.Context(), 0, func(d engine.Deed) error {
		if d.Kind == engine.DeedLinkOpened && d.Subject == question.String() {
			deeds++
		}
		return nil
	})
	if err != nil || deeds != 2 {
		t.Errorf("%d openings in the audit, %v", deeds, err)
	}
	if told := p.told(engine.LinkOpened); len(told) != 1 || !strings.Contains(string(told[0].Data), `"workflow":"ask"`) {
		t.Errorf("told %+v", told)
	}
}

// T18: a hundred presses at once, through two doors on one store, have one effect.
func TestT18TwoDoors(t *testing.T) {
	var config links.DoorConfig
	p := newPost(t, func(c *links.DoorConfig) { config = *c })
	book := p.book
	config.Book, config.Minter = func() *engine.Book { return book }, p.minter
	second, err := links.NewDoor(config)
	if err != nil {
		t.Fatal(err)
	}
	yes, no, _ := p.links()
	p.pressAtOnce(t, second, []string{yes, no})
}

// pressAtOnce confirms both answers a hundred times in all, half of them at another door.
func (p post) pressAtOnce(t *testing.T, second *links.Door, addresses []string) {
	t.Helper()
	other := httptest.NewServer(second)
	t.Cleanup(other.Close)
	visitors, pages := make([]*visitor, 20), make([]shown, 20)
	for i := range visitors {
		visitors[i] = p.visitor()
		pages[i] = visitors[i].open(addresses[i%2])
	}
	var group sync.WaitGroup
	var saved atomic.Int32
	for i := range 100 {
		group.Go(func() {
			v, page := visitors[i%20], pages[i%20]
			if i%40 < 20 {
				page.path = other.URL + page.path
			}
			if v.submit(page, nil).status == http.StatusOK {
				saved.Add(1)
			}
		})
	}
	group.Wait()
	if events := p.told(engine.LinkUsed); len(events) != 1 {
		t.Errorf("%d effects", len(events))
	}
	if saved.Load() == 0 || saved.Load() > 5 {
		t.Errorf("%d saw a receipt, want those of one visitor", saved.Load())
	}
	for _, address := range addresses {
		if uses := p.stored(address).Uses; uses != 1 {
			t.Errorf("%d uses", uses)
		}
	}
}
