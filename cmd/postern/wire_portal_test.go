package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/crm"
	"postern/workflows"
)

// portalHouse is a house as far as portals are checked before anything is opened.
func portalHouse(t *testing.T, kind string, records engine.CRM) (*house, *engine.Book) {
	t.Helper()
	c := defaultConfig()
	c.CRM.Kind = kind
	book, diags, _ := workflows.Load(workflows.Shipped, c.bookOptions())
	if book == nil {
		t.Fatal(diags)
	}
	return &house{config: c, crm: records, logger: slog.New(slog.DiscardHandler)}, book
}

// elsewhere is a CRM with its records elsewhere; unsearched one that cannot be searched.
type elsewhere struct{ *crm.Mirror }

func (elsewhere) Traits() engine.Traits { return engine.Traits{} }

type unsearched struct{ engine.CRM }

func TestPortalsThatACRMCannotAnswer(t *testing.T) {
	h, book := portalHouse(t, crm.KindMirror, crm.NewMirror(nil))
	if err := h.checkPortals(book); err != nil {
		t.Errorf("the shipped book with the mirror: %v", err)
	}
	h.crm = unsearched{h.crm}
	if err := h.checkPortals(book); err == nil || !strings.Contains(err.Error(), "crm.kind: mirror") {
		t.Errorf("a CRM that cannot be searched: %v", err)
	}
	h, book = portalHouse(t, crm.KindCorebos, elsewhere{crm.NewMirror(nil)})
	if err := h.checkPortals(book); err != nil {
		t.Errorf("the shipped book with coreBOS: %v", err)
	}
	for name, p := range book.Portals {
		for module, access := range p.Roles[engine.RoleDefault].Modules {
			if access.Create != nil && access.Module.ExternalID == "" {
				t.Errorf("portal %s makes records of %s, which coreBOS may make twice", name, module)
			}
		}
	}
	for name, rows := range map[string]engine.Predicate{
		"that are related": {
			Op: engine.OpRelated, Module: "Accounts",
			Values: []engine.Operand{{From: engine.FromMe, Path: "account_id"}},
		},
		"that are another": {Op: engine.OpNotEqual, Path: "ticket_title", Values: []engine.Operand{{Value: "a"}}},
	} {
		for _, role := range book.Portals["customers"].Roles {
			role.Modules["HelpDesk"].Rows = rows
		}
		err := h.checkPortals(book)
		if err == nil || !strings.Contains(fmt.Sprint(err), "portal customers, role default, rows of HelpDesk") {
			t.Errorf("rows %s, with coreBOS: %v", name, err)
		}
	}
	h.config.Web.Portal.Facade.Default = "none"
	if err := h.checkPortals(book); err == nil || !strings.Contains(err.Error(), "web.portal.facade.default") {
		t.Errorf("a façade of no portal: %v", err)
	}
}
