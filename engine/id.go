package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// ID names a run, a delivery, a link or an event of ours: a UUID (RFC 9562), 16 bytes in the store,
// its usual text outside.
type ID [16]byte

// NewID returns a version 7 UUID: 48 bits of milliseconds, then random bits, so that ids sort by the
// time they were made. It fails only when random cannot be read.
func NewID(now time.Time, random io.Reader) (ID, error) {
	var id ID
	if _, err := io.ReadFull(random, id[6:]); err != nil {
		return ID{}, fmt.Errorf("read random bits: %w", err)
	}
	id.stamp(now.UnixMilli(), 7)
	return id, nil
}

// RandomID returns 128 random bits without version marks, for links, whose id is the input of their
// token and must not tell when they were made.
func RandomID(random io.Reader) (ID, error) {
	var id ID
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return ID{}, fmt.Errorf("read random bits: %w", err)
	}
	return id, nil
}

// DerivedID returns a version 8 UUID under the time of base whose other bits are a hash of the parts:
// asking twice for the same thing gives the same id, which makes the second time visible.
func DerivedID(base ID, parts ...string) ID {
	h := sha256.New()
	h.Write(base[:])
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	var id ID
	copy(id[:], h.Sum(nil))
	id.stamp(base.milli(), 8)
	return id
}

// Time is the millisecond the id carries, for ids made by NewID and DerivedID.
func (id ID) Time() time.Time { return time.UnixMilli(id.milli()).UTC() }

// IsZero tells whether the id was never set.
func (id ID) IsZero() bool { return id == ID{} }

// String is the usual text of a UUID.
func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// ParseID reads the text that String writes.
func ParseID(text string) (ID, error) {
	var id ID
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return ID{}, fmt.Errorf("id %q is no UUID", text)
	}
	raw, err := hex.DecodeString(text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:])
	if err != nil {
		return ID{}, fmt.Errorf("id %q is no UUID", text)
	}
	copy(id[:], raw)
	return id, nil
}

// MarshalText and UnmarshalText let ids stand in JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	*id = parsed
	return err
}

func (id *ID) stamp(milli int64, version byte) {
	for i := range 6 {
		id[i] = byte(milli >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
}

func (id ID) milli() int64 {
	var m int64
	for i := range 6 {
		m = m<<8 | int64(id[i])
	}
	return m
}
