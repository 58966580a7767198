package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

// checkEnd holds what must be so when everything has had its time.
func (w *world) checkEnd() {
	rows := w.rows()
	seqs := map[string]uint64{}
	for _, r := range rows {
		seqs[r.id.String()] = r.seq
		switch {
		case r.state == engine.RunDone && r.reason != "":
			w.fail("run %s of %s is done, and says %s", r.id, r.workflow, r.reason)
		case r.state.Over():
		case r.state == engine.RunWaiting && r.workflow == "ever":
		default:
			w.fail("run %s of %s on %s is %s in the end: %s", r.id, r.workflow, r.ref, r.state, r.reason)
		}
		if (r.state == engine.RunFailed || r.state == engine.RunStopped) && r.reason == "" {
			w.fail("run %s of %s is %s without a reason", r.id, r.workflow, r.state)
		}
	}
	for id, by := range w.journal.cancelled {
		if seqs[by] < seqs[id] {
			w.fail("run %s was cancelled by %s, which is older", id, by)
		}
	}
	if n := w.one("SELECT count(*) FROM outbox"); n > 0 {
		w.fail("%d events wait in the outbox", n)
	}
	if n := w.one("SELECT count(*) FROM effects WHERE state IN ('planned', 'sending')"); n > 0 {
		w.fail("%d effects are not over", n)
	}
	if n := w.one("SELECT count(*) FROM dead_letters"); n > 0 {
		w.fail("%d dead letters", n)
	}
	w.checkDeliveries(rows)
	w.checkLinks()
	w.checkStream()
	w.checkRecords(rows)
}

// parcel is a delivery as it is stored.
type parcel struct {
	id, run  engine.ID
	workflow string
	channel  string
	state    engine.DeliveryState
	reason   string
}

func (w *world) checkDeliveries(rows []row) {
	tries := map[engine.ID]map[string][]postTry{}
	for name, p := range w.posts {
		for _, t := range p.all() {
			if tries[t.delivery] == nil {
				tries[t.delivery] = map[string][]postTry{}
			}
			tries[t.delivery][name] = append(tries[t.delivery][name], t)
		}
	}
	byRun := map[engine.ID]int{}
	w.query("SELECT id, run, workflow, channel, state, reason FROM deliveries", func(scan func(...any) error) error {
		var p parcel
		var id, run []byte
		if err := scan(&id, &run, &p.workflow, &p.channel, &p.state, &p.reason); err != nil {
			return err
		}
		p.id, p.run = engine.ID(id), engine.ID(run)
		byRun[p.run]++
		w.checkDelivery(p, tries[p.id])
		delete(tries, p.id)
		return nil
	})
	for id := range tries {
		w.fail("message %s was sent and is not stored", id)
	}
	for _, r := range rows {
		tells := r.progress.Outputs["told"]["channel"] != "" // there is somebody to tell
		tells = tells && strings.Contains(modelJobOf(r.workflow).steps, "notify")
		if tells && r.state == engine.RunDone && byRun[r.id] != 1 {
			w.fail("run %s of %s has %d deliveries", r.id, r.workflow, byRun[r.id])
		}
	}
}

