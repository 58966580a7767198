package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// What somebody signed in may try on records, by the numbers of docs/security.md.

func TestT70FieldsOutsideTheAccess(t *testing.T) {
	w := house.New(t)
	ana, ref := w.Viewer(house.Customers, house.Ana), house.Ref("HelpDesk/17x1")
	before := w.Fields(ref)
	for name, tc := range map[string]struct {
		field string // of the refusal
		value any
	}{
		"ticketstatus":     {"ticketstatus", "Closed"}, // is read, and not changed
		"secret":           {"", "stolen"},             // is neither
		"externalid":       {"", "abc"},
		"assigned_user_id": {"", "19x1"},
		"id":               {"", "17x3"},
		"Description":      {"", "wrong case"},
		"description\x20":  {"", "a blank"},
		"__proto__":        {"", "x"},
		"parent_id":        {"parent_id", "11x2"},
		"":                 {"", "x"},
	} {
		refused(t, name, func() error {
			set := engine.Fields{name: tc.value, "description": "along with it"}
			_, err := w.Desk.Update(t.Context(), ana, ref, set, "")
			return err
		}, 400, portal.CodeField, tc.field)
	}
	for name, value := range map[string]any{
		"nested": map[string]any{"description": "x"}, "a list": []any{"x"}, "a list of lists": []any{[]any{"x"}},
		"controls": "a\x00b", "no text": "\xff",
	} {
		refused(t, name, func() error {
			_, err := w.Desk.Update(t.Context(), ana, ref, engine.Fields{"description": value}, "")
			return err
		}, 400, portal.CodeValue, "description")
	}
	for _, name := range []string{"parent_id", "ticketstatus", "secret", "ticket_no", "id", "externalid"} {
		_, err := w.Desk.Create(t.Context(), ana, "HelpDesk", engine.Fields{"ticket_title": "x", name: "11x2"}, "")
		if r, ok := errors.AsType[*portal.Refusal](err); !ok || r.Status != 400 || r.Code != portal.CodeField {
			t.Errorf("create with %s: %v", name, err)
		}
	}
	same(t, "the record", w.Fields(ref), before)
	// Each refusal is in the audit, without a value, and without a name that is no field.
	var refusals int
	for _, deed := range w.Deeds() {
		if deed.Kind != engine.DeedPortalRefused {
			continue
		}
		refusals++
		if strings.Contains(deed.Detail, "stolen") || strings.Contains(deed.Detail, "__proto__") {
			t.Errorf("deed %+v", deed)
		}
	}
	if refusals != 21 {
		t.Errorf("%d refusals are in the audit", refusals)
	}
}

func TestT71ValuesThatDoNotFit(t *testing.T) {
	w := house.New(t)
	ana, ref := w.Viewer(house.Customers, house.Ana), house.Ref("HelpDesk/17x1")
	for name, tc := range map[string]struct {
		field, code, label string
		value              any
	}{
		"number":     {"hours", portal.CodeValue, "error.number", "a few"},
		"not finite": {"hours", portal.CodeValue, "error.number", "NaN"},
		"too large":  {"hours", portal.CodeValue, "error.number", json.Number("1e999")},
		"not whole":  {"rank", portal.CodeValue, "error.whole", json.Number("1.5")},
		"date":       {"due", portal.CodeValue, "error.date", "2026-02-30"},
		"moment":     {"call", portal.CodeValue, "error.date", "noon"},
		"email":      {"reply_to", portal.CodeValue, "error.email", "nobody"},
		"option":     {"colours", portal.CodeOption, "error.option", []any{"Cyan", "Pink"}},
		"long":       {"ticket_title", portal.CodeLong, "error.long", strings.Repeat("x", 81)},
		"very long":  {"description", portal.CodeLong, "error.long", strings.Repeat("x", engine.MaxText+1)},
		"empty":      {"ticket_title", portal.CodeRequired, "error.required", ""},
		"null":       {"ticket_title", portal.CodeRequired, "error.required", nil},
		"boolean":    {"urgent", portal.CodeValue, "error.text", "perhaps"},
	} {
		_, err := w.Desk.Update(t.Context(), ana, ref, engine.Fields{tc.field: tc.value}, "")
		r, ok := errors.AsType[*portal.Refusal](err)
		if !ok || r.Status != 422 || r.Field != tc.field || r.Code != tc.code || r.Label != tc.label {
			t.Errorf("%s: %+v (%v)", name, r, err)
		}
	}
	refused(t, "a required field is not given", func() error {
		_, err := w.Desk.Create(t.Context(), ana, "HelpDesk", engine.Fields{"description": "x"}, "")
		return err
	}, 422, portal.CodeRequired, "ticket_title")
}

