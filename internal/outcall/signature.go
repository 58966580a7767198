package outcall

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// signature is what a request is signed with: HTTP Message Signatures, RFC 9421, by the algorithm hmac-sha256.
type signature struct {
	key []byte
	id  string // that the receiver knows the key by; "" to name none
	at  time.Time
}

// signatureLabel names our signature among those that a request may carry.
const signatureLabel = "postern"

// sign adds Content-Digest (RFC 9530) where there is a body, Signature-Input and Signature.
func sign(request *http.Request, body []byte, with signature) {
	covered := []string{"@method", "@authority", "@path", "@query"}
	if len(body) > 0 {
		digest := sha256.Sum256(body)
		request.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest[:])+":")
		covered = append(covered, "content-digest")
	}
	for _, name := range []string{"content-type", "idempotency-key"} {
		if request.Header.Get(name) != "" {
			covered = append(covered, name)
		}
	}
	params := with.params(covered)
	mac := hmac.New(sha256.New, with.key)
	mac.Write([]byte(signatureBase(request, covered, params)))
	request.Header.Set("Signature-Input", signatureLabel+"="+params)
	request.Header.Set("Signature", signatureLabel+"=:"+base64.StdEncoding.EncodeToString(mac.Sum(nil))+":")
}

// params are the covered parts and what a verifier needs to know, as a structured field.
func (s signature) params(covered []string) string {
	text := fmt.Sprintf(`("%s");created=%d`, strings.Join(covered, `" "`), s.at.Unix())
	if s.id != "" {
		text += fmt.Sprintf(`;keyid="%s"`, s.id)
	}
	return text + `;alg="hmac-sha256"`
}

// signatureBase is what is signed: a line for each covered part, by section 2.5 of the RFC.
func signatureBase(request *http.Request, covered []string, params string) string {
	var b strings.Builder
	for _, name := range covered {
		fmt.Fprintf(&b, "\"%s\": %s\n", name, component(request, name))
	}
	b.WriteString(`"@signature-params": ` + params)
	return b.String()
}

// component is the value of a part of a request, by section 2.2 of the RFC.
func component(request *http.Request, name string) string {
	switch name {
	case "@method":
		return request.Method
	case "@authority":
		port := map[string]string{"https": ":443", "http": ":80"}[request.URL.Scheme]
		return strings.TrimSuffix(strings.ToLower(request.URL.Host), port)
	case "@path":
		if path := request.URL.EscapedPath(); path != "" {
			return path
		}
		return "/"
	case "@query":
		return "?" + request.URL.RawQuery
	}
	return strings.TrimSpace(strings.Join(request.Header.Values(name), ", "))
}
