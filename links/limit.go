package links

import "time"

// Limit says how often something may happen: at most so many times in any stretch of so long. Limits with one Key count
// the same things and are asked for together each time: 1 a minute and 10 a day.
type Limit struct {
	Key  string // of what is counted: kind and id, such as "resend:<link>"; never an address or a token in clear
	Most int    // times, at most 10,000
	Per  time.Duration
}

// MaxLimit is the largest Most: a store keeps the time of each.
const MaxLimit = 10_000
