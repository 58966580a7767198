package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	limits "golang.org/x/time/rate"
)

// Provider is an account that carries messages. A channel may have several, in order.
type Provider struct {
	Name    string // in the configuration
	Channel Channel
	Rate    Rate // what it takes; the zero Rate for no limit
}

// Relay is a channel made of several providers of one kind. A message goes to the first whose breaker and rate allow
// it. The next one takes it only if the one before failed in a way that may pass or needs an operator, and the message
// had not begun to leave: so it never goes to two. It is safe for concurrent use.
type Relay struct {
	channel string
	clock   Clock
	logger  *slog.Logger

	mu        sync.Mutex
	providers []*provider
}

// provider is a Provider with what may be sent to it at present, guarded by the lock of its relay.
type provider struct {
	Provider
	breaker breaker
	rate    *limits.Limiter // nil for no limit
	held    int             // tries under way
}

// relayWidth is how many tries of a provider are under way when its breaker counts as sound again.
const relayWidth = 16

// NewRelay makes the channel of a name of its providers, of which there is at least one.
func NewRelay(channel string, providers []Provider, clock Clock, logger *slog.Logger) *Relay {
	r := &Relay{channel: channel, clock: clock, logger: logger}
	for _, p := range providers {
		r.providers = append(r.providers, &provider{
			Provider: p, rate: p.Rate.limiter(), breaker: breaker{full: relayWidth},
		})
	}
	return r
}

var (
	_ Channel = (*Relay)(nil)
	_ Careful = (*Relay)(nil)
	_ Closer  = (*Relay)(nil)
	_ Carried = (*Relay)(nil)
)

// Careful tells that the relay says when a message is about to leave, as far as its provider does.
func (r *Relay) Careful() bool { return true }

// Carrier is that of the first provider: all are of one kind.
func (r *Relay) Carrier() Carrier {
	if carried, ok := r.providers[0].Channel.(Carried); ok {
		return carried.Carrier()
	}
	return Carrier{Reach: Reach{Type: TypeEmail}}
}

// Send hands the message to one provider. The receipt's provider is the name of the one that took it, with what that
// calls itself; its detail tells which ones failed before.
func (r *Relay) Send(ctx context.Context, m Message) (Receipt, error) {
	var failed failures
	for i, p := range r.providers {
		if why := r.take(p); why != nil {
			failed.add(p.Name, why)
			continue
		}
		receipt, left, err := r.try(ctx, p, m, len(r.providers)-i)
		if err == nil {
			return failed.tell(p.Name, receipt), nil
		}
		err = fmt.Errorf("%s: %w", p.Name, err)
		if left || IsPermanent(err) || IsUnknown(err) || ctx.Err() != nil {
			return Receipt{}, err
		}
		failed.add("", err)
	}
	return Receipt{}, failed.verdict()
}

// try hands the message to a provider, in its share of the time that is left for as many providers.
func (r *Relay) try(ctx context.Context, p *provider, m Message, shares int) (receipt Receipt, left bool, err error) {
	// A panic is the engine's to judge; the try is over all the same.
	answered := answerFailed
	defer func() { r.giveBack(p, answered, err) }()
	if deadline, ok := ctx.Deadline(); ok && shares > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(shares))
		defer cancel()
	}
	leaving := m.OnLeaving
	m.OnLeaving = func() {
		left = true
		if leaving != nil {
			leaving()
		}
	}
	if !careful(p.Channel) {
		m.Leaving()
	}
	receipt, err = p.Channel.Send(ctx, m)
	if answered = answerOf(err); errors.Is(err, context.Canceled) {
		answered = answerNone
	}
	return receipt, left, err
}

// take asks whether a provider may get a message now. The error says why not, and when to ask again.
func (r *Relay) take(p *provider) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	if width := p.breaker.allows(now); width >= 0 && p.held >= width {
		why := errors.New(p.breaker.why(now))
		if p.breaker.broken {
			return Misconfigured(why)
		}
		return RetryAfter(why, max(p.breaker.until.Sub(now), busyPause))
	}
	if p.rate != nil && !p.rate.AllowN(now, 1) {
		return Busy(errors.New("its rate is used up"))
	}
	p.held++
	return nil
}

// giveBack counts the answer of a try.
func (r *Relay) giveBack(p *provider, got answer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	p.held--
	switch turn := p.breaker.note(now, got, min(RetryDelay(err), longestPause)); turn {
	case turnShut:
		r.logger.Warn("provider fails: the next one takes its messages", "channel", r.channel, "provider", p.Name,
			"why", p.breaker.why(now), "error", err)
	case turnOpen:
		r.logger.Info("provider works again", "channel", r.channel, "provider", p.Name)
	case turnNone:
	}
}

// warnings are a sentence for each provider that gets nothing, or little, because it fails.
func (r *Relay) warnings() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.providers {
		if p.breaker.proving() {
			lines = append(lines, fmt.Sprintf("channel %s: provider %s: %s", r.channel, p.Name,
				p.breaker.why(r.clock.Now())))
		}
	}
	return lines
}

// failures are why providers did not take a message, in their order.
type failures []error

func (f *failures) add(provider string, why error) {
	if provider != "" {
		why = fmt.Errorf("%s: %w", provider, why)
	}
	*f = append(*f, why)
}

func (f failures) String() string {
	var all []string
	for _, err := range f {
		all = append(all, err.Error())
	}
	return strings.Join(all, "; ")
}

// tell makes the receipt of the provider that took the message.
func (f failures) tell(provider string, receipt Receipt) Receipt {
	if receipt.Provider != "" {
		provider += " (" + receipt.Provider + ")"
	}
	receipt.Provider = provider
	if len(f) > 0 {
		receipt.Detail = strings.TrimPrefix(receipt.Detail+"; before: "+f.String(), "; ")
	}
	return receipt
}

// verdict is what should happen next when no provider took the message. Where one has only no room now the channel is
// busy, whatever the others say: that one takes it soon, and no try is used up. Where all need an operator the channel
// does; else it is tried again when the first of them may be.
func (f failures) verdict() error {
	all := errors.New(f.String())
	switch {
	case slices.ContainsFunc(f, IsBusy):
		return Busy(all)
	case !slices.ContainsFunc(f, func(err error) bool { return !IsMisconfigured(err) }):
		return Misconfigured(all)
	}
	soonest := longestPause
	for _, err := range f {
		if !IsMisconfigured(err) {
			soonest = min(soonest, RetryDelay(err))
		}
	}
	if soonest == 0 {
		return all
	}
	return RetryAfter(all, soonest)
}
