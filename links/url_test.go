package links

import (
	"testing"

	"postern/internal/pages"
)

func TestLinksAreShort(t *testing.T) {
	base, err := pages.ParseBase("https://go.acme.example")
	if length := URLLength(base); err != nil || length != 53 || length > MaxURL {
		t.Errorf("a link is %d characters long, %v", length, err)
	}
}