func TestT71AStaleRecordIsAConflict(t *testing.T) {
	w := house.New(t)
	ana, ref := w.Viewer(house.Customers, house.Ana), house.Ref("HelpDesk/17x1")
	row, err := w.Desk.Get(t.Context(), ana, ref)
	if err != nil {
		t.Fatal(err)
	}
	w.Put(ref, engine.Fields{"due": "2026-12-24"})
	set := engine.Fields{"description": "Mine"}
	if _, err := w.Desk.Update(t.Context(), ana, ref, set, row.ETag); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("an ETag of before: %v", err)
	}
	if row, err = w.Desk.Get(t.Context(), ana, ref); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Desk.Update(t.Context(), ana, ref, set, row.ETag); err != nil {
		t.Errorf("the ETag of now: %v", err)
	}
}

// faster is a CRM in which somebody else changes something right after a record was read.
type faster struct {
	portal.CRM
	then func()
}

func (f *faster) Search(ctx context.Context, search engine.Search) (engine.Found, error) {
	found, err := f.CRM.Search(ctx, search)
	if then := f.then; then != nil {
		f.then = nil
		then()
	}
	return found, err
}

func TestT71RacesAreConflicts(t *testing.T) {
	crm := &faster{}
	w := house.New(t, func(c *portal.DeskConfig) { crm.CRM, c.CRM = c.CRM, crm })
	mia, ref := w.Viewer(house.Customers, house.Mia), house.Ref("HelpDesk/17x1")
	row, err := w.Desk.Get(t.Context(), mia, ref)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		theirs engine.Fields
		etag   string
		mine   error
	}{
		"the same field":                   {engine.Fields{"description": "Theirs"}, "", portal.ErrConflict},
		"another field":                    {engine.Fields{"hours": json.Number("9")}, "", nil},
		"another field, seen":              {engine.Fields{"hours": json.Number("9")}, row.ETag, portal.ErrConflict},
		"moved to where it is not to see":  {engine.Fields{"parent_id": "11x2"}, "", portal.ErrConflict},
		"moved, and it is to be seen yet":  {engine.Fields{"parent_id": "12x5"}, "", portal.ErrConflict},
		"a hidden field does not stand in": {engine.Fields{"secret": "x"}, row.ETag, nil},
	} {
		old := w.Fields(ref)
		crm.then = func() { w.Put(ref, tc.theirs) }
		_, err := w.Desk.Update(t.Context(), mia, ref, engine.Fields{"description": "Mine"}, tc.etag)
		if !errors.Is(err, tc.mine) {
			t.Errorf("%s: %v, want %v", name, err, tc.mine)
		}
		w.Put(ref, old)
	}
	crm.then = func() { w.Put(ref, engine.Fields{"parent_id": "11x2"}) }
	if _, err := w.Desk.Delete(t.Context(), mia, ref, ""); !errors.Is(err, portal.ErrConflict) || w.Fields(ref) == nil {
		t.Errorf("deleted what moved away: %v", err)
	}
}

// everyVerb lets a role do whatever there is to do with the rows that it has.
func everyVerb(role *engine.Role) {
	for name, access := range role.Modules {
		access.Delete = true
		access.Update = access.Read
		access.Create = &engine.Making{Fields: access.Read}
		for other := range role.Modules {
			if other != name {
				access.Related = append(access.Related, engine.Relative{Module: other, By: "parent_id"})
			}
		}
	}
}

func TestT72OthersRecordsAreNotThere(t *testing.T) {
	w := house.New(t)
	everyVerb(w.Portals[house.Customers].Roles[engine.RoleDefault])
	everyVerb(w.Portals[house.Staff].Roles[engine.RoleDefault])
	looked := 0
	for _, who := range []struct {
		portal string
		a, b   engine.Ref
	}{
		{house.Customers, house.Ana, house.Bob},
		{house.Customers, house.Eve, house.Bob},
		{house.Staff, house.Sam, house.Tess},
	} {
		a, b := w.Viewer(who.portal, who.a), w.Viewer(who.portal, who.b)
		for module := range a.Role.Modules {
			for _, id := range ids(t, w, b, portal.Question{Module: module}) {
				looked++
				isNotThere(t, w, a, engine.Ref{Module: module, ID: id})
			}
		}
	}
	if looked < 15 {
		t.Errorf("only %d records were tried", looked)
	}
}