// checkDelivery holds what was stored of a delivery against what the providers saw of it.
func (w *world) checkDelivery(p parcel, tries map[string][]postTry) {
	taken, tokens := 0, map[string]bool{}
	ordered := w.journal.ordered(p.id)
	again := p.workflow == "next" || ordered
	for name, all := range tries {
		resend := p.workflow == "resend" || ordered ||
			(p.workflow == "auto" || p.workflow == "acted") && w.posts[name].dedupes
		again = again || resend
		took, counted := 0, 0
		var first time.Time
		for i, t := range all {
			words := strings.Fields(t.body)
			tokens[words[len(words)-1]] = true
			if t.body != all[0].body {
				w.fail("message %s by %s said %q, then %q", p.id, name, all[0].body, t.body)
			}
			if took > 0 && !resend {
				w.fail("message %s of %s was sent by %s again though it had arrived: %v", p.id, p.workflow, name, all[:i+1])
			}
			if t.took {
				took++
			}
			if t.answer == answerBusy || t.answer == answerPassword || t.answer == answerHangBefore && !t.took {
				continue
			}
			if counted++; first.IsZero() {
				first = t.at
			}
			if w.deaths == 0 && !w.jumped && !ordered && t.at.Sub(first) > time.Hour {
				w.fail("message %s was tried by %s at %s, more than an hour after %s", p.id, name, t.at, first)
			}
		}
		if counted > 3+w.deaths && !ordered {
			w.fail("message %s was tried by %s %d times: %v", p.id, name, counted, all)
		}
		taken += took
	}
	if len(tokens) > 1 {
		w.fail("the tries of message %s had %d links", p.id, len(tokens))
	}
	if taken > 1 && !again {
		w.fail("message %s of %s arrived %d times", p.id, p.workflow, taken)
	}
	last := slices.ContainsFunc(tries[p.channel], func(t postTry) bool { return t.took })
	switch {
	case p.state == engine.DeliveryAccepted && last:
	case p.state == engine.DeliveryRejected && (taken == 0 || engine.WasCancelled(p.reason)):
	case p.state == engine.DeliveryUnknown:
	default:
		w.fail("message %s of %s is %s by %s in the end (%s), and arrived %d times: %v",
			p.id, p.workflow, p.state, p.channel, p.reason, taken, tries)
	}
}

// checkLinks sees that each use was counted once, and told.
func (w *world) checkLinks() {
	uses := map[engine.ID]int{}
	for _, v := range w.visits {
		uses[v.link]++
		n := 0
		for _, t := range w.stream() {
			if t.event.Type == engine.LinkUsed && t.event.ID == v.used {
				n++
			}
		}
		if n == 0 || n > 1+w.deaths {
			w.fail("the use of link %s was told %d times", v.link, n)
		}
	}
	const query = "SELECT id, uses, max_uses, (SELECT count(*) FROM visits WHERE link = links.id) FROM links"
	w.query(query, func(scan func(...any) error) error {
		var id []byte
		var used, most, visits int
		if err := scan(&id, &used, &most, &visits); err != nil {
			return err
		}
		if want := uses[engine.ID(id)]; used != want || visits != want || used > most {
			w.fail("link %s has %d uses of %d and %d visits, want %d", engine.ID(id), used, most, visits, want)
		}
		return nil
	})
}

// checkStream sees that our own events come in order, each once but for what a process that died could not know, and
// tell where they come from.
func (w *world) checkStream() {
	byID := map[string]*engine.Event{}
	own := map[engine.Ref][]string{}
	times := map[string]int{}
	for _, t := range w.stream() {
		e := t.event
		if e.Source != engine.Source {
			byID[e.ID] = e
			continue
		}
		if times[e.ID]++; times[e.ID] > 1 {
			if times[e.ID] > 1+w.deaths {
				w.fail("event %s was told %d times", e.ID, times[e.ID])
			}
			continue
		}
		if e.IsRecord() {
			own[e.Ref()] = append(own[e.Ref()], e.ID)
		}
		visitors := e.Type == engine.LinkUsed || e.Type == engine.LinkOpened // who begin anew
		if cause := byID[e.CauseID]; cause != nil && w.outside == nil && !visitors && e.Depth != cause.Depth+1 {
			w.fail("event %s (%s) has depth %d, and its cause %s has %d", e.ID, e.Type, e.Depth, cause.ID, cause.Depth)
		}
		if e.Depth > 4+2 {
			w.fail("event %s (%s) has depth %d", e.ID, e.Type, e.Depth)
		}
		if by, ok := ownActor(e); ok && !strings.HasSuffix(" "+e.Chain, " "+by) {
			w.fail("event %s by %s has the chain %q", e.ID, by, e.Chain)
		}
		byID[e.ID] = e
	}
	for ref, asked := range w.journal.order() {
		if ref.Module != "Tickets" {
			continue // lanes write to one person side by side
		}
		var told []string
		for _, id := range own[ref] {
			if slices.Contains(asked, id) {
				told = append(told, id)
			}
		}
		wrote := slices.DeleteFunc(slices.Clone(asked), func(id string) bool { return !slices.Contains(told, id) })
		if diff := cmp.Diff(wrote, told); diff != "" {
			w.fail("the writes of %s were told in another order (-committed +told):\n%s", ref, diff)
		}
	}
}

