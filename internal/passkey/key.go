package passkey

import (
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// kept is Key.Public: what later answers are checked against.
type kept struct {
	Key        []byte                            `json:"key"` // COSE
	Flags      webauthn.CredentialFlags          `json:"flags"`
	Transports []protocol.AuthenticatorTransport `json:"transports,omitempty"`
	AAGUID     []byte                            `json:"aaguid,omitempty"` // which make of device
	Attachment protocol.AuthenticatorAttachment  `json:"attachment,omitempty"`
}

func keyOf(c *webauthn.Credential) (Key, error) {
	public, err := json.Marshal(kept{
		Key: c.PublicKey, Flags: c.Flags, Transports: c.Transport, AAGUID: c.Authenticator.AAGUID,
		Attachment: c.Authenticator.Attachment,
	})
	if err != nil {
		return Key{}, fmt.Errorf("write passkey: %w", err)
	}
	return Key{Credential: c.ID, Public: public, Signs: c.Authenticator.SignCount}, nil
}

// user is a Holder as the library wants one.
type user struct {
	holder      Holder
	credentials []webauthn.Credential
}

func userOf(holder Holder) (user, error) {
	u := user{holder: holder}
	for _, key := range holder.Keys {
		var k kept
		if err := json.Unmarshal(key.Public, &k); err != nil {
			return user{}, fmt.Errorf("read passkey: %w", err)
		}
		u.credentials = append(u.credentials, webauthn.Credential{
			ID: key.Credential, PublicKey: k.Key, Transport: k.Transports, Flags: k.Flags,
			Authenticator: webauthn.Authenticator{
				AAGUID: k.AAGUID, SignCount: key.Signs, Attachment: k.Attachment,
			},
		})
	}
	return u, nil
}

func (u user) WebAuthnID() []byte                         { return u.holder.Handle }
func (u user) WebAuthnName() string                       { return u.holder.Name }
func (u user) WebAuthnDisplayName() string                { return u.holder.Name }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

func (u user) descriptors() (all []protocol.CredentialDescriptor) {
	for _, c := range u.credentials {
		all = append(all, c.Descriptor())
	}
	return all
}
