// Package channels holds the kinds of channels: how a message leaves.
//
// A kind is one file: a struct whose documented, yaml-tagged fields are its configuration, the methods of
// [engine.Channel], an example, and a line in [Kinds]. A channel hands one message to one provider once. It never
// tries again by itself: the verdict of its error says whether the engine should. Every kind passes
// enginetest.TestChannel.
package channels

import "postern/engine"

// Kinds lists all kinds of channels. A new kind is a new line here.
func Kinds() []engine.ChannelKind {
	return []engine.ChannelKind{
		EmailKind(),
		PushKind(),
		WebPushKind(),
		SMSKind(),
		WhatsAppKind(),
		MattermostKind(),
		WebhookKind(),
		CaptureKind(),
	}
}
