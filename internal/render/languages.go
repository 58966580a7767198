package render

import (
	"maps"
	"slices"
	"strings"
)

// Languages say which texts somebody gets in whose language there is none.
type Languages struct {
	Chains  map[string][]string // language → those to try after it, in this order
	Default string              // what all end with; "" for English
}

// After are the languages in which a text is looked for, in order: the language itself and those after it, the plain
// language of a regional tag and those after that, and the one that all end with.
func (l Languages) After(language string) []string {
	var all []string
	add := func(languages ...string) {
		for _, tag := range languages {
			if tag != "" && !slices.Contains(all, tag) {
				all = append(all, tag)
			}
		}
	}
	add(language)
	add(l.Chains[language]...)
	if plain, _, regional := strings.Cut(language, "-"); regional {
		add(plain)
		add(l.Chains[plain]...)
	}
	add(l.Default)
	if l.Default == "" {
		add("en")
	}
	return all
}

// choose is the text for a language; nil if there is none at all. Where none of the languages to try has one, it is
// the first by its tag.
func (l Languages) choose(texts map[string]*text, language string) *text {
	if found := texts[language]; found != nil {
		return found
	}
	for _, tag := range l.After(language) {
		if found := texts[tag]; found != nil {
			return found
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(texts)) {
		return texts[tag]
	}
	return nil
}

// leftwards are the languages that are written from the right to the left.
var leftwards = []string{"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}

// direction is how a language is written, in the word of HTML.
func direction(language string) string {
	plain, _, _ := strings.Cut(language, "-")
	if slices.Contains(leftwards, plain) {
		return "rtl"
	}
	return "ltr"
}
