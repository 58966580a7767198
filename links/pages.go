package links

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"

	"postern/internal/labels"
)

//go:embed pages labels
var shipped embed.FS

// pages holds the parsed pages and the few files beside them.
type pages struct {
	byName map[string]*template.Template
	style  string // path of the stylesheet
	icon   string
	assets map[string]http.Handler // by path
}

// What the pages are filled with.
type (
	// page is what every page has; Body is one of the types below.
	page struct {
		labels.Texts
		Title, Brand, Style, Icon string
		Body                      any
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

// loadPages reads what is built into the program, so an error is a mistake in the program.
func loadPages() (*pages, error) {
	p := &pages{byName: map[string]*template.Template{}, assets: map[string]http.Handler{}}
	for _, name := range []string{"door", "record", "action", "receipt", "reason"} {
		parsed, err := template.New(name).Funcs(draw).ParseFS(shipped, "pages/layout.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("read page %s: %w", name, err)
		}
		p.byName[name] = parsed
	}
	var err error
	if p.style, err = p.addAsset("style.css", "text/css; charset=utf-8"); err != nil {
		return nil, err
	}
	p.icon, err = p.addAsset("icon.svg", "image/svg+xml")
	return p, err
}

// addAsset serves a file under a name made of its content, so that browsers may keep it for ever.
func (p *pages) addAsset(name, mediaType string) (string, error) {
	data, err := shipped.ReadFile("pages/" + name)
	if err != nil {
		return "", fmt.Errorf("read page asset: %w", err)
	}
	sum := sha256.Sum256(data)
	where := "/assets/" + hex.EncodeToString(sum[:8]) + path.Ext(name)
	p.assets[where] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(data)
	})
	return where, nil
}

// render writes a page as a whole, before anything of it is sent.
func (p *pages) render(reply answer, texts labels.Texts, brand Brand) ([]byte, error) {
	parsed := p.byName[reply.page]
	if parsed == nil {
		return nil, fmt.Errorf("there is no page %q", reply.page)
	}
	var out bytes.Buffer
	err := parsed.ExecuteTemplate(&out, "layout", page{
		Texts: texts, Title: reply.title, Brand: brand.Name, Style: p.style, Icon: p.icon, Body: reply.body,
	})
	return out.Bytes(), err
}
