package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"postern/engine"
)

// ReturnPath makes the address that a letter's bounces come back to, one for each delivery (VERP):
// b+<delivery>.<proof>@bounces.acme.example. The proof keeps others from reporting on deliveries that they have seen no
// letter of; whoever got a letter has its address and can say anything about that one. The zero value makes none.
type ReturnPath struct {
	Domain string // which bounces come to
	Key    []byte // 32 bytes, the same after every start
}

// proofChars are 80 bits in base32; with them the local part has 55 characters of the 64 it may have.
const proofChars = 16

var proofCode = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Address is where the bounces of a delivery come to.
func (r ReturnPath) Address(delivery engine.ID) string {
	return "b+" + delivery.String() + "." + r.proof(delivery) + "@" + r.Domain
}

// Delivery is whose bounces come to an address; false if it is none that Address made. Case is no matter, since mail
// servers may change it.
func (r ReturnPath) Delivery(address string) (engine.ID, bool) {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	name, proof, _ := strings.Cut(strings.TrimPrefix(local, "b+"), ".")
	delivery, err := engine.ParseID(name)
	right := hmac.Equal([]byte(proof), []byte(r.proof(delivery)))
	return delivery, right && err == nil && domain == strings.ToLower(r.Domain) && strings.HasPrefix(local, "b+")
}

func (r ReturnPath) proof(delivery engine.ID) string {
	mac := hmac.New(sha256.New, r.Key)
	mac.Write(delivery[:])
	return proofCode.EncodeToString(mac.Sum(nil))[:proofChars]
}
