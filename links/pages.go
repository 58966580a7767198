package links

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"

	"postern/internal/forms"
	"postern/internal/labels"
	"postern/internal/pages"
	"postern/internal/passkey"
)

//go:embed pages labels
var shipped embed.FS

// paper is what the door writes on: its pages and its mails.
type paper struct {
	site    *pages.Site
	pages   *pages.Set
	message *template.Template // of mails
	passkey string             // path of the script that asks for passkeys
}

// What the pages are filled with.
type (
	// doorBody is all that the door tells: whom the link was sent to, if anyone, and that only in part.
	doorBody struct {
		Masked string `json:"masked,omitempty"`
	}
	// recordBody is empty but for Heading and Shown where nothing may be changed.
	recordBody struct {
		Heading  string        `json:"heading"`
		Notice   string        `json:"notice,omitempty"`
		Shown    []forms.Shown `json:"shown,omitempty"`
		Actions  []choice      `json:"actions,omitempty"`
		HandOver *elsewhere    `json:"hand_over,omitempty"`
		Form     forms.Body    `json:"form,omitzero"`
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
		Heading string     `json:"heading"`
		About   string     `json:"about"`
		Notice  string     `json:"notice,omitempty"`
		Undo    string     `json:"undo,omitempty"`
		Back    string     `json:"back"`
		Changes []change   `json:"changes"`
		Already bool       `json:"already,omitempty"`
		Gone    bool       `json:"gone,omitempty"`
		Form    forms.Body `json:"form,omitzero"`
	}
	// change is one field as it is and as it would become.
	change struct {
		Old forms.Shown `json:"old"`
		New forms.Shown `json:"new"`
	}
	// receiptBody is what was done and when; Back is "" when the link has no uses left.
	receiptBody struct {
		Heading    string        `json:"heading"`
		Text       string        `json:"text"`
		Notice     string        `json:"notice,omitempty"`
		NoticeText string        `json:"notice_text,omitempty"`
		About      string        `json:"about,omitempty"`
		What       string        `json:"what,omitempty"`
		When       string        `json:"when"`
		Back       string        `json:"back,omitempty"`
		Done       []forms.Shown `json:"done,omitempty"`
		Undo       undoOffer     `json:"undo,omitzero"`
		Onward     *elsewhere    `json:"onward,omitempty"`
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
		Portal    string `json:"-"` // the page where one asks for another link into a portal
	}
	// resentBody says that a new link is on its way.
	resentBody struct {
		Heading string `json:"-"`
		Text    string `json:"message"`
	}
)

// loadPaper reads what is built into the program, so an error is a mistake in the program, or one of the brand.
func loadPaper(brand pages.Brand) (p paper, err error) {
	if p.site, err = pages.NewSite(brand, pages.DoorAssets); err != nil {
		return p, err
	}
	p.passkey = p.site.Add(passkey.Script, ".js", "text/javascript; charset=utf-8")
	folder, err := fs.Sub(shipped, "pages")
	if err != nil {
		return p, err
	}
	p.pages, err = p.site.Parse(pages.Parts{
		Names: []string{
			"door", "record", "action", "receipt", "reason", "reason.cookies",
			"challenge", "mail", "carry", "resent", "unsubscribe",
		},
		Folder: folder, Fragments: []string{forms.Template()}, Funcs: forms.Funcs(),
	})
	if err != nil {
		return p, err
	}
	if p.message, err = template.ParseFS(shipped, "pages/message.html"); err != nil {
		return p, fmt.Errorf("read page message: %w", err)
	}
	return p, nil
}

// render writes a page as a whole.
func (p paper) render(reply answer, texts labels.Texts) ([]byte, error) {
	return p.pages.Render(pages.Page{
		Texts: texts, Name: reply.page, Title: reply.title, Body: reply.body, Scripts: reply.scripts,
	})
}
