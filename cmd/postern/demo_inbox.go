package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"regexp"
	"time"

	"postern/channels"
	"postern/engine"
)

//go:embed pages/inbox.html
var inboxPage string

//go:embed pages/inbox.css
var inboxStyle string

// handler is the demo's inbox in front of what serve answers.
func (d *demonstration) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", d.house.handler())
	mux.Handle("GET /{$}", http.RedirectHandler("/inbox", http.StatusSeeOther))
	mux.HandleFunc("GET /inbox", d.showInbox)
	mux.HandleFunc("GET /inbox/{id}/html", d.showHTML)
	mux.HandleFunc("GET /inbox/{id}/eml", d.downloadMail)
	mux.HandleFunc("GET /inbox/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(inboxStyle))
	})
	return mux
}

// inboxMail is one message as the page shows it.
type inboxMail struct {
	ID      engine.ID
	To      string
	Subject string
	At      string
	Parts   []inboxPart
	HasHTML bool
}

// inboxPart is a piece of text, or an address to be followed.
type inboxPart struct {
	Text string
	Link bool
}

func (d *demonstration) showInbox(w http.ResponseWriter, _ *http.Request) {
	var mails []inboxMail
	for _, c := range d.inbox.Messages() {
		m := c.Message
		mails = append(mails, inboxMail{
			ID: m.Delivery, To: m.Recipient.Name + " <" + m.Recipient.Address + ">", Subject: m.Content.Subject,
			At: c.At.Local().Format(time.TimeOnly), Parts: linkParts(m.Content.Text, d.house.base.String()),
			HasHTML: m.Content.HTML != "",
		})
	}
	var page bytes.Buffer
	shape, err := template.New("inbox").Parse(inboxPage)
	if err == nil {
		err = shape.Execute(&page, map[string]any{"Mails": mails})
	}
	if err != nil {
		http.Error(w, "the inbox cannot be shown", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(page.Bytes())
}

// linkParts cuts a text at the addresses of the door under base: those of links, and of second links.
func linkParts(text, base string) []inboxPart {
	var parts []inboxPart
	last := 0
	for _, at := range regexp.MustCompile(regexp.QuoteMeta(base)+`/[lm]/\S+`).FindAllStringIndex(text, -1) {
		parts = append(parts, inboxPart{Text: text[last:at[0]]}, inboxPart{Text: text[at[0]:at[1]], Link: true})
		last = at[1]
	}
	return append(parts, inboxPart{Text: text[last:]})
}

// message finds the captured message that a request names.
func (d *demonstration) message(w http.ResponseWriter, r *http.Request) (channels.Captured, bool) {
	id, err := engine.ParseID(r.PathValue("id"))
	captured, ok := d.inbox.Message(id)
	if err != nil || !ok {
		http.NotFound(w, r)
		return captured, false
	}
	return captured, true
}

// showHTML shows the HTML part as it came, in a sandbox that runs nothing.
func (d *demonstration) showHTML(w http.ResponseWriter, r *http.Request) {
	captured, ok := d.message(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"sandbox allow-popups allow-top-navigation-by-user-activation; default-src 'none'; style-src 'unsafe-inline'")
	_, _ = w.Write([]byte(captured.Message.Content.HTML))
}

// downloadMail gives the message as a mail program would keep it.
func (d *demonstration) downloadMail(w http.ResponseWriter, r *http.Request) {
	captured, ok := d.message(w, r)
	if !ok {
		return
	}
	eml, err := d.inbox.EML(captured.Message.Delivery)
	if err != nil {
		http.Error(w, "the mail cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "message/rfc822")
	w.Header().Set("Content-Disposition", `attachment; filename="`+captured.Message.Delivery.String()+`.eml"`)
	_, _ = w.Write(eml)
}
