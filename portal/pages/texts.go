package pages

import (
	"io/fs"
	"maps"
	"sync"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
)

// needed are the values that a text is of no use without.
var needed = map[string][]string{}

// folders are those of the labels, one for each topic and one for what all have.
func folders() ([]fs.FS, error) {
	names := []string{"portal"}
	for _, t := range topics() {
		if t.name != "" {
			names = append(names, t.name)
		}
	}
	var found []fs.FS
	for _, name := range names {
		folder, err := fs.Sub(shipped, "labels/"+name)
		if err != nil {
			return nil, err
		}
		found = append(found, folder)
	}
	return found, nil
}

// ShippedLabels are the texts of the portal's pages in the languages that come with it.
func ShippedLabels() (*labels.Catalogue, error) {
	folders, err := folders()
	if err != nil {
		return nil, err
	}
	return pages.Labels(folders...)
}

// Texts are the codes of all texts of the portal's pages, with the values that each has a place for; see links.Texts.
func Texts() (map[string]labels.Holes, error) {
	folders, err := folders()
	if err != nil {
		return nil, err
	}
	all := map[string]labels.Holes{}
	for _, folder := range folders {
		codes, err := pages.Codes(folder, needed)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, codes)
	}
	return all, nil
}

// speech is how the pages speak: their own words, and over them the book's. What the present book says is made ready
// once for each book, not for each request.
type speech struct {
	shipped *labels.Catalogue
	book    func() *engine.Book

	mu   sync.Mutex
	of   *engine.Book // that said was made of
	said *labels.Catalogue
}

// texts are those in the first of the wished languages that there is.
func (s *speech) texts(wishes ...string) labels.Texts {
	book := s.book()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of != book || s.said == nil {
		s.of, s.said = book, s.shipped
		if len(book.Labels) > 0 {
			s.said = s.shipped.With(book.Labels)
		}
	}
	return s.said.For(wishes...)
}
