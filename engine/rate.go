package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	limits "golang.org/x/time/rate"
)

// Rate is how many messages a provider takes in a time. Any stretch of time sees no more than that, and what one
// second allows on top, at least one: a burst. The zero value is no limit.
type Rate struct {
	Count int
	Per   time.Duration // a second, a minute, an hour or a day
}

// maxRate is the highest Count: more is no limit worth keeping.
const maxRate = 1_000_000

var ratePeriods = map[string]time.Duration{
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
}

// ParseRate reads 10/s, 600/m, 3000/h or 50000/d. The error is a sentence for the operator.
func ParseRate(text string) (Rate, error) {
	count, period, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	per := ratePeriods[period]
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange), per == 0:
		return Rate{}, fmt.Errorf("%q is not a rate like 10/s, 600/m, 3000/h or 50000/d", text)
	case err != nil || n < 1 || n > maxRate:
		return Rate{}, fmt.Errorf("%q: a rate counts from 1 to %d", text, maxRate)
	}
	return Rate{Count: n, Per: per}, nil
}

// limiter counts messages by a Rate; nil for no limit.
func (r Rate) limiter() *limits.Limiter {
	if r.Count == 0 {
		return nil
	}
	second := float64(r.Count) / r.Per.Seconds()
	return limits.NewLimiter(limits.Limit(second), max(int(second), 1))
}
