package render

import (
	"fmt"
	"slices"
	"strings"
)

// The parts of a message: what a file of a template ends in.
const (
	partSubject = "subject" // one line: of a mail, or the title of a push message
	partText    = "txt"     // plain text
	partHTML    = "html"
	partMD      = "md"   // Markdown
	partJSON    = "json" // a document for a program
)

// kindParts are the parts that the kinds of channels have. One of the kind's bodies has to be there.
var kindParts = map[string]struct{ all, bodies []string }{
	"email":      {[]string{partSubject, partHTML, partText}, []string{partText, partHTML}},
	"sms":        {[]string{partText}, []string{partText}},
	"whatsapp":   {[]string{partText}, []string{partText}},
	"push":       {[]string{partSubject, partText}, []string{partText}},
	"webpush":    {[]string{partSubject, partText}, []string{partText}},
	"mattermost": {[]string{partMD}, []string{partMD}},
	"webhook":    {[]string{partJSON}, []string{partJSON}},
}

// allParts are what a file may end in whose channel is of no kind that is known here.
var allParts = []string{partSubject, partText, partHTML, partMD, partJSON}

// lenders are the kinds whose texts a webhook puts into its own document where the template has none for it: the one
// that says most first.
var lenders = []string{"email", "mattermost", "webpush", "push", "whatsapp", "sms"}

// TextFor is the ending of the file that a channel of a kind needs at least: en.txt, say.
func TextFor(kind, language string) string {
	part := partText
	if known, ok := kindParts[kind]; ok {
		part = known.bodies[0]
	}
	return language + "." + part
}

// kindOf is the kind of the channel that a file is for; "" if it is not known here.
func (s *Shelf) kindOf(channel string) string {
	kind, ok := s.Kinds[channel]
	if !ok {
		kind = channel
	}
	if _, ok := kindParts[kind]; !ok {
		return ""
	}
	return kind
}

// naming takes the name of a file apart; the problem is what is wrong with it.
func (s *Shelf) naming(path string) (channel, language, part string, wrong *Problem) {
	base := path[strings.LastIndexByte(path, '/')+1:]
	names := strings.Split(base, ".")
	if len(names) != 3 || names[0] == "" || names[1] == "" {
		return "", "", "", &Problem{File: path, Line: 1, Message: fmt.Sprintf(
			"%s is not named <channel>.<language>.<part>, where the part is %s", base, oneOf(allParts))}
	}
	channel, language, part = names[0], names[1], names[2]
	kind := s.kindOf(channel)
	parts := allParts
	if kind != "" {
		parts = kindParts[kind].all
	}
	if slices.Contains(parts, part) {
		return channel, language, part, nil
	}
	p := &Problem{
		File: path, Line: 1, Message: fmt.Sprintf("%s has no part %q", base, part),
		Word: part, Choices: parts, Listed: true,
	}
	if kind != "" {
		p.Message = fmt.Sprintf("a text for %s has no part %q", channel, part)
	}
	return "", "", "", p
}

// oneOf names choices: subject, txt or html.
func oneOf(choices []string) string {
	last := len(choices) - 1
	if last < 1 {
		return strings.Join(choices, "")
	}
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}
