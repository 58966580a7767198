package facade

import (
	"encoding/base64"
	"io"
	"net/netip"
	"strings"
	"time"

	"postern/portal"
)

// What clients of coreBOS are told of the version they speak to.
const (
	serviceVersion = "0.22"
	vtigerVersion  = "5.5.0"
)

// challenge begins a sign-in. With cnonce it is that of SCRAM-SHA-256, to which the password never has to be sent.
// Without, it is a token of coreBOS, for the modes that somebody has switched on.
func (f *Facade) challenge(c *call, _ portal.Viewer) (answer, error) {
	name := c.value("username")
	if nonce := c.value("cnonce"); nonce != "" {
		ch, err := f.with.Gate.Challenge(c.context(), c.portal.Name, name, nonce, c.caller)
		if err != nil {
			return answer{}, err
		}
		return answer{result: row{}.with("token", ch.Nonce).with("serverTime", ch.Made.Unix()).
			with("expireTime", ch.Expires.Unix()).with("salt", base64.StdEncoding.EncodeToString(ch.Salt)).
			with("i", ch.Rounds).with("mech", ch.Mech)}, nil
	}
	if !f.with.Plaintext && !f.with.AppKeys {
		return answer{}, fault(codeFailure, "this service signs in by SCRAM-SHA-256: send cnonce, a random text "+
			"of 24 to 128 characters, with getchallenge, and the proof as the password of loginPortal")
	}
	if err := f.with.Gate.Try(c.caller); err != nil {
		return answer{}, err
	}
	now := f.with.Clock.Now()
	expires := now.Add(portal.ChallengeLife)
	token, err := f.token(c, name, expires)
	if err != nil {
		return answer{}, err
	}
	return answer{result: row{}.with("token", token).with("serverTime", now.Unix()).
		with("expireTime", expires.Unix())}, nil
}

// loginPortal signs a subject in.
func (f *Facade) loginPortal(c *call, _ portal.Viewer) (answer, error) {
	subject := c.portal.Subject.Module.Name
	if entity := c.value("entity"); entity != "" && !strings.HasPrefix(subject, entity) { // Employee means Employees
		return answer{}, fault(codeCredentials, "this portal signs in "+subject+" alone: "+
			"each kind of people has a portal of its own, with its own address")
	}
	in, err := f.signIn(c, c.value("password"))
	if err != nil {
		return answer{}, err
	}
	v, err := f.with.Gate.Viewer(c.context(), c.portal.Name, in.Token)
	if err != nil {
		return answer{}, err
	}
	ref := v.Ref().ID
	// The names of the documentation stand inside user, those that ws-lib reads beside it.
	user := row{}.with("id", ref).with("user_name", c.value("username")).with("contactid", ref).
		with("language", v.Language)
	result := row{}.with("sessionName", in.Token).with("user", user).with("userId", ref).with("entityid", ref).
		with("language", v.Language).with("expireTime", f.ends(v).Unix())
	if len(in.Server) > 0 {
		result = result.with("serverSignature", base64.StdEncoding.EncodeToString(in.Server))
	}
	return answer{result: result}, nil
}

// login is the sign-in of coreBOS's own users, by which clients send token and password in a POST. Here it signs
// in a subject of the portal too.
func (f *Facade) login(c *call, _ portal.Viewer) (answer, error) {
	in, err := f.signIn(c, c.value("accesskey"))
	if err != nil {
		return answer{}, err
	}
	v, err := f.with.Gate.Viewer(c.context(), c.portal.Name, in.Token)
	if err != nil {
		return answer{}, err
	}
	return answer{result: f.session(in.Token, v)}, nil
}

// session is what coreBOS answers of a session that begins or goes on.
func (f *Facade) session(token string, v portal.Viewer) row {
	return row{}.with("sessionName", token).with("userId", v.Ref().ID).with("version", serviceVersion).
		with("vtigerVersion", vtigerVersion).with("expireTime", f.ends(v).Unix())
}

// ends is when a session ends if no further request comes.
func (f *Facade) ends(v portal.Viewer) time.Time {
	idle, most := v.Now.Add(v.Portal.SignIn.Idle), v.Session.Began.Add(v.Portal.SignIn.Most)
	if idle.Before(most) {
		return idle
	}
	return most
}

// extend puts off the end of the session.
func (f *Facade) extend(c *call, _ portal.Viewer) (answer, error) {
	v, err := f.with.Gate.Extend(c.context(), c.portal.Name, c.session())
	if err != nil {
		return answer{}, err
	}
	return answer{result: f.session(c.session(), v)}, nil
}

func (f *Facade) logout(c *call, _ portal.Viewer) (answer, error) {
	if err := f.with.Gate.Logout(c.context(), c.portal.Name, c.session()); err != nil {
		return answer{}, err
	}
	return answer{result: row{}.with("message", "successfull")}, nil //nolint:misspell // as coreBOS spells it
}

// private tells whether nobody between the client and us can read along: the connection is encrypted, or it comes from
// this machine or by a proxy that is believed, where our own address begins with https.
func (f *Facade) private(c *call) bool {
	r := c.request
	if r.TLS != nil {
		return true
	}
	if forwarded := r.Header.Get("X-Forwarded-Proto"); forwarded != "" && !strings.EqualFold(forwarded, "https") {
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	address := peer.Addr().Unmap()
	return address.IsLoopback() || (f.with.Secure && f.with.Proxied(address))
}

// token makes a token of coreBOS's form for a name. It is kept for a minute and taken once.
func (f *Facade) token(c *call, name string, expires time.Time) (string, error) {
	random := make([]byte, tokenBytes)
	if _, err := io.ReadFull(f.with.Random, random); err != nil {
		return "", err
	}
	token := base32Lower.EncodeToString(random)
	err := f.with.Tokens.KeepChallenge(c.context(), tokenDigest(c.portal.Name, token), nameDigest(c.portal.Name, name),
		expires)
	return token, err
}
