package enginetest

import "postern/engine"

// Carriers are channels for a book under test: sms and whatsapp reach by a phone number, push by the record's id, and
// any other by a mail address.
func Carriers(names ...string) map[string]engine.Carrier {
	carriers := map[string]engine.Carrier{}
	for _, name := range names {
		reach := engine.Reach{Type: engine.TypeEmail}
		switch name {
		case "sms", "whatsapp":
			reach = engine.Reach{Type: engine.TypePhone}
		case "push":
			reach = engine.Reach{ID: true}
		}
		carriers[name] = engine.Carrier{Kind: name, Reach: reach}
	}
	return carriers
}
