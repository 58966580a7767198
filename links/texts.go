package links

import (
	"io/fs"
	"sync"
	"time"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
)

// needed are the values that a text is of no use without: what it is sent for, and until when something works, which
// people have to be told where a page or a code has its time.
var needed = map[string][]string{
	"message.code.text": {"Code"}, "message.code.sms": {"Code"}, "message.mail.text": {"Link"},
	"challenge.until": {"Until"}, "challenge.wait": {"Until"}, "challenge.resend.after": {"Until"},
	"carry.until": {"Until"}, "resend.wait.text": {"Until"}, "undo.text": {"Until"},
}

// ShippedLabels are the texts of the door in the languages that come with it.
func ShippedLabels() (*labels.Catalogue, error) {
	folder, err := fs.Sub(shipped, "labels")
	if err != nil {
		return nil, err
	}
	return pages.Labels(folder)
}

// Texts are the codes of all texts of the door, with the values that each has a place for. A text in place of one of
// them may hold no others, and must hold those that it is of no use without.
func Texts() (map[string]labels.Holes, error) {
	folder, err := fs.Sub(shipped, "labels")
	if err != nil {
		return nil, err
	}
	return pages.Codes(folder, needed)
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
