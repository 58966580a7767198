package yamldoc

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxListed bounds the choices named in a hint.
const maxListed = 24

// Suggest returns the choice that word was probably meant to be. Case does not matter; up to one edit is forgiven in
// words of 3 to 5 letters, two up to 8, three beyond (an edit adds, drops or changes a letter or swaps two
// neighbours). Of equally near choices the first wins.
func Suggest(word string, choices []string) (string, bool) {
	best, found := tolerance(utf8.RuneCountInString(word))+1, ""
	lower := strings.ToLower(word)
	for _, choice := range choices {
		if choice == word {
			continue
		}
		if distance := editDistance(lower, strings.ToLower(choice), best); distance < best {
			best, found = distance, choice
		}
	}
	return found, found != ""
}

func tolerance(letters int) int {
	switch {
	case letters <= 2:
		return 0
	case letters <= 5:
		return 1
	case letters <= 8:
		return 2
	}
	return 3
}

// editDistance is the Damerau-Levenshtein distance in its optimal string alignment form, or limit if it is at least
// that. Words whose lengths alone differ by the limit are not compared.
func editDistance(a, b string, limit int) int {
	from, to := []rune(a), []rune(b)
	if max(len(from)-len(to), len(to)-len(from)) >= limit {
		return limit
	}
	// Three rows of the table suffice: the one being filled and the two before it.
	older, previous, current := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range current {
		current[j] = j
	}
	for i := 1; i <= len(from); i++ {
		older, previous, current = previous, current, older
		current[0] = i
		for j := 1; j <= len(to); j++ {
			change := previous[j-1]
			if from[i-1] != to[j-1] {
				change++
			}
			current[j] = min(change, previous[j]+1, current[j-1]+1)
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				current[j] = min(current[j], older[j-2]+1)
			}
		}
	}
	return min(current[len(to)], limit)
}

func didYouMean(near string) string { return fmt.Sprintf("did you mean %q?", near) }

// keysOf names the keys of a mapping, for a hint where something else stands.
func keysOf(names []string) string {
	known := strings.TrimPrefix(listing(names), "one of: ")
	if known == "" {
		return ""
	}
	return "its keys: " + known
}

// listing names the choices, for a hint where none is near.
func listing(choices []string) string {
	switch {
	case len(choices) == 0:
		return ""
	case len(choices) > maxListed:
		return "one of: " + strings.Join(choices[:maxListed], ", ") + ", …"
	}
	return "one of: " + strings.Join(choices, ", ")
}
