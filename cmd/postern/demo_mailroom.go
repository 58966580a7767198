package main

import (
	"context"
	"slices"
	"strings"
	"sync"

	"postern/channels"
	"postern/engine"
)

// mailroom is what reaches the people of the demo, by all of its channels.
type mailroom struct {
	captures []*channels.Capture
}

// demoChannels are captured, each in place of the kind of its name.
func demoChannels() []string {
	return []string{"email", "sms", "whatsapp", "push", "webpush", "mattermost", "webhook"}
}

// demoChannelsYAML is the configuration of the demo's channels.
func demoChannelsYAML() []byte {
	return []byte(strings.Join(demoChannels(), ": { kind: capture }\n") + ": { kind: capture }\n")
}

func newMailroom(of map[string]engine.Channel) mailroom {
	var room mailroom
	for _, name := range demoChannels() {
		room.captures = append(room.captures, of[name].(*channels.Capture)) // as demoConfig says
	}
	return room
}

// messages are all that were kept, the newest first.
func (m mailroom) messages() []channels.Captured {
	var all []channels.Captured
	for _, capture := range m.captures {
		all = append(all, capture.Messages()...)
	}
	slices.SortStableFunc(all, func(a, b channels.Captured) int { return b.At.Compare(a.At) })
	return all
}

// message is one of those that were kept, and where.
func (m mailroom) message(id engine.ID) (channels.Captured, *channels.Capture) {
	for _, capture := range m.captures {
		if captured, ok := capture.Message(id); ok {
			return captured, capture
		}
	}
	return channels.Captured{}, nil
}

// follow calls tell for each message once, as they come, until the context ends.
func (m mailroom) follow(ctx context.Context, tell func(engine.Message)) {
	var parts sync.WaitGroup
	for _, capture := range m.captures {
		parts.Go(func() { followOne(ctx, capture, tell) })
	}
	parts.Wait()
}

func followOne(ctx context.Context, capture *channels.Capture, tell func(engine.Message)) {
	told := map[engine.ID]bool{}
	for seen := uint64(0); ; {
		var err error
		if seen, err = capture.Await(ctx, seen); err != nil {
			return
		}
		kept := capture.Messages()
		for i := len(kept) - 1; i >= 0; i-- {
			if m := kept[i].Message; !told[m.Delivery] {
				told[m.Delivery] = true
				tell(m)
			}
		}
	}
}
