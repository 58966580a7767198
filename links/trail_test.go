package links_test

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/internal/keys"
)

// T90: what becomes of a link stands in the audit, and what workflows may want to know of is an event too.
func TestT90EveryTransitionLeavesATrail(t *testing.T) {
	h := factorHouse(t, bySMS)
	h.book.Landings["ticket"].Action("resolve").Undo = 15 * time.Minute
	link, address := h.mint("ticket")
	v := h.browser()
	v.get(address)
	page := v.open(address)
	var told []string
	hear := func() { // what is sent takes the events along
		for _, event := range h.told() {
			if !slices.Contains(told, event.Type) {
				told = append(told, event.Type)
			}
		}
	}
	hear()
	page = v.ask(page)
	v.answer(page, wrong(h.lastCode("sms")))
	page = v.answer(page, h.lastCode("sms"))
	page.expect(t, 200, "TT42")
	receipt := v.submit(v.get(page.path+"/resolve"), nil)
	receipt.expect(t, 200, "Saved")
	v.send("POST", receipt.path+"/undo", url.Values{"~seen": {receipt.seen()}}).expect(t, 200)
	hear()
	stranger := h.visitor()
	for h.link(link).Locked.IsZero() {
		page := stranger.ask(stranger.open(address))
		for range 5 {
			stranger.answer(page, wrong(h.lastCode("sms")))
		}
		h.clock.Advance(5 * time.Minute)
	}
	h.unlock(link)
	order := engine.Order{By: "anna", Reason: "it was forwarded", At: h.clock.Now()}
	if _, err := h.store.RevokeLinks(t.Context(), engine.LinkSelection{IDs: []engine.ID{link.ID}}, order); err != nil {
		t.Fatal(err)
	}
	h.looked()

	trail := []string{
		engine.DeedLinkOpened, engine.DeedLinkChallenged, engine.DeedLinkGuessed, engine.DeedLinkGranted,
		engine.DeedLinkUsed, engine.DeedLinkUndone, engine.DeedLinkLocked, engine.DeedLinkUnlocked,
		engine.DeedLinkRevoked, engine.DeedLinkLooked,
	}
	if diff := cmp.Diff(trail, firsts(h.audit())); diff != "" {
		t.Errorf("the audit tells another story:\n%s", diff)
	}
	hear()
	want := []string{engine.LinkOpened, engine.RecordUpdated, engine.LinkUsed, engine.LinkUndone, engine.LinkLocked}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("the events tell another story:\n%s", diff)
	}
	h.tamper()
}

// audit is every deed but the start's.
func (h *house) audit() (found []engine.Deed) {
	h.t.Helper()
	err := h.store.Deeds(h.t.Context(), 0, func(d engine.Deed) error {
		if d.Kind != engine.DeedStarted {
			found = append(found, d)
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

// firsts are the kinds of deeds in the order in which each came first.
func firsts(deeds []engine.Deed) (kinds []string) {
	for _, d := range deeds {
		if !slices.Contains(kinds, d.Kind) {
			kinds = append(kinds, d.Kind)
		}
	}
	return kinds
}

// tamper changes and removes every entry of the audit, one at a time, behind the back of the store: each is found.
func (h *house) tamper() {
	h.t.Helper()
	signer, err := keys.NewSigner(h.root)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.store.SealAudit(h.t.Context(), signer, h.clock.Now()); err != nil {
		h.t.Fatal(err)
	}
	fault := func() string {
		h.t.Helper()
		report, err := engine.VerifyAudit(h.t.Context(), h.store, signer)
		if err != nil {
			h.t.Fatal(err)
		}
		return report.Fault
	}
	if found := fault(); found != "" {
		h.t.Fatalf("an audit that nobody touched: %s", found)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.folder, "postern.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	do := func(query string, args ...any) {
		h.t.Helper()
		if _, err := db.ExecContext(h.t.Context(), query, args...); err != nil {
			h.t.Fatal(err)
		}
	}
	do("CREATE TEMP TABLE whole AS SELECT * FROM audit")
	db.SetMaxOpenConns(1) // the copy is this connection's
	for _, d := range h.audit() {
		for _, change := range []string{
			"UPDATE audit SET detail = detail || '.' WHERE seq = ?", "UPDATE audit SET actor = 'nobody' WHERE seq = ?",
			"UPDATE audit SET at = at + 1 WHERE seq = ?", "UPDATE audit SET kind = 'link.looked!' WHERE seq = ?",
			"DELETE FROM audit WHERE seq = ?", "DELETE FROM audit WHERE seq >= ?",
		} {
			do(change, d.Seq)
			if fault() == "" {
				h.t.Errorf("%s at entry %d (%s) is not found", change, d.Seq, d.Kind)
			}
			do("DELETE FROM audit")
			do("INSERT INTO audit SELECT * FROM whole")
		}
	}
	if found := fault(); found != "" {
		h.t.Errorf("after all was put back: %s", found)
	}
}
