// Package schemas holds the JSON Schemas of what others write for Postern: the events of a CRM, and the files of an
// admin.
//
// The event's schema (draft 2020-12) is written by hand: it is the public contract with a CRM, and changes on purpose
// or not at all. The engine does not read it. It checks events with a decoder of its own, whose sentences say more than
// a schema's, and the tests hold the two against each other.
//
// The schemas of the files (draft-07, which every editor knows) are generated from the structs that the loaders decode:
// see internal/generate. They are for editors, which propose keys and mark what is misspelt while one writes. They know
// no book: what a name leads to, and what an expression means, is for `postern lint` to check.
package schemas

import (
	"embed"
	"strings"
)

//go:embed *.schema.json
var files embed.FS

//go:embed openapi.json
var api []byte

// API returns the description of the HTTP interface (OpenAPI 3.1): what machines ask with a key, and the pages of the
// door as data. It is written by hand, and the tests hold it against what is answered.
func API() []byte { return api }

const suffix = ".schema.json"

// Event returns the schema of an event in CloudEvents structured mode, as it arrives on NATS or at POST /events. It
// cannot say everything: an event that it lets through may still be refused, for a key that is not the record's id or
// for its size.
func Event() []byte {
	text, _ := Of("event")
	return text
}

// Names are the names of all schemas, sorted.
func Names() []string {
	entries, _ := files.ReadDir(".") // an embedded folder is there
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), suffix)
	}
	return names
}

// Of returns the text of a schema by its name; false if there is none of that name.
func Of(name string) ([]byte, bool) {
	text, err := files.ReadFile(File(name))
	return text, err == nil
}

// File is the name of the file that holds a schema.
func File(name string) string { return name + suffix }
