package workflows

import "embed"

// Shipped is the book that comes with Postern: a start to copy from, and what the demo runs.
//
//go:embed *.yaml modules landings factors portal templates layouts partials
var Shipped embed.FS
