package webpushtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func decode(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }

// decrypt reads a message of one record: RFC 8188, with the keys of RFC 8291.
func (b *Browser) decrypt(body []byte) ([]byte, error) {
	const head = 16 + 4 + 1 + 65
	if len(body) < head || body[20] != 65 {
		return nil, errors.New("there is no header with a public key")
	}
	salt, size, public, sealed := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:head], body[head:]
	if int(size) < len(sealed) {
		return nil, fmt.Errorf("%d bytes in records of %d", len(sealed), size)
	}
	sender, err := ecdh.P256().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	shared, err := b.key.ECDH(sender)
	if err != nil {
		return nil, err
	}
	info := "WebPush: info\x00" + string(b.key.PublicKey().Bytes()) + string(public)
	ikm, err := hkdf.Key(sha256.New, shared, b.auth, info, 32)
	if err != nil {
		return nil, err
	}
	key, errKey := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, errNonce := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err := errors.Join(errKey, errNonce); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	padded, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, err
	}
	payload, ok := bytes.CutSuffix(bytes.TrimRight(padded, "\x00"), []byte{2})
	if !ok {
		return nil, errors.New("the record does not end as the last one does")
	}
	return payload, nil
}

// proven reads who sends, and by which key, out of a header such as "vapid t=…, k=…".
func proven(header, origin string) (subject, key string, err error) {
	rest, ok := strings.CutPrefix(header, "vapid t=")
	token, key, both := strings.Cut(rest, ", k=")
	parts := strings.Split(token, ".")
	if !ok || !both || len(parts) != 3 {
		return "", "", errors.New("the header is not vapid t=…, k=…")
	}
	var head struct{ Alg, Typ string }
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if err := errors.Join(unmarshal(parts[0], &head), unmarshal(parts[1], &claims)); err != nil {
		return "", "", err
	}
	left := time.Until(time.Unix(claims.Exp, 0))
	switch {
	case head.Alg != "ES256":
		return "", "", fmt.Errorf("the token is signed by %s", head.Alg)
	case claims.Aud != origin:
		return "", "", fmt.Errorf("the token is for %s", claims.Aud)
	case left <= 0 || left > 24*time.Hour:
		return "", "", fmt.Errorf("the token holds for %v", left)
	case !strings.HasPrefix(claims.Sub, "mailto:") && !strings.HasPrefix(claims.Sub, "https://"),
		strings.HasPrefix(claims.Sub, "mailto:mailto:"):
		return "", "", fmt.Errorf("the sender is %q", claims.Sub)
	}
	return claims.Sub, key, verify(parts, key)
}

func unmarshal(part string, into any) error {
	data, err := decode(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

func verify(parts []string, key string) error {
	public, errKey := decode(key)
	signature, errSignature := decode(parts[2])
	if err := errors.Join(errKey, errSignature); err != nil {
		return err
	}
	if len(signature) != 64 {
		return errors.New("the signature has another length")
	}
	point, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(point, hash[:], r, s) {
		return errors.New("the signature is not by that key")
	}
	return nil
}
