package facade

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"

	"postern/portal"
)

// A token of the façade's own has 160 bits, as 32 characters that need no encoding anywhere.
const (
	tokenBytes = 20
	tokenChars = 32
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// digestForm is a digest as clients write it: md5, sha256 or sha512.
var digestForm = regexp.MustCompile(`^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})$`)

// How clients prove who they are, by the length of a digest.
const (
	md5Chars    = 32
	sha512Chars = 128
)

// signIn lets in who sends the right proof. What it is shows by its form:
//
//   - the proof of SCRAM-SHA-256 comes with the token it answers, and has 32 bytes in base64;
//   - a password comes right behind its token;
//   - all other modes of coreBOS send a digest of token and password, of which the server would have to know the
//     password to check it. They are refused, but for the digests of app keys, which come with their token.
//
// What is refused for its form alone is refused before anybody looks who it is.
func (f *Facade) signIn(c *call, proof string) (portal.SignedIn, error) {
	name, token := c.value("username"), c.value("token")
	var in portal.SignedIn
	var err error
	switch raw, scram := scramProof(proof); {
	case digestForm.MatchString(proof):
		in, err = f.answered(c, func() (portal.SignedIn, error) { return f.byDigest(c, name, token, proof) })
	case scram && token != "":
		in, err = f.with.Gate.Login(c.context(), c.portal.Name, portal.Proof{Nonce: token, Proof: raw}, c.caller)
	default:
		in, err = f.answered(c, func() (portal.SignedIn, error) { return f.byPassword(c, name, proof) })
	}
	if err != nil {
		return portal.SignedIn{}, err
	}
	if in.Token == "" {
		return portal.SignedIn{}, fault(codeFailure, "a second step is needed to sign in, which this "+
			"service does not have: sign in on the page of the portal")
	}
	return in, nil
}

// answered takes back that a token of the façade's own was counted as a try, where it was answered rightly.
func (f *Facade) answered(c *call, prove func() (portal.SignedIn, error)) (portal.SignedIn, error) {
	in, err := prove()
	if err == nil {
		f.with.Gate.TakeBack(c.caller, 1)
	}
	return in, err
}

// scramProof reads a proof of SCRAM-SHA-256.
func scramProof(text string) ([]byte, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	return raw, err == nil && len(raw) == sha256.Size
}

// byPassword checks a password that came behind its token. The token is used up whatever comes of it.
func (f *Facade) byPassword(c *call, name, proof string) (portal.SignedIn, error) {
	switch {
	case !f.with.Plaintext:
		return portal.SignedIn{}, fault(codeFailure, "passwords are not taken here: sign in by SCRAM-SHA-256 "+
			"(send cnonce with getchallenge), or have web.portal.facade.plaintext switched on")
	case !f.private(c):
		return portal.SignedIn{}, fault(codeFailure, "a password is taken by https alone")
	case len(proof) < tokenChars:
		return portal.SignedIn{}, portal.ErrRefused
	}
	if err := f.use(c, name, proof[:tokenChars]); err != nil {
		return portal.SignedIn{}, err
	}
	return f.with.Gate.Password(c.context(), c.portal.Name, name, proof[tokenChars:], c.caller)
}

// byDigest checks the digest of a token and an app key.
func (f *Facade) byDigest(c *call, name, token, proof string) (portal.SignedIn, error) {
	switch {
	case len(proof) == md5Chars:
		return portal.SignedIn{}, fault(codeFailure, "md5 is not taken: sign in by SCRAM-SHA-256 (send cnonce with "+
			"getchallenge); a program may have an app key, with sha256 or sha512")
	case !f.with.AppKeys:
		return portal.SignedIn{}, fault(codeFailure, "a digest of a password cannot be checked without keeping "+
			"the password: sign in by SCRAM-SHA-256 (send cnonce with getchallenge); for a program have "+
			"web.portal.facade.app_keys switched on")
	case token == "":
		return portal.SignedIn{}, fault(codeFailure, "send the token beside the digest, as token")
	}
	if err := f.use(c, name, token); err != nil {
		return portal.SignedIn{}, err
	}
	given := []byte(strings.ToLower(proof))
	right := func(secret string) bool {
		return subtle.ConstantTimeCompare(given, []byte(digestOf(token+secret, len(given)))) == 1
	}
	return f.with.Gate.AppKey(c.context(), c.portal.Name, name, right, c.caller)
}

func digestOf(text string, chars int) string {
	if chars == sha512Chars {
		sum := sha512.Sum512([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// use takes a token of the façade's own, which was made for the name.
func (f *Facade) use(c *call, name, token string) error {
	madeFor, err := f.with.Tokens.TakeChallenge(c.context(), tokenDigest(c.portal.Name, token), f.with.Clock.Now())
	if errors.Is(err, portal.ErrRefused) || (err == nil && !bytes.Equal(madeFor, nameDigest(c.portal.Name, name))) {
		if err := f.with.Gate.Try(c.caller); err != nil {
			return err
		}
		return fault(codeToken, "Specified token is invalid or expired")
	}
	return err
}

// tokenDigest is what a token is kept by: nobody can read one from the store.
func tokenDigest(portal, token string) []byte { return digest("portal-facade/token", portal, token) }

// nameDigest is what a token was made for.
func nameDigest(portal, name string) []byte { return digest("portal-facade/name", portal, name) }

func digest(parts ...string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return sum[:]
}
