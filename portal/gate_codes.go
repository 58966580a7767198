package portal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"

	"postern/engine"
	"postern/internal/totp"
)

// recoveryBytes are what a recovery code is made of: 50 bits of them, so that none is ever guessed.
const (
	recoveryBytes = 7
	recoveryChars = 10
)

// recoveryLetters leaves away what is read wrongly: 0 and o, 1, i and l, and u.
var recoveryLetters = base32.NewEncoding("23456789abcdefghjkmnpqrstvwxyz+-").WithPadding(base32.NoPadding)

// codeProved judges the code of an authenticator, or a recovery code; ErrWrong where it is neither.
func (g *Gate) codeProved(ctx context.Context, who person, typed string) error {
	code := plainCode(typed)
	switch {
	case len(code) == totp.Digits && strings.Trim(code, "0123456789") == "":
		return g.totpProved(ctx, who.holder(), code, false)
	case len(code) == recoveryChars:
		return g.recoveryProved(ctx, who, code)
	}
	return ErrWrong
}

// plainCode is what somebody typed, without what only makes it easier to read.
func plainCode(typed string) string {
	if len(typed) > 100 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.\t\u00a0\u2009\u202f", r) {
			return -1
		}
		return r
	}, strings.ToLower(strings.TrimSpace(typed)))
}

// totpProved judges the code of a holder's authenticator, and uses it up. again says that the code that was accepted
// last is right once more.
func (g *Gate) totpProved(ctx context.Context, holder Holder, code string, again bool) error {
	enrolled, err := g.with.Store.Enrolled(ctx, holder)
	if err != nil {
		return err
	}
	if enrolled.Authenticator == nil {
		return ErrWrong
	}
	secret, err := g.with.Sealer.Open(secretPurpose(holder), enrolled.Authenticator.Secret)
	if err != nil {
		return fmt.Errorf("read the authenticator of %s: %w", holder.Subject, err)
	}
	last := totp.Code(secret, enrolled.Authenticator.Step)
	if again && subtle.ConstantTimeCompare([]byte(last), []byte(code)) == 1 {
		return nil
	}
	step, ok := totp.Match(secret, code, enrolled.Authenticator.Step, g.with.Clock.Now())
	if !ok {
		return ErrWrong
	}
	err = g.with.Store.AcceptCode(ctx, holder, step)
	if errors.Is(err, ErrFactorUsed) || errors.Is(err, ErrNoFactor) { // another request was faster
		return ErrWrong
	}
	return err
}

// secretPurpose is what the secret of a holder's authenticator is sealed for: it opens for nobody else.
func secretPurpose(holder Holder) string {
	return "portal-authenticator/" + holder.Portal + "/" + holder.Subject.String()
}

// recoveryProved judges a recovery code, and uses it up. Its holder is told.
func (g *Gate) recoveryProved(ctx context.Context, who person, code string) error {
	told, err := g.factorTold(who, factorRecovery, changeUsed)
	if err != nil {
		return err
	}
	err = g.with.Store.SpendRecoveryCode(ctx, who.holder(), g.recoveryHash(who.holder(), code), told)
	if errors.Is(err, ErrNoFactor) {
		return ErrWrong
	}
	return err
}

// newRecoveryCodes makes codes as they are shown, once, and as they are kept.
func (g *Gate) newRecoveryCodes(holder Holder) (shown []string, hashes [][]byte, err error) {
	for range RecoveryCodes {
		code, err := g.recoveryCode()
		if err != nil {
			return nil, nil, err
		}
		shown = append(shown, code[:recoveryChars/2]+"-"+code[recoveryChars/2:])
		hashes = append(hashes, g.recoveryHash(holder, code))
	}
	return shown, hashes, nil
}

// recoveryCode makes one. Two of the letters of base32 stand for none that people can type: it is made anew then.
func (g *Gate) recoveryCode() (string, error) {
	bits := make([]byte, recoveryBytes)
	for {
		if _, err := io.ReadFull(g.with.Random, bits); err != nil {
			return "", fmt.Errorf("make a recovery code: %w", err)
		}
		if code := recoveryLetters.EncodeToString(bits)[:recoveryChars]; !strings.ContainsAny(code, "+-") {
			return code, nil
		}
	}
}

// recoveryHash is a recovery code as it is kept: without the key, which is not in the store, nobody can try them.
func (g *Gate) recoveryHash(holder Holder, code string) []byte {
	mac := hmac.New(sha256.New, g.with.Names)
	_, _ = fmt.Fprintf(mac, "recovery\x00%s\x00%s\x00%s", holder.Portal, holder.Subject, code)
	return mac.Sum(nil)
}

// What events and deeds say of factors.
const (
	factorPasskey       = "passkey"
	factorAuthenticator = "authenticator"
	factorRecovery      = "recovery codes"
	factorAll           = "all" // an operator has removed them

	changeAdded   = "added"
	changeRemoved = "removed"
	changeMade    = "made"
	changeUsed    = "used"
)

// factorTold is what is stored with a change of somebody's factors by themselves.
func (g *Gate) factorTold(who person, factor, change string) (Told, error) {
	now, holder := g.with.Clock.Now(), who.holder()
	event, err := g.event(engine.PortalFactorSet, who, now, "", map[string]any{"factor": factor, "change": change})
	return Told{Event: event, Deed: engine.Deed{
		At: now, Kind: engine.DeedPortalFactorSet, Actor: engine.PortalActor + holder.Subject.String(),
		Subject: holder.Subject.String(), Detail: "portal " + holder.Portal + ": " + factor + " " + change,
	}}, err
}
