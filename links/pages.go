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
		Masked string `json:"masked,omitempty"`
	}
	// recordBody is empty but for Heading and Shown where nothing may be changed.
	recordBody struct {
		Heading  string       `json:"heading"`
		Notice   string       `json:"notice,omitempty"`
		Shown    []shownField `json:"shown,omitempty"`
		Actions  []choice     `json:"actions,omitempty"`
		HandOver *elsewhere   `json:"hand_over,omitempty"`
		Form     formBody     `json:"form,omitzero"`
	}
	// formBody is a form as a page draws it.
	formBody struct {
		Controls []control `json:"controls,omitempty"`
		Seen     string    `json:"seen,omitempty"`
		Faults   []control `json:"-"`
		Files    bool      `json:"files,omitempty"` // it can only be sent as multipart/form-data
		Sends    bool      `json:"-"`               // what is entered goes out rather than into the record as it is
	}
	// elsewhere is a way to a page of the customer's.
	elsewhere struct {
		Host string `json:"host"`
		URL  string `json:"url"`
	}
	// choice is a button that leads to an action.
	choice struct {
		Label string `json:"label"`
		URL   string `json:"url"`
	}
	// actionBody asks for a confirmation, unless the action was Already done, or is Gone: not offered any more.
	actionBody struct {
		Heading string   `json:"heading"`
		About   string   `json:"about"`
		Notice  string   `json:"notice,omitempty"`
		Undo    string   `json:"undo,omitempty"`
		Back    string   `json:"back"`
		Changes []change `json:"changes"`
		Already bool     `json:"already,omitempty"`
		Gone    bool     `json:"gone,omitempty"`
		Form    formBody `json:"form,omitzero"`
	}
	// change is one field as it is and as it would become.
	change struct {
		Old shownField `json:"old"`
		New shownField `json:"new"`
	}
	// receiptBody is what was done and when; Back is "" when the link has no uses left.
	receiptBody struct {
		Heading    string       `json:"heading"`
		Text       string       `json:"text"`
		Notice     string       `json:"notice,omitempty"`
		NoticeText string       `json:"notice_text,omitempty"`
		About      string       `json:"about,omitempty"`
		What       string       `json:"what,omitempty"`
		When       string       `json:"when"`
		Back       string       `json:"back,omitempty"`
		Done       []shownField `json:"done,omitempty"`
		Undo       undoOffer    `json:"undo,omitzero"`
		Onward     *elsewhere   `json:"onward,omitempty"`
	}
	// undoOffer is the way to take a visit back; its URL is "" where there is none.
	undoOffer struct {
		URL   string `json:"url"`
		Visit string `json:"seen"` // which visit, in the field that tells what a page showed
		Until string `json:"until"`
	}
	// reasonBody says why there is nothing to see; Code is for a failure that somebody should look into.
	// Again is where to have the link sent once more, to the address in Masked; without it AgainText says whom to ask.
	reasonBody struct {
		Reason  string `json:"code"` // the name that its labels stand under
		Heading string `json:"title"`
		Text    string `json:"message"`
		Code    string `json:"reference,omitempty"`

		Again     string `json:"again,omitempty"`
		Masked    string `json:"masked,omitempty"`
		AgainText string `json:"-"`
	}
	// resentBody says that a new link is on its way.
	resentBody struct {
		Heading string `json:"-"`
		Text    string `json:"message"`
	}
)

// drawing is a control, or a form, with the texts its drawing needs: a template within a page takes one value.
type drawing struct {
	Texts   labels.Texts
	Control control
	Form    formBody
}

var draw = template.FuncMap{
	"control": func(texts labels.Texts, c control) drawing { return drawing{Texts: texts, Control: c} },
	"form":    func(texts labels.Texts, f formBody) drawing { return drawing{Texts: texts, Form: f} },
}

// loadPages reads what is built into the program, so an error is a mistake in the program, or one of the brand.
func loadPages(brand Brand) (*pages, error) {
	if err := brand.Check(); err != nil {
		return nil, fmt.Errorf("brand: %w", err)
	}
	p := &pages{byName: map[string]*template.Template{}, assets: map[string]http.Handler{}, brand: brand.Name}
	for _, name := range []string{
		"door", "record", "action", "receipt", "reason", "reason.cookies",
		"challenge", "mail", "carry", "resent", "unsubscribe",
	} {
		parsed, err := template.New(name).Funcs(draw).ParseFS(shipped, "pages/layout.html", "pages/control.html",
			"pages/"+name+".html")
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
	path = assetPath(data, suffix)
	p.assets[path] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(data)
	})
	return path
}

// assetPath is a name made of a file's content.
func assetPath(data []byte, suffix string) string {
	sum := sha256.Sum256(data)
	return "/assets/" + hex.EncodeToString(sum[:8]) + suffix
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
