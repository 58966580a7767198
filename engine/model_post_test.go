package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"postern/engine"
)

// post is a provider outside of the process: it takes messages by one channel, answers as it was told to, and keeps
// account of what it took.
type post struct {
	name    string
	clock   engine.Clock
	dedupes bool // it knows a message again
	careful bool // its adapter says when a message leaves

	mu      sync.Mutex
	answers []string // of the next tries; accept when there are none
	tries   []postTry
	hanging int
}

// postTry is one time that a message was handed to the channel.
type postTry struct {
	delivery engine.ID
	body     string
	at       time.Time
	answer   string
	took     bool // the provider has the message
}

// The answers of a provider.
const (
	answerAccept     = "accept"
	answerTemporary  = "temporary"
	answerPermanent  = "permanent"
	answerBusy       = "busy"
	answerPassword   = "misconfigured"
	answerLostBefore = "answer lost, message too"
	answerLostAfter  = "answer lost, message there"
	answerHangBefore = "hang before it leaves"
	answerHangAfter  = "hang after it left"
	answerPanic      = "panic after it left"
)

var modelAnswers = []string{
	answerAccept, answerTemporary, answerTemporary, answerPermanent, answerBusy, answerPassword, answerLostBefore,
	answerLostAfter, answerLostAfter, answerHangBefore, answerHangAfter, answerPanic,
}

const modelHang = 45 * time.Second

func (p *post) next() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.answers) == 0 {
		return answerAccept
	}
	answer := p.answers[0]
	p.answers = p.answers[1:]
	return answer
}

func (p *post) script(answers ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = answers
}

func (p *post) all() []postTry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]postTry(nil), p.tries...)
}

func (p *post) hangs(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hanging += n
}

func (p *post) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hanging > 0
}

// postChannel is a process's way to a provider.
type postChannel struct {
	*post
	life *life
}

func (c postChannel) Careful() bool { return c.careful }
func (c postChannel) Dedupes() bool { return c.dedupes }

func (c postChannel) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	answer := c.next()
	if answer == answerPermanent && c.dedupes && c.has(m.Delivery) {
		answer = answerAccept // it knows the message again
	}
	if c.careful && answer != answerHangBefore && c.leaves(answer) {
		m.Leaving()
	}
	if answer == answerHangBefore {
		if err := c.hang(ctx); err != nil {
			c.note(m, answer, false)
			return engine.Receipt{}, err
		}
		if c.careful {
			m.Leaving()
		}
	}
	took := answer == answerAccept || answer == answerLostAfter || answer == answerHangBefore ||
		answer == answerHangAfter || answer == answerPanic
	err := c.life.act(func() error {
		c.note(m, answer, took)
		return nil
	})
	if err != nil {
		return engine.Receipt{}, engine.Unknown(err)
	}
	return c.answer(ctx, answer)
}

// has tells whether the provider took a message.
func (p *post) has(id engine.ID) bool {
	return slices.ContainsFunc(p.all(), func(t postTry) bool { return t.delivery == id && t.took })
}

// leaves tells whether something of the message leaves before that answer.
func (c postChannel) leaves(answer string) bool {
	return answer != answerTemporary && answer != answerBusy && answer != answerPassword
}

func (c postChannel) answer(ctx context.Context, answer string) (engine.Receipt, error) {
	none := engine.Receipt{}
	switch answer {
	case answerTemporary:
		return none, errors.New("451 try again later")
	case answerPermanent:
		return none, engine.Permanent(errors.New("550 no such mailbox"))
	case answerBusy:
		return none, engine.Busy(errors.New("no free connection"))
	case answerPassword:
		return none, engine.Misconfigured(errors.New("535 wrong password"))
	case answerLostBefore, answerLostAfter:
		return none, engine.Unknown(errors.New("the answer was lost"))
	case answerPanic:
		panic("the channel breaks down")
	case answerHangAfter:
		if err := c.hang(ctx); err != nil {
			return none, engine.Unknown(err)
		}
	}
	return engine.Receipt{Provider: c.name}, nil
}

// hang waits for the clock, or for the process to give up.
func (c postChannel) hang(ctx context.Context) error {
	c.hangs(1)
	defer c.hangs(-1)
	err := c.clock.Wait(ctx, modelHang)
	c.life.alone()
	return err
}

func (c postChannel) note(m engine.Message, answer string, took bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries = append(c.tries, postTry{m.Delivery, m.Content.Subject + "|" + m.Content.Text, c.clock.Now(), answer, took})
}

var _ engine.Channel = postChannel{}