// isNotThere tries each verb on a record, and wants the answers that a record which was never made gets.
func isNotThere(t *testing.T, w *house.World, v portal.Viewer, ref engine.Ref) {
	t.Helper()
	ctx, before := t.Context(), w.Fields(ref)
	never := engine.Ref{Module: ref.Module, ID: "999x999"}
	field := v.Access(ref.Module).Read[0]
	w.Advance(engine.FreshSignIn) // so many changes are too many in a minute
	for verb, do := range map[string]func(engine.Ref) error{
		"get":    func(r engine.Ref) error { _, err := w.Desk.Get(ctx, v, r); return err },
		"delete": func(r engine.Ref) error { _, err := w.Desk.Delete(ctx, v, r, ""); return err },
		"update": func(r engine.Ref) error {
			_, err := w.Desk.Update(ctx, v, r, engine.Fields{field: "x"}, "")
			return err
		},
		"update what may not be": func(r engine.Ref) error {
			_, err := w.Desk.Update(ctx, v, r, engine.Fields{"secret": "x"}, "")
			return err
		},
		"related": func(r engine.Ref) error {
			other := v.Access(r.Module).Related[0].Module
			_, err := w.Desk.Related(ctx, v, r, portal.Question{Module: other})
			return err
		},
		"file": func(r engine.Ref) error { _, _, err := w.Desk.File(ctx, v, r, field); return err },
	} {
		theirs, none := do(ref), do(never)
		if verb == "file" { // which is refused for the field, before any record is looked at
			if theirs == nil || none == nil || theirs.Error() != none.Error() {
				t.Errorf("%s of %s: %v and %v", verb, ref, theirs, none)
			}
			continue
		}
		if !errors.Is(theirs, portal.ErrNotFound) || theirs.Error() != none.Error() {
			t.Errorf("%s of %s: %v, of none: %v", verb, ref, theirs, none)
		}
	}
	for name, q := range map[string]portal.Question{
		"list by id": {Where: leaf(engine.OpEqual, "id", ref.ID)},
		"or true": {Where: engine.Predicate{Op: engine.OpOr, Of: []engine.Predicate{
			leaf(engine.OpEqual, "id", ref.ID), not(leaf(engine.OpEqual, "id", "")),
		}}},
	} {
		q.Module = ref.Module
		for _, id := range ids(t, w, v, q) {
			if id == ref.ID {
				t.Errorf("%s finds %s", name, ref)
			}
		}
	}
	one := portal.Question{Module: ref.Module, Where: leaf(engine.OpIn, "id", ref.ID)}
	if n, err := w.Desk.Count(ctx, v, one); n != 0 || err != nil {
		t.Errorf("count %d of %s: %v", n, ref, err)
	}
	same(t, ref.String(), w.Fields(ref), before)
}

func TestT73NoModuleWithoutAPolicy(t *testing.T) {
	w := house.New(t)
	ana, ref := w.Viewer(house.Customers, house.Ana), house.Ref("Assets/34x1") // of her own account
	isForbidden := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, portal.ErrForbidden) {
			t.Errorf("%s: %v", what, err)
		}
	}
	everything := func(ref engine.Ref) {
		t.Helper()
		q := portal.Question{Module: ref.Module}
		_, err := w.Desk.List(t.Context(), ana, q)
		isForbidden("list", err)
		_, err = w.Desk.Count(t.Context(), ana, q)
		isForbidden("count", err)
		_, err = w.Desk.Get(t.Context(), ana, ref)
		isForbidden("get", err)
		_, err = w.Desk.Related(t.Context(), ana, house.Ref("Accounts/11x1"), q)
		isForbidden("related", err)
		_, err = w.Desk.Create(t.Context(), ana, ref.Module, engine.Fields{}, "")
		isForbidden("create", err)
		_, err = w.Desk.Update(t.Context(), ana, ref, engine.Fields{}, "")
		isForbidden("update", err)
		_, err = w.Desk.Delete(t.Context(), ana, ref, "")
		isForbidden("delete", err)
	}
	everything(ref)
	w.Modules["Vault"] = &engine.Module{Name: "Vault", Keep: true, Fields: map[string]*engine.Field{}}
	everything(house.Ref("Vault/1"))
	everything(house.Ref("NoSuch/1"))
	for _, view := range w.Desk.Modules(ana) {
		if view.Name == "Assets" || view.Name == "Vault" {
			t.Errorf("%s is described", view.Name)
		}
	}
}

