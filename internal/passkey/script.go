package passkey

import _ "embed"

// Script is what a page needs that asks for a passkey. It looks for a form with the attributes data-passkey, which is
// "get" or "create", and data-options, which is Begun.Options.
//
//go:embed passkey.js
var Script []byte
