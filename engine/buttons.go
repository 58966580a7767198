package engine

import (
	"cmp"
	"slices"
)

// offered are the buttons of a message in the language of its text: each leads to the link that {{ link }} means.
func (l *letter) offered(d *Delivery, language string) []Button {
	i := slices.IndexFunc(d.Links, func(n NamedLink) bool { return n.Name == "link" })
	if i < 0 {
		return nil
	}
	var buttons []Button
	link := d.Links[i].Link
	for _, offer := range l.buttons {
		buttons = append(buttons, Button{
			Link: link.ID, Generation: link.Generation, Action: offer.Action, Expires: link.Expires,
			Label: cmp.Or(offer.Label.In(cmp.Or(language, l.env.Recipient.Language)), offer.Action),
		})
	}
	return buttons
}
