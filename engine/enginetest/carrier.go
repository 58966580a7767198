package enginetest

import "postern/engine"

// Carriers are channels for a book under test: sms and whatsapp reach by a phone number, push by the record's id,
// webhook by nothing, and any other by a mail address.
func Carriers(names ...string) map[string]engine.Carrier {
	carriers := map[string]engine.Carrier{}
	for _, name := range names {
		reach := engine.Reach{Type: engine.TypeEmail}
		switch name {
		case "sms", "whatsapp":
			reach = engine.Reach{Type: engine.TypePhone}
		case "push":
			reach = engine.Reach{ID: true}
		case "webhook":
			reach = engine.Reach{}
		}
		carriers[name] = engine.Carrier{Kind: name, Reach: reach}
	}
	return carriers
}
