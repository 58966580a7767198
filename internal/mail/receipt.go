package mail

import (
	"regexp"

	"postern/engine"
)

// queueName finds the server's name for a letter in the answers of Postfix ("queued as"), Exim ("id="), Sendmail
// ("accepted for delivery") and Amazon SES (a long word after "Ok").
var queueName = regexp.MustCompile(
	`(?i)\bqueued as ([\w.-]+)|\bid=([\w.-]+)|\b([\w-]{8,}) message accepted for delivery|\bok ([\w-]{30,})`)

// receipt reads the answer to the final dot.
func receipt(host, answer, to string) engine.Receipt {
	r := engine.Receipt{Provider: host, Detail: veil("250 "+answer, to)}
	for i, name := range queueName.FindStringSubmatch(answer) {
		if i > 0 && name != "" {
			r.ID = name
		}
	}
	return r
}
