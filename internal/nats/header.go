package nats

import (
	"strings"

	natsgo "github.com/nats-io/nats.go"

	"postern/engine"
)

// headerOf reads headers whatever their case: NATS keeps the names as the publisher wrote them.
func headerOf(headers natsgo.Header) engine.Header {
	if len(headers) == 0 {
		return engine.NoHeader
	}
	return func(name string) string {
		for key, values := range headers {
			if len(values) > 0 && strings.EqualFold(key, name) {
				return values[0]
			}
		}
		return ""
	}
}
