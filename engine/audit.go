package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"
)

// Deed is one entry of the audit: that something was done which somebody may have to answer for. Who and
// what are named by ids and names of operators, never by addresses or values.
type Deed struct {
	Seq     int64 // counts from 1, without gaps
	At      time.Time
	Kind    string // what was done: link.used, run.cancelled
	Actor   string // who did it: link:<id>, operator:anna, postern
	Subject string // what it was done to: run:<id>, HelpDesk/17x1
	Detail  string // one line
	Hash    []byte // of the entry before and of this one; see Chained
}

// The kinds of deeds that the engine's own parts write; operators' commands add theirs.
const (
	DeedStarted  = "postern.started"
	DeedRestored = "postern.restored"

	DeedLinkOpened     = "link.opened" // each time that a visitor passed the door
	DeedLinkUsed       = "link.used"
	DeedLinkUndone     = "link.undone"
	DeedHandedOver     = "link.handed_over" // the visitor was sent on to a page of the customer's
	DeedLinkChallenged = "link.challenged"
	DeedLinkGuessed    = "link.guessed" // wrongly
	DeedLinkGranted    = "link.granted"
	DeedLinkLocked     = "link.locked"
	DeedLinkMade       = "link.made" // by hand
	DeedLinkUnlocked   = "link.unlocked"
	DeedLinkRevoked    = "link.revoked"
	DeedLinkResent     = "link.resent"
	DeedLinkExpired    = "link.expired" // without having been used
	DeedLinkLooked     = "link.looked"  // fetched, by a person or a bot: once each for a link and a process
	DeedDoorSprayed    = "door.sprayed" // many wrong guesses on many links

	DeedPortalCreated     = "portal.record_created"
	DeedPortalUpdated     = "portal.record_updated"
	DeedPortalDeleted     = "portal.record_deleted"
	DeedPortalRefused     = "portal.record_refused" // a change that the viewer may not make
	DeedPortalAsked       = "portal.asked"          // for a link, by somebody who gave a name
	DeedPortalInvited     = "portal.invited"        // by an operator
	DeedPortalSignedIn    = "portal.signed_in"
	DeedPortalSignedOut   = "portal.signed_out" // of one session, by whose it is or an operator
	DeedPortalEndedAll    = "portal.ended_all"  // all sessions
	DeedPortalLocked      = "portal.locked"     // strangers have to wait
	DeedPortalUnlocked    = "portal.unlocked"   // wrong passwords were forgotten
	DeedPortalPasswordSet = "portal.password_set"
	DeedPortalNoPassword  = "portal.password_deleted"
	DeedPortalDisabled    = "portal.disabled"
	DeedPortalEnabled     = "portal.enabled"
	DeedPortalRenewed     = "portal.renewed" // a session got a new token, after a change of factors
	DeedAppKeyMade        = "app_key.made"
	DeedAppKeyRevoked     = "app_key.revoked"
	DeedAppKeyUsed        = "app_key.used" // to sign in

	DeedPortalNoFactors      = "portal.factors_deleted" // all of them, by an operator
	DeedPortalFactorSet      = "portal.factor_set"      // passkeys, authenticator, recovery codes: added, removed, used
	DeedPortalPasskeyRefused = "portal.passkey_refused" // it has counted back
)

// Chained is the hash of a deed after the one with the hash before: SHA-256 over that and every field,
// each with its length, so that no entry can be changed, moved, added or left out without changing all
// that follow.
func (d Deed) Chained(before []byte) []byte {
	h := sha256.New()
	h.Write(before)
	fields := []string{
		strconv.FormatInt(d.Seq, 10), strconv.FormatInt(d.At.UnixMilli(), 10), d.Kind, d.Actor, d.Subject, d.Detail,
	}
	for _, field := range fields {
		_, _ = fmt.Fprintf(h, "%d:%s", len(field), field)
	}
	return h.Sum(nil)
}

