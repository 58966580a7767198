package rehearsal

import (
	"context"
	"errors"

	"postern/engine"
)

// What a channel answers, as a story says it.
const (
	answerTakes   = "takes"
	answerRefuses = "refuses"
	answerFails   = "fails"
	answerUnknown = "unknown"
)

func answers() []string { return []string{answerTakes, answerRefuses, answerFails, answerUnknown} }

// channel is a channel of which the story says what it answers.
type channel struct {
	answer string
	sent   map[engine.ID]engine.Message // the last try of each delivery
}

var _ engine.Channel = (*channel)(nil)

// Send answers.
func (c *channel) Send(_ context.Context, m engine.Message) (engine.Receipt, error) {
	c.sent[m.Delivery] = m
	switch c.answer {
	case answerRefuses:
		return engine.Receipt{}, engine.Permanent(errors.New("the provider refuses the message"))
	case answerFails:
		return engine.Receipt{}, errors.New("the provider does not answer")
	case answerUnknown:
		return engine.Receipt{}, engine.Unknown(errors.New("the provider's answer was lost"))
	}
	return engine.Receipt{Provider: "the rehearsal", Detail: "taken"}, nil
}
