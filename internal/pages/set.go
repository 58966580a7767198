package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"

	"postern/internal/labels"
)

// Parts are what the pages of a Set are made of.
type Parts struct {
	Names     []string         // of the pages, each of which is <name>.html in Folder
	Folder    fs.FS            // that holds them
	Fragments []string         // templates that every page has besides
	Funcs     template.FuncMap // that the templates call
}

// Set are the pages of a part, parsed.
type Set struct {
	site   *Site
	byName map[string]*template.Template
}

// Page is one page to be written.
type Page struct {
	labels.Texts
	Name, Title string
	Styles      []string // paths of further stylesheets
	Scripts     []string // paths of its scripts; a page with one needs the header of Policy.Scripts
	Shell       any      // what is around the body, for the part's own "top" and "foot"
	Body        any
}

// filled is a page with what every page of the site has.
type filled struct {
	Page
	Brand, Style, Icon, Logo string
}

// Parse reads the pages of a part. They are built into the program, so an error is a mistake in the program.
func (s *Site) Parse(parts Parts) (*Set, error) {
	set := &Set{site: s, byName: map[string]*template.Template{}}
	for _, name := range parts.Names {
		parsed, err := template.New(name).Funcs(parts.Funcs).ParseFS(files, "files/layout.html")
		for _, fragment := range parts.Fragments {
			if err == nil {
				parsed, err = parsed.Parse(fragment)
			}
		}
		if err == nil {
			parsed, err = parsed.ParseFS(parts.Folder, name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("read page %s: %w", name, err)
		}
		set.byName[name] = parsed
	}
	return set, nil
}

// Has tells whether there is a page.
func (s *Set) Has(name string) bool { return s.byName[name] != nil }

// Render writes a page as a whole, before anything of it is sent.
func (s *Set) Render(page Page) ([]byte, error) {
	parsed := s.byName[page.Name]
	if parsed == nil {
		return nil, fmt.Errorf("there is no page %q", page.Name)
	}
	var out bytes.Buffer
	err := parsed.ExecuteTemplate(&out, "layout", filled{
		Page: page, Brand: s.site.brand, Style: s.site.style, Icon: s.site.icon, Logo: s.site.logo,
	})
	return out.Bytes(), err
}
