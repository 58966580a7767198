package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Limit says how often something may happen: at most so many times in any stretch of so long. Limits with one Key count
// the same things and are asked for together each time: 1 a minute and 10 a day.
type Limit struct {
	Key  string // of what is counted: kind and id, such as "resend:<link>"; never an address or a token in clear
	Most int    // times, at most 10,000
	Per  time.Duration
	// Then lets one more pass, where the limit is reached, so long after the last one: what others used up comes
	// slower in place of not at all. 0 for no more within Per.
	Then time.Duration
}

// MaxBudget is the largest Count of a budget: a store keeps the time of each message.
const MaxBudget = 10_000

// budgets are the channels that may send only so many messages in a time, and which of them have none left.
type budgets struct {
	by map[string]Rate

	mu      sync.Mutex
	spent   map[string]time.Time // channel → until when nothing may leave
	told    map[string]time.Time // channel → when an operator was last told
	claimed map[ID]string        // delivery → channel of whose budget it has claimed its one, until a try counts
}

func newBudgets(by map[string]Rate) *budgets {
	return &budgets{
		by: by, spent: map[string]time.Time{}, told: map[string]time.Time{}, claimed: map[ID]string{},
	}
}

// withinBudget claims one message of the budget of its channel, once for all tries by that channel. What there is no
// budget for waits, for its time at most.
func (e *Engine) withinBudget(ctx context.Context, d *Delivery, _ *letter) error {
	budget, limited := e.budgets.by[d.Channel]
	if !limited || d.Attempts > 1 || e.budgets.has(d) {
		return nil
	}
	now := e.Clock.Now()
	limit := Limit{Key: "budget:" + d.Channel, Most: budget.Count, Per: budget.Per}
	wait, err := e.Store.Admit(ctx, []Limit{limit}, now)
	if err != nil {
		return Busy(errors.New("the messages of the channel could not be counted"))
	}
	if wait <= 0 {
		e.budgets.claim(d)
		return nil
	}
	if e.budgets.spend(d.Channel, now, wait) {
		e.Logger.Error("the budget of a channel is spent: its messages wait", "channel", d.Channel,
			"budget", budget.Count, "per", budget.Per.String(), "next", now.Add(wait))
	}
	spent := fmt.Errorf("%d messages in %s are all that the channel may send", budget.Count, budget.Per)
	return &verdict{error: spent, kind: busy, after: wait}
}

// has tells whether a delivery has claimed its message of the budget at a try that came to nothing.
func (b *budgets) has(d *Delivery) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.claimed[d.ID] == d.Channel
}

func (b *budgets) claim(d *Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.claimed[d.ID] = d.Channel
}

// settle forgets what a delivery claimed, unless its try was none, so that the next one is its first again.
func (b *budgets) settle(d *Delivery) {
	if len(b.by) == 0 || d.State == DeliveryPlanned && d.Attempts == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.claimed, d.ID)
}

// spend notes that a channel may send nothing for a while, and tells whether an operator has to hear of it: once in the
// time that the budget is for.
func (b *budgets) spend(channel string, now time.Time, wait time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent[channel] = now.Add(wait)
	if told, ok := b.told[channel]; ok && now.Sub(told) < b.by[channel].Per {
		return false
	}
	b.told[channel] = now
	return true
}

// warnings are a sentence for each channel whose budget is spent.
func (b *budgets) warnings(now time.Time) (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, channel := range slices.Sorted(maps.Keys(b.spent)) {
		if left := b.spent[channel].Sub(now); left > 0 {
			lines = append(lines, fmt.Sprintf("channel %s: its budget is spent; next message in %s", channel,
				left.Round(time.Second)))
		}
	}
	return lines
}