func TestT75HiddenFieldsAreNoOracle(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	for _, name := range []string{
		"secret", "externalid", "assigned_user_id", "nothing", "SECRET", "parent_id.rating", "",
	} {
		ask := func(q portal.Question) error {
			q.Module = "HelpDesk"
			_, err := w.Desk.List(t.Context(), ana, q)
			return err
		}
		inner := engine.Predicate{Op: engine.OpOr, Of: []engine.Predicate{
			leaf(engine.OpEqual, "ticketstatus", "Open"), not(leaf(engine.OpStarts, name, "s")),
		}}
		refused(t, "filter by "+name, func() error {
			return ask(portal.Question{Where: inner})
		}, 400, portal.CodeFilter, "")
		refused(t, "sort by "+name, func() error {
			return ask(portal.Question{Order: []engine.Sorting{{Field: name}}})
		}, 400, portal.CodeSort, "")
		refused(t, "show "+name, func() error {
			return ask(portal.Question{Fields: []string{name}})
		}, 400, portal.CodeShown, "")
		if _, err := w.Desk.Count(t.Context(), ana, portal.Question{Module: "HelpDesk", Where: inner}); err == nil {
			t.Errorf("count by %s", name)
		}
	}
	// Nor does the free-text search look into them, or into what may be read and not filtered by.
	same(t, "secrets", ids(t, w, ana, portal.Question{Module: "HelpDesk", Search: "secret"}), []string{})
	same(t, "a subject", ids(t, w, ana, portal.Question{Module: "Invoice", Search: "Paper"}), []string{})
	same(t, "a number", ids(t, w, ana, portal.Question{Module: "Invoice", Search: "INV1"}), []string{"7x1"})
	refused(t, "relations that were not asked for", func() error {
		p := engine.Predicate{Op: engine.OpRelated, Module: "Accounts", Values: []engine.Operand{{Value: "11x2"}}}
		_, err := w.Desk.List(t.Context(), ana, portal.Question{Module: "Documents", Where: p})
		return err
	}, 400, portal.CodeFilter, "")
}

func TestT76RecordsDoNotMoveAway(t *testing.T) {
	w := house.New(t)
	mia := w.Viewer(house.Customers, house.Mia) // whose role changes parent_id
	for _, parent := range []any{"11x2", "12x2", "", "12x1"} {
		refused(t, "a ticket moves", func() error {
			set := engine.Fields{"parent_id": parent}
			_, err := w.Desk.Update(t.Context(), mia, house.Ref("HelpDesk/17x1"), set, "")
			return err
		}, 422, portal.CodeRows, "parent_id")
	}
	done, err := w.Desk.Update(t.Context(), mia, house.Ref("HelpDesk/17x1"), engine.Fields{"parent_id": "12x5"}, "")
	if err != nil || done.Row == nil {
		t.Errorf("her own id: %v", err)
	}
	// Over a route: the task of a project goes to a project of somebody else.
	ana := w.Viewer(house.Customers, house.Ana)
	for _, project := range []any{"31x2", "", "31x9"} {
		refused(t, "a task moves", func() error {
			set := engine.Fields{"projectid": project}
			_, err := w.Desk.Update(t.Context(), ana, house.Ref("ProjectTask/32x1"), set, "")
			return err
		}, 422, portal.CodeRows, "projectid")
	}
	refused(t, "a comment on somebody else's ticket", func() error {
		set := engine.Fields{"commentcontent": "x", "related_to": "17x3"}
		_, err := w.Desk.Create(t.Context(), ana, "ModComments", set, "")
		return err
	}, 422, portal.CodeRows, "related_to")
	if _, err := w.Desk.Create(t.Context(), ana, "ModComments", engine.Fields{
		"commentcontent": "x", "related_to": "17x5",
	}, ""); err != nil {
		t.Errorf("a comment on her own: %v", err)
	}
	// Who has no account makes no ticket that is nobody's.
	eve := w.Viewer(house.Customers, house.Eve)
	refused(t, "a ticket without an account", func() error {
		_, err := w.Desk.Create(t.Context(), eve, "HelpDesk", engine.Fields{"ticket_title": "x"}, "")
		return err
	}, 422, portal.CodeRows, "parent_id")
}
