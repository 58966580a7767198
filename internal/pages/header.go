package pages

import (
	"net/http"
	"strings"
)

// Policy is what a page may do besides loading what is ours and sending its forms to us.
type Policy struct {
	Scripts bool     // it runs scripts of ours
	Hosts   []string // that its forms may lead on to
}

// Protect sets the headers that every answer carries. Referrer-Policy is same-origin and not stricter because
// without it browsers send "Origin: null" with forms, which the check of origins has to refuse.
func Protect(h http.Header, secure bool) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", Policy{}.String())
	// A page that opened this one, or shows it in a frame, must not reach into it.
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// String is the policy as the header Content-Security-Policy has it.
func (p Policy) String() string {
	load := "default-src 'none'; style-src 'self'; img-src 'self'; "
	if p.Scripts {
		load += "script-src 'self'; connect-src 'self'; "
	}
	forms := []string{"'self'"}
	for _, host := range p.Hosts {
		forms = append(forms, "https://"+host)
	}
	return load + "form-action " + strings.Join(forms, " ") + "; base-uri 'none'; frame-ancestors 'none'"
}
