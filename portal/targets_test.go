package portal_test

import (
	"errors"
	"maps"
	"testing"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// A form offers what would be accepted: not all that somebody sees, and nothing that they do not.
func TestTargetsAreWhatWouldBeAccepted(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	role := *ana.Role
	role.Modules = maps.Clone(ana.Role.Modules)
	open := *ana.Access("Project") // all projects are to be seen, and tasks of one's own account made
	open.Rows = engine.Everything()
	role.Modules["Project"], ana.Role = &open, &role
	offered := func(module, field, of string) []string {
		t.Helper()
		listing, err := w.Desk.Targets(t.Context(), ana, module, field, true, portal.Question{Module: of})
		if err != nil {
			t.Fatal(err)
		}
		return idsOf(listing)
	}
	all := ids(t, w, ana, portal.Question{Module: "Project"})
	if got := offered("ProjectTask", "projectid", "Project"); len(got) == 0 || len(got) >= len(all) {
		t.Errorf("of projects %v are offered %v", all, got)
	}
	same(t, "tickets for comments", offered("ModComments", "related_to", "HelpDesk"),
		ids(t, w, ana, portal.Question{Module: "HelpDesk"}))
	same(t, "accounts for comments", offered("ModComments", "related_to", "Accounts"), []string{})
	for _, modules := range [][2]string{{"Assets", "Accounts"}, {"ModComments", "Assets"}} {
		_, err := w.Desk.Targets(t.Context(), ana, modules[0], "related_to", true, portal.Question{Module: modules[1]})
		if !errors.Is(err, portal.ErrForbidden) {
			t.Errorf("%v: %v", modules, err)
		}
	}
}
