package sms

import "strings"

// Wish is what somebody asks for with a word that everybody knows.
type Wish int

// The wishes.
const (
	NoWish Wish = iota
	Stop        // nothing more
	Start       // messages again
	Help        // who writes here
)

// wishes are the words that Twilio knows by itself, and answers. Its answers keep messages back there as well.
var wishes = map[string]Wish{
	"STOP": Stop, "STOPALL": Stop, "UNSUBSCRIBE": Stop, "CANCEL": Stop, "END": Stop, "QUIT": Stop,
	"OPTOUT": Stop, "REVOKE": Stop,
	"START": Start, "UNSTOP": Start, "YES": Start,
	"HELP": Help, "INFO": Help,
}

// WishOf is what a message asks for: one word and nothing else, in large letters or small, maybe with a full stop.
func WishOf(text string) Wish {
	word := strings.TrimRight(strings.TrimSpace(text), ".!")
	return wishes[strings.ToUpper(word)]
}
