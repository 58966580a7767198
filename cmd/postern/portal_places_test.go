package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"postern/internal/totp"
	"postern/portal"
	portalhouse "postern/portal/portaltest/house"
)

// The places where a secret is taken, each with whether a text or bytes open it.

func (h *robbed) isSession(text string) bool {
	r := httptest.NewRequestWithContext(h.T.Context(), http.MethodGet, restPath+"session", nil)
	r.Header.Set("Authorization", "Bearer "+text)
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Code == http.StatusOK
}

func (h *robbed) isSessionCookie(text string) bool {
	return h.shows("ps-customers", text, "/portal/customers/records/HelpDesk")
}

// isVisitor tells whether a text is the cookie of who is on the ticket's page.
func (h *robbed) isVisitor(text string) bool { return h.shows("postern", text, h.ticket) }

// isPassage tells whether it is that of who is on the page to choose a password.
func (h *robbed) isPassage(text string) bool { return h.shows("postern", text, h.choosing) }

// shows tells whether a page opens to a browser with a cookie.
func (h *robbed) shows(cookie, value, path string) bool {
	r := httptest.NewRequestWithContext(h.T.Context(), http.MethodGet, path, nil)
	r.Host = "localhost:8080"
	r.Header.Set("Cookie", cookie+"="+value)
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Code == http.StatusOK
}

func (h *robbed) isLink(text string) bool {
	path := "/l/" + url.PathEscape(strings.TrimPrefix(text, "/l/"))
	return path != "/l/" && h.browser().send(http.MethodGet, path, nil).Code == http.StatusOK
}

func (h *robbed) isDevice(text string) bool {
	sum := sha256.Sum256([]byte(text))
	device, err := h.Store.Device(h.T.Context(), portalhouse.Customers, sum[:])
	if err != nil {
		h.T.Fatal(err)
	}
	return !device.ID.IsZero()
}

func (h *robbed) isPassword(text string) bool {
	_, ok := h.signsIn(text)
	return ok
}

func (h *robbed) isAppKey(text string) bool {
	right := func(secret string) bool { return secret == text }
	_, err := h.Gate.AppKey(h.T.Context(), portalhouse.Customers, "robot", right, portal.Caller{})
	return err == nil
}

func (h *robbed) isPending(text string) bool {
	_, err := h.Gate.Owed(h.T.Context(), portalhouse.Customers, text)
	return err == nil
}

// isRecoveryCode tells whether a text takes Bob's second step. One that does is used up.
func (h *robbed) isRecoveryCode(text string) bool {
	proof := portal.SecondProof{Code: text}
	_, err := h.Gate.Second(h.T.Context(), portalhouse.Customers, h.truths.pending, proof, portal.Caller{})
	if err != nil {
		return false
	}
	h.truths.pending, h.truths.recovery = h.bobBegins(), h.truths.recovery[1:]
	return true
}

// isAuthenticator tells whether codes made of a secret are Bob's: at two times, since any code is right now and then.
func (h *robbed) isAuthenticator(secret []byte) bool {
	proofs := h.Gate.Proofs(portal.Cookies{})
	for range 2 {
		code := totp.Code(secret, totp.Step(h.Clock.Now()))
		ok, err := proofs.ProveCode(h.T.Context(), portalhouse.Customers, portalhouse.Bob, code, false)
		if err != nil {
			h.T.Fatal(err)
		}
		if !ok {
			return false
		}
		h.Advance(2 * totp.Period)
	}
	return true
}

// isClientKey tells whether bytes are the key by which a client proves Ana's password (RFC 5802, section 3).
func (h *robbed) isClientKey(key []byte) bool {
	ctx, name, nonce := h.T.Context(), h.name(portalhouse.Ana), strings.Repeat("n", 24)
	c, err := h.Gate.Challenge(ctx, portalhouse.Customers, name, nonce, portal.Caller{})
	if err != nil {
		h.T.Fatal(err)
	}
	message := fmt.Sprintf("n=%s,r=%s,r=%s,s=%s,i=%d,c=biws,r=%[3]s", name, nonce, c.Nonce,
		base64.StdEncoding.EncodeToString(c.Salt), c.Rounds)
	stored := sha256.Sum256(key)
	proof := mac(stored[:], message)
	subtle.XORBytes(proof, proof, key)
	_, err = h.Gate.Login(ctx, portalhouse.Customers, portal.Proof{Nonce: c.Nonce, Proof: proof}, portal.Caller{})
	return err == nil
}

func mac(key []byte, text string) []byte {
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte(text))
	return sum.Sum(nil)
}