// Seal is a signature under the audit as far as an entry. Entries before a seal may be removed: the
// chain is then checked from there.
type Seal struct {
	Seq       int64 // of the last entry that it covers
	At        time.Time
	Hash      []byte // of that entry
	Signature []byte
}

// Signer signs the audit.
type Signer interface {
	Sign(message []byte) []byte
	Verify(message, signature []byte) bool
}

// Message is what the signature of a seal is over.
func (s Seal) Message() []byte {
	return fmt.Appendf(nil, "postern audit %d %d %x", s.Seq, s.At.UnixMilli(), s.Hash)
}

// AuditStore holds the audit. Deeds are added in the transaction of what was done; Note is for those that
// change nothing in the store.
type AuditStore interface {
	// Note adds a deed by itself; its Seq and Hash are given by the store.
	Note(ctx context.Context, deed Deed) error
	// SealAudit signs the newest deed, unless a seal covers it already.
	SealAudit(ctx context.Context, signer Signer, now time.Time) error
	// Deeds calls take with the deeds after seq, in order.
	Deeds(ctx context.Context, after int64, take func(Deed) error) error
	// Seals returns all seals in order.
	Seals(ctx context.Context) ([]Seal, error)
}

// AuditReport is what a check of the audit found.
type AuditReport struct {
	Deeds    int
	First    Deed
	Last     Deed
	Seals    int
	Unsealed int    // deeds after the last seal: only the chain holds them, and its end could be cut off
	Fault    string // what is wrong, a sentence; "" for nothing
}

// VerifyAudit follows the chain from its beginning, or from the seal before the oldest deed that is left,
// and checks every seal. The error is a store that cannot be read; what is wrong with the audit is in
// the report.
func VerifyAudit(ctx context.Context, store AuditStore, signer Signer) (AuditReport, error) {
	seals, err := store.Seals(ctx)
	if err != nil {
		return AuditReport{}, err
	}
	c := auditCheck{seals: map[int64]Seal{}, report: AuditReport{Seals: len(seals)}}
	for _, s := range seals {
		if c.seals[s.Seq] = s; !signer.Verify(s.Message(), s.Signature) {
			c.fault("the seal under entry %d is not signed with this installation's key", s.Seq)
		}
		c.sealed = max(c.sealed, s.Seq)
	}
	err = store.Deeds(ctx, 0, func(d Deed) error {
		c.follow(d)
		return nil
	})
	if err != nil {
		return AuditReport{}, err
	}
	c.end()
	return c.report, nil
}

// auditCheck is a check on its way.
type auditCheck struct {
	seals  map[int64]Seal
	sealed int64 // the last entry under a seal
	hash   []byte
	report AuditReport
}

func (c *auditCheck) follow(d Deed) {
	r := &c.report
	switch r.Deeds++; {
	case r.Deeds == 1 && d.Seq == 1:
		r.First = d
	case r.Deeds == 1:
		r.First = d
		before, ok := c.seals[d.Seq-1]
		if c.hash = before.Hash; !ok {
			c.fault("entries before %d are missing, and no seal covers them", d.Seq)
		}
	case d.Seq != r.Last.Seq+1:
		c.fault("entry %d is missing", r.Last.Seq+1)
	}
	if !bytes.Equal(d.Chained(c.hash), d.Hash) {
		c.fault("entry %d was changed, or one before it", d.Seq)
	}
	if s, ok := c.seals[d.Seq]; ok && !bytes.Equal(s.Hash, d.Hash) {
		c.fault("entry %d is not the one that was sealed", d.Seq)
	}
	if d.Seq > c.sealed {
		r.Unsealed++
	}
	c.hash, r.Last = d.Hash, d
}

func (c *auditCheck) end() {
	if c.report.Last.Seq < c.sealed {
		c.fault("entries after %d are missing: a seal covers entry %d", c.report.Last.Seq, c.sealed)
	}
}

// fault keeps the first thing that is wrong: what follows from it would hide it.
func (c *auditCheck) fault(format string, args ...any) {
	if c.report.Fault == "" {
		c.report.Fault = fmt.Sprintf(format, args...)
	}
}
