package channels

import "postern/engine"

// CarrierOf is what a book has to know of a channel of a kind, once its configuration is decoded.
func CarrierOf(kind string, c engine.Channel) engine.Carrier {
	if carried, ok := c.(engine.Carried); ok {
		return carried.Carrier()
	}
	return engine.Carrier{Kind: kind, Reach: engine.Reach{Type: engine.TypeEmail}}
}

// Carriers are those of the kinds as they are by default, by name. Capture is not among them: it stands in for another.
func Carriers() map[string]engine.Carrier {
	carriers := map[string]engine.Carrier{}
	for _, kind := range Kinds() {
		if kind.Name != captureName {
			carriers[kind.Name] = CarrierOf(kind.Name, kind.New())
		}
	}
	return carriers
}
