package workflows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"postern/engine"
	phrases "postern/internal/labels"
	"postern/internal/yamldoc"
)

var (
	languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	afterCode   = regexp.MustCompile(`^after\.[a-z0-9][a-z0-9-]{0,63}\.(title|text)$`)
	surrogates  = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
)

// labelFiles reads the files under labels/, each a language.
func (l *loader) labelFiles() {
	roots := map[string]*yamldoc.Node{}
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		language, isLabels := languageOf(name)
		if !isLabels {
			continue
		}
		root := l.json(name)
		if root == nil {
			continue
		}
		if !languageTag.MatchString(language) {
			l.complain(root.Errorf("%q is no language tag such as es or pt-BR", language))
		}
		if root.Kind() != yamldoc.Mapping {
			l.complain(root.Errorf("expected texts by their codes, found %s", root.Kind()))
			continue
		}
		if l.book.Labels == nil {
			l.book.Labels = map[string]map[string]string{}
		}
		l.book.Labels[language], roots[language] = map[string]string{}, root
		for code, text := range root.Entries() {
			if l.label(code, text) {
				l.book.Labels[language][code.Text()] = text.Text()
			}
		}
	}
	l.labelGaps(roots)
}

// json parses a file of JSON, which is YAML but for characters that are written as two escapes; nil after a complaint.
func (l *loader) json(name string) *yamldoc.Node {
	text := surrogates.ReplaceAllFunc(l.sources[name], func(pair []byte) []byte {
		var character string
		if json.Unmarshal([]byte(`"`+string(pair)+`"`), &character) != nil {
			return pair
		}
		return []byte(character)
	})
	doc, diags := yamldoc.Parse(name, text)
	l.complain(diags...)
	if doc == nil || doc.Root().Kind() == yamldoc.Invalid || diags.Err() != nil {
		return nil
	}
	if !json.Valid(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		at := doc.Root().Errorf("this is not valid JSON: texts and their codes are in double quotes, " +
			"with commas between")
		at.Line, at.Column = invalidAt(bytes.TrimPrefix(text, []byte("\ufeff")))
		l.complain(at)
		return nil
	}
	return doc.Root()
}

// invalidAt is the place, from 1, where a text ceases to be JSON.
func invalidAt(text []byte) (line, column int) {
	wrong, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, new(any)))
	if !ok {
		return 1, 1
	}
	before := text[:max(wrong.Offset-1, 0)] // the offset counts the first character that is wrong
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}

// languageOf is the language of a file under labels/.
func languageOf(name string) (string, bool) {
	language, isJSON := strings.CutSuffix(path.Base(name), ".json")
	return language, isJSON && path.Dir(name) == "labels"
}

// labelled tells whether the book has a text of its own for a code.
func (l *loader) labelled(code string) bool {
	for _, texts := range l.book.Labels {
		if _, ok := texts[code]; ok {
			return true
		}
	}
	return false
}

// label checks one text by its code.
func (l *loader) label(code, text *yamldoc.Node) bool {
	if text.Kind() != yamldoc.Text {
		if text.Kind() != yamldoc.Invalid {
			l.complain(text.Errorf("expected text, found %s", text.Kind()))
		}
		return false
	}
	holes, known := l.options.Texts[code.Text()]
	switch {
	case afterCode.MatchString(code.Text()): // which has none
	case l.options.Texts == nil || l.options.Kept:
		return true
	case !known:
		d := code.Errorf("unknown label code %q", code.Text())
		if near, ok := yamldoc.Suggest(code.Text(), slices.Sorted(maps.Keys(l.options.Texts))); ok {
			d = d.WithHint("did you mean \"" + near + "\"?")
		}
		l.complain(d)
		return false
	}
	if err := phrases.Check(text.Text(), holes); err != nil {
		l.complain(text.Errorf("%s: %v", code.Text(), err))
		return false
	}
	return true
}

// labelGaps warns of languages that lack what the others have. One that Postern has no texts of needs all of them.
func (l *loader) labelGaps(roots map[string]*yamldoc.Node) {
	all := map[string]bool{}
	for _, texts := range l.book.Labels {
		for code := range texts {
			all[code] = true
		}
	}
	for _, language := range slices.Sorted(maps.Keys(roots)) {
		needed := maps.Clone(all)
		if l.options.Languages != nil && !slices.Contains(l.options.Languages, language) {
			for code := range l.options.Texts {
				needed[code] = true
			}
		}
		for code := range l.book.Labels[language] {
			delete(needed, code)
		}
		if len(needed) > 0 {
			l.complain(roots[language].Warningf("label-gap", "%s has no text for %s", language, few(needed)))
		}
	}
}

// few names some of many.
func few(names map[string]bool) string {
	sorted := slices.Sorted(maps.Keys(names))
	const most = 5
	if len(sorted) <= most {
		return strings.Join(sorted, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(sorted[:most], ", "), len(sorted)-most)
}

// texts reads what a landing says in place of the door's own texts.
func (p *page) texts(entries []yamldoc.Entry) {
	languages := map[string]bool{}
	codes := map[string]*yamldoc.Node{}
	for _, entry := range entries {
		if entry.Value.Kind() != yamldoc.Mapping {
			if p.label(entry.Key, entry.Value) {
				p.landing.Texts = with(p.landing.Texts, entry.Key.Text(), engine.Labels{"en": entry.Value.Text()})
			}
			continue
		}
		said := engine.Labels{}
		for language, text := range entry.Value.Entries() {
			if !languageTag.MatchString(language.Text()) {
				p.complain(language.Errorf("%q is no language tag such as es or pt-BR", language.Text()))
				continue
			}
			if p.label(entry.Key, text) {
				said[language.Text()], languages[language.Text()] = text.Text(), true
			}
		}
		if len(said) > 0 {
			p.landing.Texts, codes[entry.Key.Text()] = with(p.landing.Texts, entry.Key.Text(), said), entry.Key
		}
	}
	for code, at := range codes {
		missing := maps.Clone(languages)
		for language := range p.landing.Texts[code] {
			delete(missing, language)
		}
		if len(missing) > 0 {
			p.complain(at.Warningf("label-gap", "%s has no text in %s, which others here have", code, few(missing)))
		}
	}
}

func with(texts map[string]engine.Labels, code string, said engine.Labels) map[string]engine.Labels {
	if texts == nil {
		texts = map[string]engine.Labels{}
	}
	texts[code] = said
	return texts
}
