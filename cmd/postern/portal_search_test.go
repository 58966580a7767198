package main

import (
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/crm"
	"postern/workflows"
)

// The shipped portals can be asked of coreBOS; what cannot is said by portal, role and module.
func TestPortalsThatCorebosAnswers(t *testing.T) {
	book, diags, _ := loadBook(workflows.Shipped, defaultConfig().carriers(), true)
	if diags.Errors() > 0 {
		t.Fatal(diags)
	}
	for _, err := range unanswered(crm.Config{Kind: crm.KindCorebos}, book) {
		t.Error(err)
	}
	tickets := book.Portals["customers"].Roles[engine.RoleDefault].Modules["HelpDesk"]
	tickets.Rows = engine.Predicate{
		Op: engine.OpNotEqual, Path: "ticketstatus", Values: []engine.Operand{{Value: "Closed"}},
	}
	tickets.Related = append(tickets.Related, engine.Relative{Module: "Documents"})
	wrong := unanswered(crm.Config{Kind: crm.KindCorebos}, book)
	if len(wrong) < 2 || !strings.Contains(wrong[0].Error(), "portal customers, role default, rows of HelpDesk: ") ||
		!strings.Contains(wrong[1].Error(), "related of HelpDesk: ") {
		t.Errorf("refused: %v", wrong)
	}
	if wrong := unanswered(crm.Defaults(), book); len(wrong) > 0 {
		t.Errorf("a mirror: %v", wrong)
	}
}
