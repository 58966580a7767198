package workflows

import (
	"maps"
	"slices"

	"postern/engine"
	"postern/internal/yamldoc"
)

// bySubject reads a factor that the subject of a portal proves.
func (l *loader) bySubject(p *plannedFactor, root *yamldoc.Node, f factorFile) {
	l.needs(root, f.Kind, "portal")
	l.idle(root, f.Kind, "field", "via", "risk", "changed")
	p.plain.Changed = ""
	if f.Portal == nil {
		return
	}
	p.plain.Portal, p.portal = f.Portal.Text(), f.Portal
	if known := l.book.Portals; !l.options.Kept && known[p.plain.Portal] == nil {
		l.complain(unknown(f.Portal, "portal", p.plain.Portal, slices.Sorted(maps.Keys(known))))
	}
}

// fitSubject finds the subject whose proof a factor asks for; false after a complaint. A kept version comes without the
// portal's file.
func (l *loader) fitSubject(p *plannedFactor, factor *engine.Factor, module *engine.Module) bool {
	if p.to != nil {
		if factor.Subject = l.factorRoute(p.to, module); factor.Subject == nil {
			return false
		}
		if !factor.Subject.Records() {
			l.complain(p.to.Errorf("%s is a field; to is the record of whoever proves themselves", factor.Subject))
			return false
		}
	}
	if l.options.Kept || p.portal == nil {
		return true
	}
	portal := l.book.Portals[factor.Portal]
	if portal == nil {
		return false // said already, of the factor's file
	}
	subject := portal.Subject.Module
	if factor.Subject != nil && !slices.Contains(l.modulesOf(factor.Subject.Field), subject) {
		l.complain(p.to.Errorf("%s leads to no record of %s, which portal %s is for",
			factor.Subject, subject.Name, portal.Name))
		return false
	}
	return true
}

// checkWhose complains where nobody can prove what a landing asks for.
func (p *page) checkWhose(f landingFile) {
	for _, factor := range p.landing.Factors() {
		switch {
		case !factor.Kind.BySubject():
		case factor.Subject == nil && p.landing.ByExternalID:
			p.complain(f.By[0].Errorf("a link by external id has no recipient: factor %s needs to, the route to "+
				"whoever proves themselves", factor.Name))
		case factor.Kind == engine.FactorPortal && p.landing.Opens != nil:
			p.complain(f.Opens.Errorf("factor %s asks whoever follows the link to be signed in already", factor.Name))
		}
	}
}
