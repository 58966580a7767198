package links

import "postern/engine"

// Limit says how often something may happen.
type Limit = engine.Limit

// MaxLimit is the largest Most: a store keeps the time of each.
const MaxLimit = 10_000
