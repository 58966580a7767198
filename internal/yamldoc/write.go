package yamldoc

import (
	"regexp"
	"strconv"
	"strings"
)

// plainWord is a text in which nothing can mean anything else, wherever it stands.
var plainWord = regexp.MustCompile(`^\p{L}[\p{L}\p{N}_./-]*( [\p{L}\p{N}_./-]+)*$`)

// Word writes a text as a scalar on one line: bare if nothing in it could mean something else, or else in quotes. It
// reads back as the same text here and in YAML 1.1, where yes and no are booleans.
func Word(text string) string {
	switch strings.ToLower(text) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return Quoted(text)
	}
	if plainWord.MatchString(text) {
		return text
	}
	return Quoted(text)
}

// Quoted writes a text in double quotes. What Go cannot print it escapes in the way of YAML.
func Quoted(text string) string { return strconv.Quote(strings.ToValidUTF8(text, "?")) }
