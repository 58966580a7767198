// Package schemas holds the JSON Schemas (draft 2020-12) of what others write for Postern.
//
// The event's schema is written by hand: it is the public contract with a CRM, and changes on purpose or not at all.
// The engine does not read it. It checks events with a decoder of its own, whose sentences say more than a schema's,
// and the tests hold the two against each other.
package schemas

import _ "embed"

//go:embed event.schema.json
var event []byte

// Event returns the schema of an event in CloudEvents structured mode, as it arrives on NATS or at POST /events. It
// cannot say everything: an event that it lets through may still be refused, for a key that is not the record's id or
// for its size.
func Event() []byte { return append([]byte(nil), event...) }
