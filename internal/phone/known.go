package phone

import "sync"

// mostKnown is how many numbers are remembered at most; then all are forgotten.
const mostKnown = 10_000

// Known remembers numbers in their proper form that passed: what was looked at when a message was planned need not be
// taken apart again when it is sent, which costs as much as handing the message over. It is for rules that stay the
// same, and may be used concurrently.
type Known struct {
	mu      sync.Mutex
	numbers map[string]bool
}

// Proper is what the rules say of a number.
func (k *Known) Proper(rules Rules, number string) (string, error) {
	k.mu.Lock()
	known := k.numbers[number]
	k.mu.Unlock()
	if known {
		return number, nil
	}
	proper, err := rules.Proper(number)
	if err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.numbers == nil || len(k.numbers) >= mostKnown {
		k.numbers = map[string]bool{}
	}
	k.numbers[proper] = true
	return proper, nil
}
