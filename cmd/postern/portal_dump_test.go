package main

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"postern/internal/peer"
	portalhouse "postern/portal/portaltest/house"
)

// T57: whoever has a copy of the database, and knows everybody's names and the ids of open pages from it, gets in with
// nothing of it: with no value of any column of any table, as it stands or written in other ways, in any place where a
// secret is taken. The secrets themselves open each of these places, before and after.
func TestT57ADumpOpensNothing(t *testing.T) {
	h := newRobbed(t)
	dump := h.dump()
	h.truthsOpen("before")
	for _, table := range []string{
		"links", "flows", "grants", "guesses", "limits", "outbox", "audit", "records", "portal_askings", "portal_links",
		"portal_sessions", "portal_accounts", "portal_challenges", "portal_devices", "portal_lanes", "portal_app_keys",
		"portal_authenticators", "portal_recovery_codes", "portal_pending",
	} {
		if len(dump[table]) == 0 {
			t.Errorf("nothing stands in %s", table)
		}
	}
	tried := map[string]bool{}
	for _, table := range slices.Sorted(maps.Keys(dump)) {
		for n, value := range dump[table] {
			if peer.Race && n%7 != 0 && !strings.HasPrefix(table, "portal_") {
				continue
			}
			h.opensNothing(table, value, tried)
		}
	}
	// Nor do the keys of a password, if somebody broke its seal: they are not what a client proves it by.
	h.provesNothing("the verifier below its seal", h.unsealed())
	t.Logf("%d texts of these tables were tried: %v", len(tried), slices.Sorted(maps.Keys(dump)))
	h.truthsOpen("afterwards")
}

// keyhole is where a secret is taken: try tells whether a text, or bytes, opens it.
type keyhole struct {
	name string
	text func(*robbed, string) bool
	raw  func(*robbed, []byte) bool
}

func keyholes() []keyhole {
	return []keyhole{
		{name: "session", text: (*robbed).isSession},
		{name: "cookie of a session", text: (*robbed).isSessionCookie},
		{name: "device", text: (*robbed).isDevice},
		{name: "password", text: (*robbed).isPassword},
		{name: "app key", text: (*robbed).isAppKey},
		{name: "pending sign-in", text: (*robbed).isPending},
		{name: "recovery code", text: (*robbed).isRecoveryCode},
		{name: "link", text: (*robbed).isLink},
		{name: "cookie of a visitor", text: (*robbed).isVisitor},
		{name: "passage to a password", text: (*robbed).isPassage},
		{name: "key of a password", raw: (*robbed).isClientKey},
		{name: "authenticator", raw: (*robbed).isAuthenticator},
	}
}

// truthsOpen shows that each place is one where the right secret opens: else nothing would be shown by what does not.
func (h *robbed) truthsOpen(when string) {
	h.T.Helper()
	of := map[string]string{
		"session": h.truths.session, "cookie of a session": h.truths.session, "device": h.truths.device,
		"password": portalhouse.Password, "app key": h.truths.appKey, "pending sign-in": h.truths.pending,
		"recovery code": h.truths.recovery[0], "link": h.truths.link, "cookie of a visitor": h.truths.visitor,
		"passage to a password": h.truths.passer, "key of a password": string(h.truths.clientKey),
		"authenticator": string(h.truths.authenticator),
	}
	h.open()
	for _, k := range keyholes() {
		if !k.opens(h, []byte(of[k.name])) {
			h.T.Errorf("%s: the right secret does not open: %s", when, k.name)
		}
	}
}

func (k keyhole) opens(h *robbed, value []byte) bool {
	if k.raw != nil {
		return k.raw(h, value)
	}
	return k.text(h, string(value))
}

// open takes away what was tried in vain: a thief has time.
func (h *robbed) open() {
	h.T.Helper()
	const queries = `BEGIN IMMEDIATE; DELETE FROM portal_lanes; DELETE FROM limits;
		UPDATE portal_pending SET tries = 0; COMMIT`
	if _, err := h.db.ExecContext(h.T.Context(), queries); err != nil {
		h.T.Fatal(err)
	}
}

// opensNothing tries a value in every place.
func (h *robbed) opensNothing(table string, value []byte, tried map[string]bool) {
	h.T.Helper()
	for _, text := range h.written(value) {
		if tried[text] {
			continue
		}
		tried[text] = true
		h.open()
		for _, k := range keyholes() {
			if k.text != nil && k.opens(h, []byte(text)) {
				h.T.Errorf("%q of table %s is a %s", text, table, k.name)
			}
		}
	}
	if h.isAuthenticator(value) {
		h.T.Errorf("%q of table %s is an authenticator", value, table)
	}
	if size := sha256.Size; table != "portal_accounts" && len(value) > size {
		value = append(value[:size:size], value[len(value)-size:]...)
	}
	h.provesNothing(table, value)
}

// written are the ways to write a value in which secrets are written here: as it is, in hex, in base64, and in base32
// as tokens of links and recovery codes are.
func (h *robbed) written(value []byte) []string {
	key := strings.TrimPrefix(h.truths.link, "/l/")[:1]
	base := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(value))
	texts := []string{
		string(value), hex.EncodeToString(value), base64.RawURLEncoding.EncodeToString(value),
		base64.StdEncoding.EncodeToString(value), base, key + base[:min(26, len(base))], base[:min(10, len(base))],
	}
	return slices.Compact(texts)
}

// provesNothing tries every stretch of a value as the key by which a client proves a password.
func (h *robbed) provesNothing(what string, value []byte) {
	h.T.Helper()
	stride := 1
	if what != "portal_accounts" && len(value) == 2*sha256.Size {
		stride = sha256.Size // its beginning and its end
	}
	for i := 0; i+sha256.Size <= len(value); i += stride {
		key := value[i : i+sha256.Size]
		if h.open(); h.isClientKey(key) {
			h.T.Errorf("%x of %s proves a password", key, what)
		}
	}
}

// dump is every value of every column of every table but numbers, by table.
func (h *robbed) dump() map[string][][]byte {
	h.T.Helper()
	all := map[string][][]byte{}
	for _, table := range rowsOf(h.T, h.db, "SELECT name FROM sqlite_schema WHERE type = 'table'") {
		for _, column := range rowsOf(h.T, h.db, fmt.Sprintf("SELECT name FROM pragma_table_xinfo(%q)", table[0])) {
			query := fmt.Sprintf("SELECT DISTINCT CAST(%q AS BLOB) FROM %q WHERE typeof(%[1]q) IN ('text', 'blob')",
				column[0], table[0])
			for _, row := range rowsOf(h.T, h.db, query) {
				all[table[0]] = append(all[table[0]], []byte(row[0]))
			}
		}
	}
	return all
}
