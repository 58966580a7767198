package links

import (
	"errors"
	"testing"
	"time"

	"postern/engine"
)

func TestLiveness(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	link := engine.Link{NotBefore: now.Add(-time.Hour), Expires: now.Add(time.Hour), MaxUses: 2}
	tests := map[string]struct {
		change func(*engine.Link)
		want   error
	}{
		"as it was made":            {func(*engine.Link) {}, nil},
		"from its first moment on":  {func(l *engine.Link) { l.NotBefore = now }, nil},
		"not a moment sooner":       {func(l *engine.Link) { l.NotBefore = now.Add(1) }, ErrNoLink},
		"to its last moment":        {func(l *engine.Link) { l.Expires = now.Add(1) }, nil},
		"and not a moment longer":   {func(l *engine.Link) { l.Expires = now }, ErrExpired},
		"the last use":              {func(l *engine.Link) { l.Uses = 1 }, nil},
		"used up":                   {func(l *engine.Link) { l.Uses = 2 }, ErrUsed},
		"only to look":              {func(l *engine.Link) { l.MaxUses = 0 }, nil},
		"revoked":                   {func(l *engine.Link) { l.Revoked = now }, ErrRevoked},
		"revoked says it before it": {func(l *engine.Link) { l.Revoked, l.Expires = now, now }, ErrRevoked},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := link
			test.change(&l)
			if err := Live(l, now); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}
