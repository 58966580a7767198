package corebostest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// How long tokens and sessions live, by default.
const (
	tokenLife   = 2 * time.Hour
	sessionIdle = 30 * time.Minute
	sessionLife = 24 * time.Hour
)

type token struct {
	text    string
	expires time.Time
}

type session struct {
	user   User
	opened time.Time
	used   time.Time
}

// challenge hands out a token. Within its life the same one goes to everybody who asks for a user.
func (p *Player) challenge(name string) reply {
	if p.named(name) == nil {
		return refuse("AUTHENTICATION_REQUIRED", "Given user cannot be found: "+name)
	}
	now := p.now()
	t, there := p.tokens[name]
	var expires any
	if there && now.Before(t.expires) {
		expires = fmt.Sprint(t.expires.Unix()) // a text from the second time on
	} else {
		t = token{text: fmt.Sprintf("%08x%05x", now.Unix(), len(p.tokens)), expires: now.Add(tokenLife)}
		p.tokens[name], expires = t, t.expires.Unix()
	}
	return result(map[string]any{"token": t.text, "serverTime": now.Unix(), "expireTime": expires})
}

// login opens a session for md5(token + access key), or for the token followed by the password.
func (p *Player) login(name, key string) reply {
	user := p.named(name)
	if user == nil {
		return refuse("AUTHENTICATION_REQUIRED", "Given user cannot be found")
	}
	now := p.now()
	t, there := p.tokens[name]
	if !there || !now.Before(t.expires) {
		return refuse("INVALID_AUTH_TOKEN", "Specified token is invalid or expired")
	}
	sum := md5.Sum([]byte(t.text + user.AccessKey))
	if key != hex.EncodeToString(sum[:]) && key != t.text+user.Password {
		return refuse("INVALID_USER_CREDENTIALS", "Invalid username or password")
	}
	p.opened++
	session := &session{user: *user, opened: now, used: now}
	sessionName := fmt.Sprintf("s%025d", p.opened)
	p.sessions[sessionName] = session
	return result(map[string]string{
		"sessionName": sessionName, "userId": user.ID, "version": "0.22", "vtigerVersion": "5.5.0",
	})
}

// signedIn is the user of a session, which every call prolongs; nil if it ended.
func (p *Player) signedIn(name string) *User {
	s := p.sessions[name]
	if s == nil {
		return nil
	}
	now := p.now()
	if now.Sub(s.used) > sessionIdle || now.Sub(s.opened) > sessionLife {
		delete(p.sessions, name)
		return nil
	}
	s.used = now
	return &s.user
}

// EndSessions ends all sessions, as time or a restart of the CRM does.
func (p *Player) EndSessions() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.sessions)
}

func (p *Player) named(name string) *User {
	i := slices.IndexFunc(p.users, func(u User) bool { return u.Name == name })
	if i < 0 {
		return nil
	}
	return &p.users[i]
}
