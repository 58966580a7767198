package main

import (
	"fmt"
	"maps"
	"slices"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/yamldoc"
)

// unanswered are the reasons why the CRM will never answer what portals ask of it.
func unanswered(config crm.Config, book *engine.Book) (wrong []error) {
	for _, name := range slices.Sorted(maps.Keys(book.Portals)) {
		wrong = append(wrong, unansweredOf(config, book.Portals[name])...)
	}
	return wrong
}

// unansweredOf are those of one portal.
func unansweredOf(config crm.Config, p *engine.Portal) (wrong []error) {
	for _, role := range slices.Sorted(maps.Keys(p.Roles)) {
		for _, module := range slices.Sorted(maps.Keys(p.Roles[role].Modules)) {
			access := p.Roles[role].Modules[module]
			search := engine.Search{Module: access.Module, Modules: p.Modules, Where: access.Rows}
			if err := config.CanSearch(search); err != nil {
				wrong = append(wrong, fmt.Errorf("portal %s, role %s, rows of %s: %w", p.Name, role, module, err))
			}
			if err := relates(config, p, access); err != nil {
				wrong = append(wrong, fmt.Errorf("portal %s, role %s, related of %s: %w", p.Name, role, module, err))
			}
		}
	}
	return wrong
}

// lintPortals is what serve would refuse of the portals of a book: what the CRM cannot answer, and a façade of none.
func (c config) lintPortals(book *engine.Book) (wrong yamldoc.Diagnostics) {
	if named := c.Web.Portal.Facade.Default; named != "" && book.Portals[named] == nil {
		for file := range c.sources {
			wrong = append(wrong, yamldoc.Diagnostic{File: file, Severity: yamldoc.Error, Message: noFacade(named)})
		}
	}
	if c.mirrors() {
		return wrong
	}
	for _, name := range slices.Sorted(maps.Keys(book.Portals)) {
		for _, err := range unansweredOf(c.CRM, book.Portals[name]) {
			wrong = append(wrong, yamldoc.Diagnostic{
				File: "portal/" + name + ".yaml", Severity: yamldoc.Error, Message: err.Error(),
			})
		}
	}
	return wrong
}

// noFacade says that the façade is to be of a portal that is not there.
func noFacade(named string) string {
	return fmt.Sprintf("web.portal.facade.default: there is no portal %q in the book", named)
}

// relates refuses lists beside a record that go by what the CRM relates, where it does not say that.
func relates(config crm.Config, p *engine.Portal, access *engine.Access) error {
	for _, list := range access.Related {
		where := engine.Predicate{Op: engine.OpRelated, Module: access.Module.Name}
		search := engine.Search{Module: p.Modules[list.Module], Modules: p.Modules, Where: where}
		if err := config.CanSearch(search); list.By == "" && err != nil {
			return err
		}
	}
	return nil
}
