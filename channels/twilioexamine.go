package channels

import (
	"context"

	"postern/engine"
)

// examine looks whether the account lets the user in. Nobody gets anything.
func (l *twilioLine) examine(ctx context.Context) []engine.Finding {
	found := []engine.Finding{l.examineLogin(ctx), l.examineSender()}
	if l.outfit.Callbacks != "" {
		found = append(found, engine.Finding{
			What: "answers", Good: true, Text: "Twilio's console must name " + l.outfit.Callbacks + messagesPath +
				" for messages that come in",
		})
	}
	return found
}

func (l *twilioLine) examineLogin(ctx context.Context) engine.Finding {
	if err := l.client.Look(ctx); err != nil {
		return engine.Finding{
			What: "login", Text: err.Error(),
			Hint: "compare account, user and token with Twilio's console: Account, API keys & tokens",
		}
	}
	return engine.Finding{What: "login", Good: true, Text: "Twilio lets in"}
}

func (l *twilioLine) examineSender() engine.Finding {
	text := l.prefix + l.from
	if l.service != "" {
		text = "messaging service " + l.service
	}
	return engine.Finding{What: "sender", Good: true, Text: text}
}
