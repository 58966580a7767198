package links_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// editedKinds is a house whose admin has changed the landing kinds since the link at the address was made.
func editedKinds(t *testing.T, edit func(*engine.Landing)) (h *house, old string) {
	t.Helper()
	a := &archive{versions: map[string]*engine.Landing{}}
	h = kindsHouse(t, func(c *links.DoorConfig) {
		c.Landing, c.Hosts = a.landing, []string{"shop.acme.example"}
		c.Secrets = func(string) ([]byte, bool) { return []byte(signer), true }
	})
	h.book.Landings["kinds"].HandOver = &engine.HandOver{
		To: "https://shop.acme.example/", Secret: "shop", Fields: []string{"ticket_no", "hours"}, Life: 2 * time.Minute,
	}
	a.versions["v1"] = h.book.Landings["kinds"]
	_, old = h.mint("kinds")
	again := book()
	addKinds(again)
	now := again.Landings["kinds"]
	handOver := *a.versions["v1"].HandOver
	now.Version, now.HandOver = "v2", &handOver
	edit(now)
	h.book = again
	return h, old
}

// A link that is out there may do what both versions allow, in everything.
func TestOldLinksMayDoWhatBothVersionsAllow(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*engine.Landing)
		see  []string // on the page of the record
	}{
		"a longer scale":   {func(l *engine.Landing) { l.Edit[0].Scale = &engine.Scale{From: 0, To: 9} }, []string{`"field-score-4"`, `!"field-score-5"`}},
		"a shorter scale":  {func(l *engine.Landing) { l.Edit[0].Scale = &engine.Scale{From: 4, To: 9} }, []string{`value="5"`, `!value="3"`, `!"field-score-2"`}},
		"another scale":    {func(l *engine.Landing) { l.Edit[0].Scale = &engine.Scale{From: 6, To: 9} }, []string{"!field-score", "field-comment"}},
		"no scale":         {func(l *engine.Landing) { l.Edit[0].Scale = nil }, []string{`"field-score-4"`}},
		"a longer comment": {func(l *engine.Landing) { l.Edit[1].Field.Max = 900 }, []string{`maxlength="200"`}},
		"into another field": {
			func(l *engine.Landing) { l.Edit[1].Creates.Field = "cf_key" }, []string{"!field-comment", "field-photo"},
		},
		"with more set": {
			func(l *engine.Landing) { l.Edit[2].Creates.Set = engine.Fields{"notes_title": "x"} }, []string{"!field-photo"},
		},
		"no longer a record": {func(l *engine.Landing) { l.Edit[1].Creates = nil }, []string{"!field-comment"}},
		"larger files":       {func(l *engine.Landing) { l.Edit[2].Upload.Max = 9 << 20 }, []string{"at most 600 kB"}},
		"smaller files":      {func(l *engine.Landing) { l.Edit[2].Upload.Max = 9 << 10 }, []string{"at most 9 kB"}},
		"more kinds": {
			func(l *engine.Landing) { l.Edit[2].Upload.Types = []string{"image/gif", "image/png"} },
			[]string{`accept="image/png,.png"`},
		},
		"other kinds": {
			func(l *engine.Landing) { l.Edit[2].Upload.Types = []string{"image/gif"} }, []string{"!field-photo", "!multipart"},
		},
		"another condition": {
			func(l *engine.Landing) { l.Actions[0].If = unless{"ticketstatus", "Open"} }, []string{"!/resolve", "/reject"},
		},
		"no condition": {func(l *engine.Landing) { l.Actions[0].If = nil }, []string{"/resolve"}},
		"more is asked": {func(l *engine.Landing) {
			must := *l.Module.Fields["secret"]
			must.Required = true
			l.Actions[1].Ask = append(l.Actions[1].Ask, &engine.Edit{Field: &must})
		}, []string{"!/reject", "/resolve"}},
		"nothing is asked": {func(l *engine.Landing) { l.Actions[1].Ask = nil }, []string{"!/reject", "/resolve"}},
		"no hand-over":     {func(l *engine.Landing) { l.HandOver = nil }, []string{"!You go on at"}},
		"a hand-over":      {func(*engine.Landing) {}, []string{"You go on at shop.acme.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			h, old := editedKinds(t, test.edit)
			h.visitor().open(old).expect(t, 200, test.see...)
		})
	}
}

func TestOldLinksAreHeldToBothVersions(t *testing.T) {
	h, old := editedKinds(t, func(l *engine.Landing) {
		l.Actions[0].If = unless{"description", "Do not touch"}
		l.Actions[0].Undo, l.Actions[1].Undo = 5*time.Minute, time.Hour
		l.HandOver.Fields, l.HandOver.Life = []string{"ticket_no", "secret"}, time.Minute
	})
	v := h.visitor()
	page := v.open(old)
	v.get(page.path+"/resolve").expect(t, 200, "You can take it back for 5 min")
	v.get(page.path+"/reject").expect(t, 200, "You can take it back for 15 min")
	to := v.led(strings.Replace(page.path, "/f/", "/h/", 1), nil)
	claims := checked(t, to.Query().Get("postern"), signer)
	fields, _ := claims["fields"].(map[string]any)
	if len(fields) != 1 || fields["ticket_no"] != "TT42" {
		t.Errorf("the statement tells %v", fields)
	}
	for _, change := range []engine.Fields{{"ticketstatus": "Closed"}, {"ticketstatus": "Open", "description": "Do not touch"}} {
		confirm := v.get(page.path + "/resolve")
		h.writes(change)
		v.submit(confirm, nil).expect(t, 409, "This is not offered any more")
	}
	h.writes(engine.Fields{"description": ""})
	v.submit(v.get(page.path+"/resolve"), nil).expect(t, 200, "Saved")
	// What was new in the landing is not in the old link, whatever is sent.
	v.submit(page, url.Values{"score": {"", "7"}}).expect(t, 422)
}

// Both conditions are held against the record in the change that writes it.
func TestBothConditionsAreHeldAtTheLastMoment(t *testing.T) {
	for _, change := range []engine.Fields{{"ticketstatus": "Closed"}, {"description": "Do not touch"}} {
		late := &stale{}
		a := &archive{versions: map[string]*engine.Landing{}}
		h := kindsHouse(t, func(c *links.DoorConfig) { c.Landing, late.CRM, c.CRM = a.landing, c.CRM, late })
		a.versions["v1"] = h.book.Landings["kinds"]
		_, address := h.mint("kinds")
		again := *h.book.Landings["kinds"]
		resolve := *again.Actions[0]
		resolve.If = unless{"description", "Do not touch"}
		again.Version, again.Actions = "v2", []*engine.Action{&resolve}
		h.book.Landings["kinds"] = &again
		v := h.visitor()
		confirm := v.get(v.open(address).path + "/resolve")
		late.keep(t)
		h.writes(change)
		v.submit(confirm, nil).expect(t, 409, "This is not offered any more")
		if n := len(h.eventsOf(engine.LinkUsed)); n != 0 {
			t.Errorf("%v: %d effects", change, n)
		}
	}
}
