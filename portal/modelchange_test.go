package portal_test

import (
	"maps"
	"slices"
	"strings"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawSet draws values for some fields, of which any may be one that is closed.
func (w *modelWorld) drawSet(rt *rapid.T, e *entry) []string {
	names := w.modules[e.ref.Module].Names
	set := some(rt, some(rt, names))
	if len(set) == 0 {
		set = []string{rapid.SampledFrom(names).Draw(rt, "field")}
	}
	for _, name := range set {
		w.drawValue(rt, e, name)
	}
	return set
}

func closed(set, open []string) bool {
	return slices.ContainsFunc(set, func(name string) bool { return !slices.Contains(open, name) })
}

func (w *modelWorld) update(rt *rapid.T) {
	ref, p, theirs := w.drawAny(rt)
	after, rows := w.copyOf(ref), w.rows()
	set := w.drawSet(rt, after)
	if p != nil && len(p.update) > 0 && rapid.Bool().Draw(rt, "only what is open") {
		set = slices.DeleteFunc(set, func(name string) bool { return !slices.Contains(p.update, name) })
		if len(set) == 0 {
			return
		}
		changed := after
		after = w.copyOf(ref)
		changed.into(after, set)
	}
	done, err := w.desk.Update(rt.Context(), w.viewer(rt), ref, after.fields(set), "")
	switch {
	case p == nil || len(p.update) == 0:
		expect(rt, ref, err, "forbidden")
	case !theirs:
		expect(rt, ref, err, "not found")
	case !w.holds(p.open, w.entries[ref], nil, false):
		expect(rt, ref, err, "unfit")
	case closed(set, p.update):
		expect(rt, set, err, "malformed")
	case !w.same(after, w.entries[ref]) && !w.staysMine(after, rows[ref.Module]):
		expect(rt, after.fields(set), err, "unfit")
	case !w.namesMine(after, set), slices.Contains(set, "name") && !w.loginIsFree(after, w.entries[ref]):
		expect(rt, after.fields(set), err, "unfit")
	case expect(rt, set, err, "done"):
		w.entries[ref] = after
		if done.Row != nil {
			w.seen(rt, rows, *done.Row, p, p.read)
		}
	}
	w.stands(rt, ref)
}

// staysMine tells whether a record would be the viewer's, who is as they are before the change.
func (w *modelWorld) staysMine(after *entry, rows clause) bool {
	before := w.entries[after.ref]
	w.entries[after.ref] = after
	defer func() { w.entries[after.ref] = before }()
	return w.holds(rows, after, nil, false)
}

// namesMine tells whether the references that are given anew lead to what the viewer sees.
func (w *modelWorld) namesMine(given *entry, set []string) bool {
	before := w.entries[given.ref]
	return !slices.ContainsFunc(set, func(name string) bool {
		module, id := w.leads[name], given.texts[name]
		if module == "" || id == "" || (before != nil && before.texts[name] == id) {
			return false
		}
		p, to := w.permits[module], w.entries[engine.Ref{Module: module, ID: id}]
		return p == nil || to == nil || !w.holds(p.rows, to, w.myself(), false)
	})
}

// loginIsFree tells whether nobody else signs in with the name of a person, who keeps one that they have.
func (w *modelWorld) loginIsFree(after, before *entry) bool {
	name := after.texts["name"]
	switch {
	case after.ref.Module != w.me.Module, before != nil && before.texts["name"] == name, before == nil && name == "":
		return true
	case name == "": // they could not sign in any more
		return false
	}
	for ref, other := range w.entries {
		if ref.Module == w.me.Module && ref != after.ref && strings.EqualFold(other.texts["name"], name) {
			return false
		}
	}
	return true
}

func (w *modelWorld) copyOf(ref engine.Ref) *entry {
	e := &entry{ref: ref, texts: map[string]string{}}
	if from := w.entries[ref]; from != nil {
		maps.Copy(e.texts, from.texts)
		e.number = from.number
	}
	return e
}

func (e *entry) into(other *entry, names []string) {
	for _, name := range names {
		if name == "n" {
			other.number = e.number
		} else {
			other.texts[name] = e.texts[name]
		}
	}
}

func (w *modelWorld) same(a, b *entry) bool {
	names := w.modules[a.ref.Module].Names
	return cmp.Equal(a.fields(names), b.fields(names))
}

// stands holds the record in the store against the oracle's.
func (w *modelWorld) stands(rt *rapid.T, ref engine.Ref) {
	records, err := w.crm.Get(rt.Context(), ref)
	e := w.entries[ref]
	if err != nil || (len(records) == 1) != (e != nil) {
		rt.Fatalf("%s: %v, %v, want %v", ref, records, err, e)
	}
	if e == nil {
		return
	}
	for name, value := range e.fields(w.modules[ref.Module].Names) {
		if !engine.Same(records[0].Fields[name], value) {
			rt.Fatalf("%s is stored as %v, want %s %v", ref, records[0].Fields, name, value)
		}
	}
}

func (w *modelWorld) create(rt *rapid.T) {
	module := rapid.SampledFrom(slices.Sorted(maps.Keys(w.modules))).Draw(rt, "module")
	p := w.permits[module]
	e := &entry{ref: engine.Ref{Module: module, ID: ""}, texts: map[string]string{}}
	set := w.drawSet(rt, e)
	if p != nil && rapid.IntRange(0, 3).Draw(rt, "only what is open") > 0 {
		set = slices.DeleteFunc(set, func(name string) bool { return !slices.Contains(p.create, name) })
	}
	given := e.fields(set)
	full := &entry{ref: e.ref, texts: map[string]string{}}
	e.into(full, set)
	if p != nil {
		for name, value := range p.set {
			if full.texts[name] = value.text; value.me != "" {
				full.texts[name], _ = w.at(w.myself(), value.me)
			}
		}
	}
	done, err := w.desk.Create(rt.Context(), w.viewer(rt), module, given, "")
	switch {
	case p == nil || !p.creates:
		expect(rt, module, err, "forbidden")
	case closed(set, p.create):
		expect(rt, given, err, "malformed")
	case !w.holds(p.rows, full, w.myself(), false):
		expect(rt, full.fields(w.modules[module].Names), err, "unfit")
	case !w.namesMine(full, set), !w.loginIsFree(full, nil):
		expect(rt, given, err, "unfit")
	case expect(rt, given, err, "done"):
		full.ref = done.Ref
		w.entries[full.ref] = full
		w.stands(rt, full.ref)
	}
}

func (w *modelWorld) delete(rt *rapid.T) {
	ref, p, theirs := w.drawAny(rt)
	if ref == w.me {
		return // whose next request the gate would refuse
	}
	_, err := w.desk.Delete(rt.Context(), w.viewer(rt), ref, "")
	switch {
	case p == nil || !p.deletes:
		expect(rt, ref, err, "forbidden")
	case !theirs:
		expect(rt, ref, err, "not found")
	case !w.holds(p.open, w.entries[ref], nil, false):
		expect(rt, ref, err, "unfit")
	case expect(rt, ref, err, "done"):
		delete(w.entries, ref)
	}
	w.stands(rt, ref)
}

// edit changes, moves or makes a record as people of the CRM do, the viewer's own among them.
func (w *modelWorld) edit(rt *rapid.T) {
	ref := drawRef(rt, rapid.SampledFrom(slices.Sorted(maps.Keys(w.modules))).Draw(rt, "module"))
	if w.entries[ref] == nil {
		return
	}
	e := w.copyOf(ref)
	w.drawSet(rt, e)
	w.put(rt, e)
	w.stands(rt, ref)
}
