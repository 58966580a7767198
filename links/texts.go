package links

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/engine"
	"postern/internal/labels"
)

// needed are the values that a text is of no use without: what it is sent for, and until when something works, which
// people have to be told where a page or a code has its time.
var needed = map[string][]string{
	"message.code.text": {"Code"}, "message.code.sms": {"Code"}, "message.mail.text": {"Link"},
	"challenge.until": {"Until"}, "challenge.wait": {"Until"}, "challenge.resend.after": {"Until"},
	"carry.until": {"Until"}, "resend.wait.text": {"Until"}, "undo.text": {"Until"},
	"form.longest": {"Max"}, "form.meanwhile": {"Value"},
	"date.day": {"Day", "Month", "Year"}, "date.moment": {"Day", "Time", "Zone"},
	"date.clock": {"Time", "Zone"}, "form.zone": {"Zone"},
}

// ShippedLabels are the texts of the door in the languages that come with it.
func ShippedLabels() (*labels.Catalogue, error) {
	folder, err := fs.Sub(shipped, "labels")
	if err != nil {
		return nil, err
	}
	return labels.New(folder)
}

// Texts are the codes of all texts of the door, with the values that each has a place for. A text in place of one of
// them may hold no others, and must hold those that it is of no use without.
func Texts() (map[string]labels.Holes, error) {
	data, err := shipped.ReadFile("labels/en.json")
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	var english map[string]string
	if err := json.Unmarshal(data, &english); err != nil {
		return nil, fmt.Errorf("read labels: en.json: %w", err)
	}
	texts := make(map[string]labels.Holes, len(english))
	for code, text := range english {
		texts[code] = labels.Holes{May: labels.HolesOf(text), Must: needed[code]}
	}
	return texts, nil
}

// Languages are the tags of the languages that the door comes with, sorted.
func Languages() ([]string, error) {
	files, err := fs.Glob(shipped, "labels/*.json")
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	tags := make([]string, len(files))
	for i, file := range files {
		tags[i] = strings.TrimSuffix(path.Base(file), ".json")
	}
	slices.Sort(tags)
	return tags, nil
}

// speech is how the door speaks: its own words, over them the book's, over them the landing's. What the present book
// says is made ready once for each book, not for each request.
type speech struct {
	shipped *labels.Catalogue
	book    func() *engine.Book
	zone    *time.Location // whose clocks tell the time; nil for UTC

	mu   sync.Mutex
	of   *engine.Book // that the rest was made of
	said spoken
}

// spoken are the texts of one book.
type spoken struct {
	catalogue *labels.Catalogue
	landings  map[string]labels.Layer // by the landing's name
}

// texts are those of a landing, "" for none, in the first of the wished languages that there is.
func (s *speech) texts(landing string, wishes ...string) labels.Texts {
	now := s.now()
	return now.catalogue.For(wishes...).Over(now.landings[landing]).In(s.zone)
}

func (s *speech) now() spoken {
	book := s.book()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of != book || s.said.catalogue == nil {
		s.of, s.said = book, speak(s.shipped, book)
	}
	return s.said
}

// speak makes the texts of a book ready.
func speak(shipped *labels.Catalogue, book *engine.Book) spoken {
	said := spoken{catalogue: shipped, landings: map[string]labels.Layer{}}
	if len(book.Labels) > 0 {
		said.catalogue = shipped.With(book.Labels)
	}
	for name, landing := range book.Landings {
		if len(landing.Texts) > 0 {
			said.landings[name] = labels.NewLayer(byLanguage(landing.Texts))
		}
	}
	return said
}

// byLanguage turns texts by code and language into texts by language and code.
func byLanguage(texts map[string]engine.Labels) map[string]map[string]string {
	turned := map[string]map[string]string{}
	for code, said := range texts {
		for language, text := range said {
			if turned[language] == nil {
				turned[language] = map[string]string{}
			}
			turned[language][code] = text
		}
	}
	return turned
}
