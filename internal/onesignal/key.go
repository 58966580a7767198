package onesignal

import (
	"crypto/sha1" //nolint:gosec // what RFC 9562 says a version 5 UUID is made of; nothing is kept safe by it

	"postern/engine"
)

// namespace makes our keys our own: a random UUID.
var namespace = engine.ID{
	0x9d, 0x2b, 0x6e, 0x51, 0x0c, 0x47, 0x4f, 0x0e, 0xa3, 0x58, 0x71, 0x5d, 0x7e, 0x21, 0xc4, 0x96,
}

// KeyOf is the key of a delivery at all its tries: a version 5 UUID (RFC 9562), which OneSignal wants.
func KeyOf(delivery engine.ID) engine.ID {
	h := sha1.New() //nolint:gosec // as above
	h.Write(namespace[:])
	h.Write(delivery[:])
	var id engine.ID
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}
