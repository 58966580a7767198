package engine

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Is tells whether a status is among them.
func (s Statuses) Is(status int) bool { return s.From <= status && status <= s.To }

var statusWord = regexp.MustCompile(`^[1-5](xx|[0-9][0-9])$`)

// ParseStatuses reads a status such as 201, or a class such as 2xx.
func ParseStatuses(word string) (Statuses, error) {
	if !statusWord.MatchString(word) {
		return Statuses{}, errors.New("a status is a number such as 201, or a class such as 2xx")
	}
	if class, ok := strings.CutSuffix(word, "xx"); ok {
		first := int(class[0]-'0') * 100
		return Statuses{From: first, To: first + 99}, nil
	}
	n, err := strconv.Atoi(word)
	return Statuses{From: n, To: n}, err
}

// errInDoubt is why a call is given up that may have arrived.
var errInDoubt = errors.New("it may have arrived, and is not sent again")

// verdict is nil for an answer as the call expects it, and else what follows from its status.
func (c *Call) verdict(a Answer, now time.Time) error {
	if slices.ContainsFunc(c.Expect, func(s Statuses) bool { return s.Is(a.Status) }) {
		return nil
	}
	err := fmt.Errorf("%s answered %s", c.Host, statusText(a.Status))
	switch {
	case a.Status == http.StatusBadGateway, a.Status == http.StatusGatewayTimeout:
		return Unknown(err) // a gateway lost the answer
	case a.Status >= 500, a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly,
		a.Status == http.StatusTooManyRequests:
		return RetryAfter(err, retryAfter(a.Header.Get("Retry-After"), now))
	}
	return Permanent(err)
}

// statusText is a status with its name, if it has one.
func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// retryAfter reads the header of that name, seconds or a date; zero for none.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, int(longestPause/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), longestPause)
	}
	return 0
}

// private are headers of an answer that prove who asks next: no workflow sees them.
var private = []string{"Set-Cookie", "Www-Authenticate", "Proxy-Authenticate", "Authentication-Info"}

// View is the answer as expressions see it: its status, its headers by their names in small letters, and its body,
// read where it is JSON and as text where it is not.
func (a Answer) View() map[string]any {
	headers := map[string]any{}
	for name, values := range a.Header {
		if !slices.Contains(private, name) {
			headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	return map[string]any{"status": a.Status, "headers": headers, "body": a.body()}
}

func (a Answer) body() any {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	text := bytes.TrimSpace(a.Body)
	says := kind == "application/json" || strings.HasSuffix(kind, "+json")
	looks := bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("["))
	var value any
	if (says || looks) && strictJSON(text, &value) == nil {
		return value
	}
	return strings.ToValidUTF8(string(a.Body), "\uFFFD")
}
