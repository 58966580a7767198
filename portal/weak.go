package portal

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"postern/engine"
	"postern/internal/scram"
)

// Limits of passwords (NIST SP 800-63B-4, 3.1.1.2). There are no rules about which characters one has to have, and none
// expires.
const (
	MinPassword       = 15  // characters of one that signs in alone
	MinPasswordSecond = 10  // where the portal requires a second factor too
	MinPasswordLegacy = 8   // of one that was chosen elsewhere and is taken over
	MaxPassword       = 256 // bytes
)

// Shortest is how many characters a password for a portal has at least.
func Shortest(p *engine.Portal) int {
	if p.SignIn.SecondFactor == engine.SecondFactorRequired {
		return MinPasswordSecond
	}
	return MinPassword
}

//go:embed common.txt
var commonText string

// common are the words that passwords are made of most often.
var common = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for line := range strings.Lines(commonText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			words[line] = true
		}
	}
	return words
})

// weak tells why a password is not taken; nil if it is. own are names that it must not be made of: the subject's and
// the portal's.
func weak(password string, least int, own ...string) *WeakError {
	prepared, err := scram.Prepare(password)
	switch {
	case err != nil:
		return &WeakError{WeakText}
	case len(password) > MaxPassword:
		return &WeakError{WeakLong}
	case utf8.RuneCountInString(prepared) < least:
		return &WeakError{WeakShort}
	}
	plain := plainOf(prepared)
	if left, found := without(plain, own); found && utf8.RuneCountInString(lettersOf(left)) < MinPasswordLegacy {
		return &WeakError{WeakName}
	}
	if isCommon(prepared, plain) {
		return &WeakError{WeakCommon}
	}
	return nil
}

// stands are letters that figures and signs are often written for.
var stands = strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s",
	"5", "s", "7", "t")

// plainOf is a password as the word that it was made of: in lower case.
func plainOf(password string) string {
	folded, err := scram.Fold(password)
	if err != nil {
		return strings.ToLower(password)
	}
	return folded
}

// without is a text with the names taken out of it, and whether any was in it. Short ones are in too many words.
func without(text string, names []string) (left string, found bool) {
	const short = 4
	for _, name := range names {
		name = plainOf(name)
		local, _, _ := strings.Cut(name, "@")
		for _, part := range append([]string{name, local}, strings.FieldsFunc(name, isApart)...) {
			if utf8.RuneCountInString(part) < short || !strings.Contains(text, part) {
				continue
			}
			text, found = strings.ReplaceAll(text, part, ""), true
		}
	}
	return text, found
}

// lettersOf is a text without all that is no letter.
func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		if notLetter(r) {
			return -1
		}
		return r
	}, text)
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

func isApart(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// isCommon tells whether a password is one of those that are tried first: a run of keys, a short text over and over, or
// one or two common words with figures and signs around and between.
func isCommon(password, plain string) bool {
	unit := repeated(plain)
	if utf8.RuneCountInString(unit) <= 4 || isRun(unit) {
		return true
	}
	for _, text := range []string{unit, stands.Replace(strings.TrimFunc(unit, notLetter))} {
		if ofWords(lettersOf(text), 2) {
			return true
		}
	}
	return common()[strings.ToLower(password)]
}

// repeated is the shortest text that another is a repetition of, a cut one at the end among them.
func repeated(text string) string {
	for n := 1; n <= len(text)/2; n++ {
		if strings.HasPrefix(strings.Repeat(text[:n], len(text)/n+1), text) {
			return text[:n]
		}
	}
	return text
}

// rows are the keys beside one another, and the alphabet.
const rows = "1234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop azertyuiop qsdfghjklm " +
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm abcdefghijklmnopqrstuvwxyz"

// isRun tells whether most characters of a text follow the one before on the keyboard or in the alphabet, either way,
// or are the same again.
func isRun(text string) bool {
	follow, all := 0, 0
	var last rune
	for i, r := range text {
		if i > 0 {
			all++
			forth, back := string([]rune{last, r}), string([]rune{r, last})
			if r == last || strings.Contains(rows, forth) || strings.Contains(rows, back) {
				follow++
			}
		}
		last = r
	}
	return all == 0 || follow*10 >= all*8
}

// ofWords tells whether a text is made of at most so many common words, and nothing else.
func ofWords(text string, most int) bool {
	if text == "" || common()[text] {
		return text != ""
	}
	if most <= 1 {
		return false
	}
	for at := range text {
		if at > 0 && common()[text[:at]] && ofWords(text[at:], most-1) {
			return true
		}
	}
	return false
}
