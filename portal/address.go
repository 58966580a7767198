package portal

import (
	"fmt"
	"strings"

	"postern/engine"
)

// addressOf is the mail address of a person: what they sign in with, or the first one of their record.
func addressOf(who person) string {
	module := who.portal.Subject.Module
	for _, name := range append([]string{who.portal.Subject.Login}, module.Names...) {
		if field := module.Fields[name]; field != nil && field.Type == engine.TypeEmail {
			return strings.TrimSpace(who.record.Fields.Text(name))
		}
	}
	return ""
}

// moves adds to a change what goes with it where it gives somebody who signs in another name or mail address: the
// address before is told, and the links that were sent to it end.
func (d *Desk) moves(v Viewer, change *Change, before, after engine.Record) error {
	if before.Module != v.Portal.Subject.Module.Name {
		return nil
	}
	was, is := person{portal: v.Portal, record: before}, person{portal: v.Portal, record: after}
	address := addressOf(was)
	if normal(was.name()) == normal(is.name()) && strings.EqualFold(address, addressOf(is)) {
		return nil
	}
	event, err := engine.NewPortalEvent(v.Portal, d.with.Base, after, engine.PortalAddressChanged,
		engine.DerivedID(change.ID, "moved"), change.At, "", map[string]any{
			"old_name": was.name(), "old_address": address,
		})
	if err != nil {
		return err
	}
	written, err := event.MarshalJSON()
	if err != nil {
		return fmt.Errorf("tell of a new address: %w", err)
	}
	change.Moved, change.Write.Besides = v.Portal.Name, append(change.Write.Besides, written)
	return nil
}
