package links

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"

	"postern/internal/labels"
)

//go:embed pages labels
var shipped embed.FS

// pages holds the parsed pages and the few files beside them.
type pages struct {
	byName  map[string]*template.Template
	message *template.Template // of mails
	brand   string             // name of it
	style   string             // path of the stylesheet
	icon    string
	logo    string                  // path of the brand's logo; "" for none
	assets  map[string]http.Handler // by path
}

// What the pages are filled with.
type (
	// page is what every page has; Body is one of the types below.
	page struct {
		labels.Texts
		Title, Brand, Style, Icon, Logo string
		Body                            any
	}
	// doorBody is all that the door tells: whom the link was sent to, if anyone, and that only in part.
	doorBody struct {
		Masked string
	}
	// recordBody is empty but for Heading and Shown where nothing may be changed.
	recordBody struct {
		Heading, Notice string
		Shown           []shownField
		Actions         []choice
		Controls        []control
		Seen            string
		Faults          []control
	}
	// choice is a button that leads to an action.
	choice struct {
		Label, URL string
	}
	actionBody struct {
		Heading, About, Notice, Seen, Back string
		Changes                            []change
		Already                            bool
	}
	// change is one field as it is and as it would become.
	change struct {
		Old, New shownField
	}
	// receiptBody is what was done and when; Back is "" when the link has no uses left.
	receiptBody struct {
		Heading, Text, About, What, When, Back string
		Done                                   []shownField
	}
	// reasonBody says why there is nothing to see; Code is for a failure that somebody should look into.
	reasonBody struct {
		Heading, Text, Code string
	}
)

// drawing is a control with the texts its drawing needs: a template within a page takes one value.
type drawing struct {
	Texts   labels.Texts
	Control control
}

var draw = template.FuncMap{
	"pair": func(texts labels.Texts, c control) drawing { return drawing{Texts: texts, Control: c} },
}

// loadPages reads what is built into the program, so an error is a mistake in the program, or one of the brand.
func loadPages(brand Brand) (*pages, error) {
	if err := brand.Check(); err != nil {
		return nil, fmt.Errorf("brand: %w", err)
	}
	p := &pages{byName: map[string]*template.Template{}, assets: map[string]http.Handler{}, brand: brand.Name}
	for _, name := range []string{"door", "record", "action", "receipt", "reason", "reason.cookies",
		"challenge", "mail", "carry",
	} {
		parsed, err := template.New(name).Funcs(draw).ParseFS(shipped, "pages/layout.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("read page %s: %w", name, err)
		}
		p.byName[name] = parsed
	}
	var err error
	if p.message, err = template.ParseFS(shipped, "pages/message.html"); err != nil {
		return nil, fmt.Errorf("read page message: %w", err)
	}
	style, err := shipped.ReadFile("pages/style.css")
	if err != nil {
		return nil, fmt.Errorf("read stylesheet: %w", err)
	}
	icon, err := shipped.ReadFile("pages/icon.svg")
	if err != nil {
		return nil, fmt.Errorf("read icon: %w", err)
	}
	p.style = p.serve(append(style, brand.style()...), ".css", "text/css; charset=utf-8")
	p.icon = p.serve(brand.icon(icon), ".svg", "image/svg+xml")
	if media, err := logoType(brand.Logo); err == nil {
		p.logo = p.serve(brand.Logo, "", media)
	}
	return p, nil
}

// serve answers for a file under a name made of its content, so that browsers may keep it for ever.
func (p *pages) serve(data []byte, suffix, mediaType string) (path string) {
	sum := sha256.Sum256(data)
	path = "/assets/" + hex.EncodeToString(sum[:8]) + suffix
	p.assets[path] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(data)
	})
	return path
}

// render writes a page as a whole, before anything of it is sent.
func (p *pages) render(reply answer, texts labels.Texts) ([]byte, error) {
	parsed := p.byName[reply.page]
	if parsed == nil {
		return nil, fmt.Errorf("there is no page %q", reply.page)
	}
	var out bytes.Buffer
	err := parsed.ExecuteTemplate(&out, "layout", page{
		Texts: texts, Title: reply.title, Brand: p.brand, Style: p.style, Icon: p.icon, Logo: p.logo, Body: reply.body,
	})
	return out.Bytes(), err
}