func ownActor(e *engine.Event) (workflow string, ok bool) {
	if e.Change == nil {
		return "", false
	}
	return strings.CutPrefix(e.Change.Actor, "workflow:")
}

// checkRecords holds the records against the stream, and what workflows wrote against their runs.
func (w *world) checkRecords(rows []row) {
	w.checkNotes(rows)
	w.checkFirms(rows)
	w.checkLastWriter(rows)
	w.checkConflicts()
	if w.outside != nil {
		return
	}
	replayed, deleted := map[engine.Ref]engine.Fields{}, map[engine.Ref]bool{}
	for _, t := range w.stream() {
		if !t.keyed || !t.event.IsRecord() {
			continue
		}
		ref, change := t.event.Ref(), t.event.Change
		if t.event.Type == engine.RecordDeleted {
			deleted[ref] = true
			continue
		}
		if t.event.Source != engine.Source {
			deleted[ref] = false
		}
		if replayed[ref] == nil {
			replayed[ref] = engine.Fields{}
		}
		if change.Related != "" {
			continue
		}
		for name, value := range change.Record {
			if len(change.Changed) == 0 || slices.Contains(change.Changed, name) {
				replayed[ref][name] = value
			}
		}
	}
	const query = "SELECT module, id, fields, written, deleted FROM records"
	w.query(query, func(scan func(...any) error) error {
		var ref engine.Ref
		var fields, written string
		var gone bool
		if err := scan(&ref.Module, &ref.ID, &fields, &written, &gone); err != nil {
			return err
		}
		if written != "{}" {
			w.fail("%s waits for the events of its writes: %s", ref, written)
		}
		want, err := json.Marshal(replayed[ref])
		if err != nil {
			return err
		}
		var a, b map[string]any
		if err := json.Unmarshal([]byte(fields), &a); err != nil {
			return err
		}
		if err := json.Unmarshal(want, &b); err != nil {
			return err
		}
		if diff := cmp.Diff(b, a); diff != "" || gone != deleted[ref] {
			w.fail("%s (deleted: %v, by the stream %v) is not what the stream tells (-stream +kept):\n%s",
				ref, gone, deleted[ref], diff)
		}
		return nil
	})
}

// checkLastWriter sees that a field has the value of the last run that wrote it, or a later one: a run that is taken
// again writes what it finds then.
func (w *world) checkLastWriter(rows []row) {
	last := map[engine.Ref]row{}
	for _, r := range rows {
		if r.workflow == "fill" && r.state == engine.RunDone {
			last[r.ref] = r
		}
	}
	for ref, r := range last {
		record, _ := w.record(ref)
		var turn int
		if _, err := fmt.Sscanf(record.Text("note"), "seen %d", &turn); err == nil && turn < r.turn {
			w.fail("the last run that wrote the note of %s was of turn %d, and the note is %q", ref, r.turn, record.Text("note"))
		}
	}
}

// checkConflicts sees that no run wrote over what somebody else wrote after it: a write that was done, and of which only
// the answer was lost, is not taken again.
func (w *world) checkConflicts() {
	if w.outside == nil {
		return
	}
	const query = `SELECT e.run, e.ask ->> '$.write.EventID' FROM effects AS e
		WHERE e.state = 'conflict' AND e.step <> '' AND e.ask -> '$.write' IS NOT NULL AND EXISTS (
			SELECT 1 FROM effects AS o WHERE o.run = e.run AND o.step = e.step AND o.round > e.round)`
	w.query(query, func(scan func(...any) error) error {
		var run []byte
		var event string
		if err := scan(&run, &event); err != nil {
			return err
		}
		id, err := engine.ParseID(event)
		if err != nil {
			return err
		}
		defer w.outside.lock()()
		if w.outside.writes[id] > 0 && !w.journal.wasRevived(engine.ID(run)) {
			w.fail("write %s of run %s was done, and the step was taken again after it", id, engine.ID(run))
		}
		return nil
	})
}

