// Package labels holds what the product says to the people outside, in their languages, and writes numbers and dates as
// they do. A language is a JSON file named by its BCP 47 tag: codes such as "door.continue" with their text, in which
// {{.Name}} stands for a value. English is complete by rule and the end of every fallback.
package labels

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// maxChoices is how many choices of a language are remembered at most: browsers wish for a few thousand things in all.
const maxChoices = 4096

// maxWish is the longest wish that is remembered, in bytes.
const maxWish = 200

// Catalogue holds the texts of several languages. What it says does not change once made, and it is safe for concurrent
// use.
type Catalogue struct {
	layers []Layer // the topmost first

	mu     sync.Mutex
	chosen map[string]Texts // by the wish: reading one takes longer than finding it
}

// New reads the *.json files at the top of some folders; no code may be in two of them. There must be an en.json.
func New(folders ...fs.FS) (*Catalogue, error) {
	texts := map[string]map[string]string{}
	for _, folder := range folders {
		files, err := fs.Glob(folder, "*.json")
		if err != nil {
			return nil, fmt.Errorf("read labels: %w", err)
		}
		for _, name := range files {
			tag := strings.TrimSuffix(path.Base(name), ".json")
			found, err := read(folder, name, tag)
			if err != nil {
				return nil, fmt.Errorf("read labels: %s: %w", name, err)
			}
			for code := range found {
				if _, twice := texts[tag][code]; twice {
					return nil, fmt.Errorf("read labels: %s: %s is in two folders", name, code)
				}
			}
			if texts[tag] == nil {
				texts[tag] = map[string]string{}
			}
			maps.Copy(texts[tag], found)
		}
	}
	if texts["en"] == nil {
		return nil, fmt.Errorf("read labels: there is no en.json, which every language falls back to")
	}
	return &Catalogue{layers: []Layer{NewLayer(texts)}}, nil
}

func read(folder fs.FS, name, tag string) (texts map[string]string, err error) {
	if _, err := language.Parse(tag); err != nil {
		return nil, fmt.Errorf("%q is no language tag", tag)
	}
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, err
	}
	// Editors on some systems put a byte order mark in front.
	return texts, json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &texts)
}

// With is the catalogue with other texts over its own: language → code → text. A language that it does not have yet
// becomes one that it offers.
func (c *Catalogue) With(texts map[string]map[string]string) *Catalogue {
	return &Catalogue{layers: append([]Layer{NewLayer(texts)}, c.layers...)}
}

// For chooses the language: the first of the wishes that the catalogue has, each wish also without its
// region or script, else English. A wish is a language tag or an Accept-Language header (RFC 9110 section
// 12.5.4); one that cannot be read counts as none.
func (c *Catalogue) For(wishes ...string) Texts {
	key := strings.Join(wishes, "\n")
	c.mu.Lock()
	texts, known := c.chosen[key]
	c.mu.Unlock()
	if known {
		return texts
	}
	texts = c.choose(wishes)
	if len(key) > maxWish {
		return texts
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chosen == nil || len(c.chosen) >= maxChoices {
		c.chosen = map[string]Texts{}
	}
	c.chosen[key] = texts
	return texts
}

func (c *Catalogue) choose(wishes []string) Texts {
	for _, wish := range wishes {
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil {
			continue
		}
		for _, tag := range tags {
			for ; tag != language.Und; tag = tag.Parent() {
				if c.offers(tag) {
					return newTexts(tag, c.layers)
				}
			}
		}
	}
	return newTexts(language.English, c.layers)
}

// offers tells whether there are texts in exactly this language.
func (c *Catalogue) offers(tag language.Tag) bool {
	return slices.ContainsFunc(c.layers, func(l Layer) bool { return l[tag] != nil })
}

// Layer are texts made ready to be said, by language and code. An empty text counts as none, so that a translator may
// leave one for later.
type Layer map[language.Tag]map[string]phrase

// NewLayer makes texts ready: language → code → text. What is no language tag is left out.
func NewLayer(texts map[string]map[string]string) Layer {
	layer := Layer{}
	for name, codes := range texts {
		tag, err := language.Parse(name)
		if err != nil {
			continue
		}
		phrases := make(map[string]phrase, len(codes))
		for code, text := range codes {
			if text != "" {
				phrases[code] = parse(text)
			}
		}
		maps.Copy(phrases, layer[tag]) // pt_BR and pt-BR are one language
		layer[tag] = phrases
	}
	return layer
}
