package outcall

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"
)

// The example of section B.2.5 of RFC 9421.
func TestSignatureOfTheRFC(t *testing.T) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/foo?param=Value&Pet=dog", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Date", "Tue, 20 Apr 2021 02:07:55 GMT")
	request.Header.Set("Content-Type", "application/json")
	base := signatureBase(request, []string{"date", "@authority", "content-type"},
		`("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`)
	key, err := base64.StdEncoding.DecodeString(
		"uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(base))
	const want = "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="
	if got := base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("%s, want %s; of\n%s", got, want, base)
	}
}