// checkNotes sees that each run that made a record made one of its own.
func (w *world) checkNotes(rows []row) {
	runs, made := 0, map[string]bool{}
	for _, r := range rows {
		if r.workflow != "make" {
			continue
		}
		runs++
		id, _ := r.progress.Outputs["made"]["id"].(string)
		if r.state != engine.RunDone {
			continue
		}
		note, ok := w.record(engine.Ref{Module: "Notes", ID: id})
		if !ok || made[id] || !strings.HasPrefix(note.Text("text"), "T"+r.ref.ID+" ") {
			w.fail("run %s made %q: %v, made before: %v", r.id, id, note, made[id])
		}
		made[id] = true
	}
	notes := w.notes()
	if most := runs + w.checkItems(rows, notes); len(notes) > most {
		w.fail("runs that make %d records made %d", most, len(notes))
	}
}

// notes are the texts of the records that were made.
func (w *world) notes() (texts []string) {
	if w.outside != nil {
		defer w.outside.lock()()
		for ref, fields := range w.outside.records {
			if ref.Module == "Notes" {
				texts = append(texts, fields.Text("text"))
			}
		}
		return texts
	}
	w.query("SELECT fields ->> '$.text' FROM records WHERE module = 'Notes'", func(scan func(...any) error) error {
		texts = append(texts, "")
		return scan(&texts[len(texts)-1])
	})
	return texts
}

// checkItems sees that no item of a list was done twice, and none passed over. It tells how many there were.
func (w *world) checkItems(rows []row, notes []string) (most int) {
	words := strings.Split(modelItems, ",")
	seen := map[string]bool{}
	for _, text := range notes {
		if parts := strings.Fields(text); len(parts) == 3 && slices.Contains(words, parts[1]) {
			if seen[text] {
				w.fail("item %q was made twice", text)
			}
			seen[text] = true
		}
	}
	for _, r := range rows {
		if r.workflow != "each" {
			continue
		}
		most += len(words)
		if r.state != engine.RunDone {
			continue
		}
		made := r.progress.Outputs["made"]
		items, _ := made["items"].([]any)
		count, _ := made["count"].(float64)
		failures, _ := made["failures"].(float64)
		if len(items) != len(words) || int(count+failures) != len(words) {
			w.fail("run %s took %v and failed %v of %d items", r.id, count, failures, len(items))
		}
		for i, item := range items {
			text := fmt.Sprintf("T%s %s %s", r.ref.ID, words[i], r.progress.Vars["of"])
			if item != nil && !seen[text] {
				w.fail("run %s says that it made %q, which is not there", r.id, text)
			}
			if item != nil {
				count--
			}
		}
		if count != 0 {
			w.fail("run %s counts %v items more than gave something", r.id, count)
		}
	}
	return most
}

// checkFirms sees that the runs that looked for the same firm found one, which the first of them made, and that no
// relation waits for its events.
func (w *world) checkFirms(rows []row) {
	firms := map[string]bool{}
	for _, r := range rows {
		if id, _ := r.progress.Outputs["firm"]["id"].(string); r.workflow == "share" && r.state == engine.RunDone {
			firms[id] = true
		}
	}
	stored := w.one("SELECT count(*) FROM records WHERE module = 'Firms'")
	if w.outside != nil {
		defer w.outside.lock()()
		stored = 0
		for ref := range w.outside.records {
			if ref.Module == "Firms" {
				stored++
			}
		}
	}
	if len(firms) > 1 || stored > 1 || stored < len(firms) {
		w.fail("of one firm there are %d, and runs found %v", stored, firms)
	}
	if n := w.one("SELECT count(*) FROM relations WHERE written <> ''"); n > 0 {
		w.fail("%d relations wait for their events", n)
	}
}
