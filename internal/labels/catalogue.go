// Package labels keeps the texts that people read, by code and language.
//
// A language is one JSON file named by its BCP 47 tag: codes such as "door.continue" with their text, in
// which {{.Name}} stands for a value. English is complete by rule and the end of every fallback.
package labels

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Catalogue holds the texts of several languages. It does not change once made and is safe for concurrent use.
type Catalogue struct {
	localizers map[language.Tag]*i18n.Localizer
}

// New reads the *.json files at the top of a folder. There must be an en.json.
func New(folder fs.FS) (*Catalogue, error) {
	files, err := fs.Glob(folder, "*.json")
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	bundle := i18n.NewBundle(language.English)
	for _, name := range files {
		if err := add(bundle, folder, name); err != nil {
			return nil, fmt.Errorf("read labels: %s: %w", name, err)
		}
	}
	if !slices.Contains(files, "en.json") {
		return nil, fmt.Errorf("read labels: there is no en.json, which every language falls back to")
	}
	c := &Catalogue{localizers: map[language.Tag]*i18n.Localizer{}}
	for _, tag := range bundle.LanguageTags() {
		c.localizers[tag] = i18n.NewLocalizer(bundle, tag.String())
	}
	return c, nil
}

func add(bundle *i18n.Bundle, folder fs.FS, name string) error {
	tag := strings.TrimSuffix(path.Base(name), ".json")
	if _, err := language.Parse(tag); err != nil {
		return fmt.Errorf("%q is no language tag", tag)
	}
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	// Editors on some systems put a byte order mark in front.
	_, err = bundle.ParseMessageFileBytes(bytes.TrimPrefix(data, []byte("\ufeff")), name)
	return err
}

// For chooses the language: the first of the wishes that the catalogue has, each wish also without its
// region or script, else English. A wish is a language tag or an Accept-Language header (RFC 9110 section
// 12.5.4); one that cannot be read counts as none.
func (c *Catalogue) For(wishes ...string) Texts {
	for _, wish := range wishes {
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil {
			continue
		}
		for _, tag := range tags {
			for ; tag != language.Und; tag = tag.Parent() {
				if localizer, ok := c.localizers[tag]; ok {
					return newTexts(tag, localizer)
				}
			}
		}
	}
	return newTexts(language.English, c.localizers[language.English])
}
