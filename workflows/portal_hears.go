package workflows

import (
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// eventPortal is where the events of portals name theirs.
const eventPortal = "event.data.portal"

// Hearing are the workflows of a book that may start when an event is told of somebody of a portal: all on that event
// but those whose condition compares event.data.portal with the name of another one.
func Hearing(book *engine.Book, p *engine.Portal, event string) []*engine.Workflow {
	return hearing(book.Workflows, p, event)
}

func hearing(all []*engine.Workflow, p *engine.Portal, event string) (found []*engine.Workflow) {
	for _, w := range all {
		on := slices.ContainsFunc(w.Triggers, func(t engine.Trigger) bool {
			return t.Event == event && t.Module == p.Subject.Module.Name
		})
		if on && !excludes(w, p.Name) {
			found = append(found, w)
		}
	}
	return found
}

// excludes tells whether a workflow never runs for an event of a portal, by its condition.
func excludes(w *engine.Workflow, portal string) bool {
	return w.If != nil && exprsafe.Excludes(w.If.Source(), eventPortal, portal)
}

// Unheard are the messages of a portal that no workflow of the book sends.
func Unheard(book *engine.Book, p *engine.Portal) []engine.PortalMessage {
	return slices.DeleteFunc(p.Messages(), func(m engine.PortalMessage) bool {
		return len(Hearing(book, p, m.Event)) > 0
	})
}

// LedInto tells whether a landing of the book leads into a portal, to choose a password or to sign in.
func LedInto(book *engine.Book, p *engine.Portal, what engine.OpensWhat) bool {
	for _, landing := range book.Landings {
		if landing.Opens != nil && *landing.Opens == (engine.Opens{Portal: p.Name, What: what}) {
			return true
		}
	}
	return false
}

// warnUnheard tells of links that people of a portal ask for, or are invited by, and that nobody sends. In a book with
// errors a workflow or a landing may be missing for another reason.
func (p *plannedPortal) warnUnheard() {
	if p.options.Kept || p.diags.Err() != nil {
		return
	}
	var what, events []string
	unled := map[engine.OpensWhat]bool{}
	for _, m := range p.portal.Messages() {
		switch {
		case m.Opens == "":
		case len(Hearing(p.book, p.portal, m.Event)) == 0:
			what, events = append(what, m.What), append(events, m.Event)
		case !unled[m.Opens] && !LedInto(p.book, p.portal, m.Opens):
			unled[m.Opens] = true
			p.complain(p.at.Warningf("no-landing", "no link leads into portal %s: no landing has portal: %[1]s and "+
				"opens: %s", p.portal.Name, m.Opens))
		}
	}
	if len(what) == 0 {
		return
	}
	p.complain(p.at.Warningf("unheard", "nobody gets %s of portal %s: no workflow is on %s of %s for it%s",
		inWords(what, "or"), p.portal.Name, inWords(events, "or"), p.portal.Subject.Module.Name, p.lacking(events)).
		WithHint("`postern new portal " + p.portal.Name + "` writes what is missing"))
}

// lacking names the channel that workflows on these events lack, which are left out.
func (p *plannedPortal) lacking(events []string) string {
	for _, event := range events {
		for _, w := range hearing(p.out, p.portal, event) {
			return ", and " + w.Name + " is left out: it lacks the channel " + p.book.LeftOut[w.Name]
		}
	}
	return ""
}

// inWords is a list as it stands in a sentence.
func inWords(words []string, last string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// warnElsewhere tells of a link into another portal than the one that a workflow runs for, as a copy may have it.
func (l *loader) warnElsewhere(at *yamldoc.Node, w *engine.Workflow, landing *engine.Landing) {
	if landing.Opens == nil || !excludes(w, landing.Opens.Portal) {
		return
	}
	l.complain(at.Warningf("other-portal", "landing %s opens portal %s, and this workflow runs for another one",
		landing.Name, landing.Opens.Portal))
}
