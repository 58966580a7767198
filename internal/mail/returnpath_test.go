package mail

import (
	"strings"
	"testing"

	"postern/engine"
)

func returnPath() ReturnPath {
	return ReturnPath{Domain: "bounces.acme.example", Key: []byte(strings.Repeat("k", 32))}
}

func TestReturnPathNamesItsDelivery(t *testing.T) {
	path, delivery := returnPath(), message().Delivery
	address := path.Address(delivery)
	local, _, _ := strings.Cut(address, "@")
	if _, err := ParseAddress(address); err != nil || len(local) > 64 || address != path.Address(delivery) {
		t.Errorf("%s is no good: %v", address, err)
	}
	for _, shown := range []string{address, strings.ToUpper(address)} {
		if got, ok := path.Delivery(shown); !ok || got != delivery {
			t.Errorf("%s is of %s, %v", shown, got, ok)
		}
	}
	other := path.Address(engine.DerivedID(delivery, "other"))
	_, proof, _ := strings.Cut(other, ".")
	for _, wrong := range []string{
		"", "@", "postmaster@bounces.acme.example", strings.Replace(address, "b+", "", 1),
		strings.Replace(address, "b+", "c+", 1), strings.Replace(address, "@bounces.", "@", 1),
		local[:len(local)-1] + "@bounces.acme.example", address[:strings.IndexByte(address, '.')] + "." + proof,
		local, "b+.@bounces.acme.example",
	} {
		if got, ok := path.Delivery(wrong); ok {
			t.Errorf("%q is taken for %s", wrong, got)
		}
	}
}

func TestLetterLeavesFromItsReturnPath(t *testing.T) {
	head, path := letterhead, returnPath()
	head.Bounces = &path
	l, err := head.Write(message())
	if err != nil {
		t.Fatal(err)
	}
	if l.From != path.Address(message().Delivery) || strings.Contains(string(l.Raw), "bounces.") {
		t.Errorf("leaves from %s with\n%s", l.From, l.Raw)
	}
}
