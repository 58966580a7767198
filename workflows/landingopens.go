package workflows

import (
	"maps"
	"slices"

	"postern/engine"
	"postern/internal/yamldoc"
)

// opens reads what part of a portal a landing leads into, in place of a record.
func (p *page) opens(root *yamldoc.Node, f landingFile) {
	if f.Portal == nil && f.Opens == nil {
		return
	}
	for _, key := range []string{"show", "edit", "actions", "by", "uses", "after", "hand_over", "title"} {
		if entry, ok := root.Lookup(key); ok {
			p.complain(entry.Key.Errorf("%s means nothing for a landing that opens a portal", key))
		}
	}
	switch {
	case f.Opens == nil:
		p.complain(f.Portal.Errorf("a landing with portal needs opens: password or sign_in"))
		return
	case f.Portal == nil:
		p.complain(f.Opens.Errorf("a landing with opens needs portal: the name of a file under portal/"))
		return
	}
	opens := &engine.Opens{Portal: f.Portal.Text(), What: engine.OpensWhat(f.Opens.Text())}
	if !slices.Contains(engine.OpensWhats(), opens.What) {
		var choices []string
		for _, what := range engine.OpensWhats() {
			choices = append(choices, string(what))
		}
		p.complain(f.Opens.Unknown("thing to open", choices))
		return
	}
	p.landing.Opens = opens
	p.opensFor(f)
}

// opensFor holds the landing against the subject of its portal. A kept version comes without the portal's file: the
// door holds it against the landing as it is now.
func (p *page) opensFor(f landingFile) {
	if p.options.Kept {
		return
	}
	portal := p.book.Portals[f.Portal.Text()]
	if portal == nil {
		p.complain(unknown(f.Portal, "portal", f.Portal.Text(), slices.Sorted(maps.Keys(p.book.Portals))))
		return
	}
	if subject := portal.Subject.Module; subject.Name != p.landing.Module.Name {
		p.complain(f.Module.Errorf("portal %s is for records of %s, and so are links into it",
			portal.Name, subject.Name))
	}
	needs := map[engine.OpensWhat]engine.SignInMethod{
		engine.OpensPassword: engine.SignInPassword, engine.OpensSignIn: engine.SignInLink,
	}[p.landing.Opens.What]
	if !slices.Contains(portal.SignIn.Methods, needs) {
		p.complain(f.Opens.Errorf("nobody signs in to portal %s by %s: add it to its methods", portal.Name, needs))
	}
}
