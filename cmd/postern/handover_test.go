package main

import (
	"strings"
	"testing"

	"postern/engine"
)

// A statement signed by a short secret could be forged by trying: the start refuses it, not the visitor's click.
func TestSecretsThatSignAreLongEnough(t *testing.T) {
	t.Setenv("SHORT", strings.Repeat("s", 31))
	t.Setenv("LONG", strings.Repeat("l", 32))
	c := config{Secrets: map[string]engine.Secret{"short": {Env: "SHORT"}, "long": {Env: "LONG"}}}
	book := &engine.Book{Landings: map[string]*engine.Landing{"plain": {}, "shop": {HandOver: &engine.HandOver{Secret: "long"}}}}
	if err := c.checkHandOvers(book); err != nil {
		t.Errorf("32 bytes: %v", err)
	}
	book.Landings["shop"].HandOver.Secret = "short"
	err := c.checkHandOvers(book)
	const want = "secrets: short: landing shop signs with it, so it needs at least 32 bytes; it has 31"
	if err == nil || err.Error() != want {
		t.Errorf("31 bytes: %v, want %s", err, want)
	}
}
