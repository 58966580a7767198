package channels

import (
	"testing"

	"postern/engine/enginetest"
)

// Every kind keeps the promises that the engine relies on, each against a far end of its own.
func TestChannel(t *testing.T) {
	for kind, open := range map[string]func(t *testing.T) enginetest.ChannelTrial{
		"capture":                  captureTrial,
		"email":                    emailTrial,
		"mattermost":               mattermostTrial,
		"mattermost, by a hook":    hookTrial,
		"push":                     pushTrial,
		"webpush":                  webPushTrial,
		"sms":                      smsTrial,
		"whatsapp":                 whatsAppTrial,
		"whatsapp, by a template":  whatsAppTemplateTrial,
		"webhook":                  webhookTrial(false),
		"webhook, once by the key": webhookTrial(true),
	} {
		t.Run(kind, func(t *testing.T) { enginetest.TestChannel(t, open) })
	}
}
