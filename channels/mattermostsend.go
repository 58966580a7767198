package channels

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"postern/engine"
	"postern/internal/mattermost"
)

const (
	// knownPending is how long after it was planned a message cannot be posted twice, because the server still knows
	// its pending id from any earlier try: 30 s, less what clocks and queues may take of it.
	knownPending = 20 * time.Second
	// sinceSlack is how much earlier than it was planned a post is looked for: the server has a clock of its own.
	sinceSlack = 5 * time.Minute
	// roomLife is how long it is known which channel an address leads to.
	roomLife = 10 * time.Minute
	// maxRooms is how many are known at once.
	maxRooms = 10_000
)

// rooms are the ids of channels by the addresses that lead to them.
type rooms struct {
	mu    sync.Mutex
	bot   string // the bot's own id; "" while it is not known
	known map[string]room
}

type room struct {
	id    string
	until time.Time
}

func (r *rooms) find(address string, now time.Time) (id, bot string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.known[address]; ok && now.Before(known.until) {
		id = known.id
	}
	return id, r.bot
}

func (r *rooms) keep(address, id, bot string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || len(r.known) >= maxRooms {
		r.known = map[string]room{}
	}
	r.bot, r.known[address] = bot, room{id, now.Add(roomLife)}
}

// forget makes the next message look anew where the address leads.
func (r *rooms) forget(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, address)
}

// sendByBot posts a message, unless an earlier try has. For 30 s after that one the server itself knows the repetition,
// by the pending id; later the post is found by our own name for it.
func (m *Mattermost) sendByBot(ctx context.Context, message engine.Message) (engine.Receipt, error) {
	channel, err := m.room(ctx, message.Recipient.Address)
	if err != nil {
		return engine.Receipt{}, err
	}
	name := message.Delivery.String()
	if m.outfit.Clock.Now().Sub(message.Created) >= knownPending {
		posts, err := m.bot.PostsSince(ctx, channel, message.Created.Add(-sinceSlack))
		if err != nil {
			return engine.Receipt{}, m.about(message, fmt.Errorf("look for an earlier try: %w", err))
		}
		for id, post := range posts {
			if post.Props.Delivery == name {
				message.Leaving()
				return engine.Receipt{Provider: m.server(), ID: id, Detail: "an earlier try had arrived"}, nil
			}
		}
	}
	post := m.post(message, channel)
	post.ChannelID, post.PendingID = channel, name
	made, err := m.bot.CreatePost(ctx, post, message.Leaving)
	if err != nil {
		return engine.Receipt{}, m.about(message, fmt.Errorf("post: %w", err))
	}
	return engine.Receipt{Provider: m.server(), ID: made.ID, Detail: "posted"}, nil
}

// about gives an error its verdict where it is about one recipient: a channel that the bot may not post in says
// nothing of the others.
func (m *Mattermost) about(message engine.Message, err error) error {
	address := message.Recipient.Address
	switch status := mattermost.Status(err); {
	case status != http.StatusForbidden && status != http.StatusNotFound:
		return err
	case strings.HasPrefix(address, "~"):
		m.rooms.forget(address)
		return engine.Permanent(errors.New("the bot may not post in that channel: it has to be invited"))
	}
	m.rooms.forget(address)
	return err
}

// room finds the channel that an address leads to.
func (m *Mattermost) room(ctx context.Context, address string) (string, error) {
	now := m.outfit.Clock.Now()
	id, bot := m.rooms.find(address, now)
	if id != "" {
		return id, nil
	}
	if _, err := m.proper(address); err != nil {
		return "", engine.Permanent(fmt.Errorf("the address %w", err))
	}
	if parts := channelName.FindStringSubmatch(address); parts != nil {
		id, err := m.named(ctx, parts[1], parts[2])
		if err == nil {
			m.rooms.keep(address, id, bot, now)
		}
		return id, err
	}
	if bot == "" {
		me, err := m.bot.Me(ctx)
		if err != nil {
			return "", fmt.Errorf("find the bot itself: %w", err)
		}
		bot = me.ID
	}
	id, err := m.direct(ctx, bot, address)
	if err == nil {
		m.rooms.keep(address, id, bot, now)
	}
	return id, err
}

func (m *Mattermost) named(ctx context.Context, team, name string) (string, error) {
	if team == "" {
		team = m.Team
	}
	channel, err := m.bot.ChannelByName(ctx, team, name)
	switch status := mattermost.Status(err); {
	case status == http.StatusNotFound || status == http.StatusForbidden:
		return "", engine.Permanent(errors.New("there is no such channel, or the bot is no member of it"))
	case err != nil:
		return "", fmt.Errorf("find the channel: %w", err)
	case channel.DeleteAt > 0:
		return "", engine.Permanent(errors.New("the channel is archived"))
	}
	return channel.ID, nil
}

func (m *Mattermost) direct(ctx context.Context, bot, address string) (string, error) {
	user, err := m.bot.UserByEmail(ctx, address)
	switch {
	case mattermost.Status(err) == http.StatusNotFound:
		return "", engine.Permanent(errors.New("nobody in Mattermost has that mail address"))
	case err != nil:
		return "", fmt.Errorf("find the person: %w", err)
	case user.DeleteAt > 0:
		return "", engine.Permanent(errors.New("the person's account in Mattermost is deactivated"))
	}
	channel, err := m.bot.Direct(ctx, bot, user.ID)
	if err != nil {
		return "", fmt.Errorf("open the direct channel: %w", err)
	}
	return channel.ID, nil
}

// sendByHook posts to the hook's channel, or to the one that the address names.
func (m *Mattermost) sendByHook(ctx context.Context, message engine.Message) (engine.Receipt, error) {
	channel := ""
	if parts := channelName.FindStringSubmatch(message.Recipient.Address); parts != nil {
		channel = parts[2]
	}
	if err := m.hook.Post(ctx, channel, m.post(message, ""), message.Leaving); err != nil {
		return engine.Receipt{}, fmt.Errorf("post: %w", err)
	}
	return engine.Receipt{Provider: m.server(), Detail: "posted"}, nil
}

// post is the message as the server takes it: the same at every try.
func (m *Mattermost) post(message engine.Message, channel string) mattermost.Post {
	post := mattermost.Post{Message: shortened(message.Content)}
	post.Props.Delivery = message.Delivery.String()
	post.Props.Attachments = attached(m.actions(message, channel, post.Message)...)
	return post
}

// outcomeRoom is left free in a post for what came of a press.
const outcomeRoom = 383

// shortened is the text as far as a post takes it, and a link that would be cut off with the rest.
func shortened(content engine.Content) string {
	const most = mattermost.MaxMessage - outcomeRoom
	text := content.Text
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	end := "…"
	if content.Link != "" {
		end += "\n\n" + content.Link
	}
	kept := []rune(text)[:max(0, most-utf8.RuneCountInString(end))]
	return strings.TrimSpace(string(kept)) + end
}
