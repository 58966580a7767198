package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
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
	mux.Handle("/inbox", d.inbox())
	mux.Handle("/inbox/", d.inbox())
	return mux
}

// inbox answers everything below /inbox.
func (d *demonstration) inbox() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /inbox", d.showInbox)
	mux.HandleFunc("GET /inbox/{id}/html", d.showHTML)
	mux.HandleFunc("GET /inbox/{id}/eml", d.downloadMail)
	mux.Handle("POST /inbox/{id}/press", http.NewCrossOriginProtection().Handler(http.HandlerFunc(d.pressButton)))
	mux.HandleFunc("GET /inbox/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(inboxStyle))
	})
	return mux
}

func (d *demonstration) showInbox(w http.ResponseWriter, _ *http.Request) {
	var all []inboxMessage
	for _, c := range d.room.messages() {
		all = append(all, d.inboxMessage(c))
	}
	var page bytes.Buffer
	shape, err := template.New("inbox").Parse(inboxPage)
	if err == nil {
		err = shape.Execute(&page, map[string]any{"Messages": all})
	}
	if err != nil {
		http.Error(w, "the inbox cannot be shown", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(page.Bytes())
}

// message finds the captured message that a request names.
func (d *demonstration) message(w http.ResponseWriter, r *http.Request) (engine.Message, *channels.Capture) {
	id, err := engine.ParseID(r.PathValue("id"))
	captured, by := d.room.message(id)
	if err != nil || by == nil {
		http.NotFound(w, r)
		return engine.Message{}, nil
	}
	return captured.Message, by
}

// showHTML shows the HTML part as it came, in a sandbox that runs nothing.
func (d *demonstration) showHTML(w http.ResponseWriter, r *http.Request) {
	message, by := d.message(w, r)
	if by == nil {
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"sandbox allow-popups allow-top-navigation-by-user-activation; default-src 'none'; style-src 'unsafe-inline'")
	_, _ = w.Write([]byte(message.Content.HTML))
}

// downloadMail gives the message as a mail program would keep it.
func (d *demonstration) downloadMail(w http.ResponseWriter, r *http.Request) {
	message, by := d.message(w, r)
	if by == nil {
		return
	}
	eml, err := by.EML(message.Delivery)
	if err != nil {
		http.Error(w, "the mail cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "message/rfc822")
	w.Header().Set("Content-Disposition", `attachment; filename="`+message.Delivery.String()+`.eml"`)
	_, _ = w.Write(eml) //nolint:gosec // a mail to be saved, by its type and disposition, not shown
}

// pressButton does what the chat's server would do: it tells the door which button was pressed, and keeps the answer
// to show it with the message.
func (d *demonstration) pressButton(w http.ResponseWriter, r *http.Request) {
	message, by := d.message(w, r)
	if by == nil {
		return
	}
	action := r.PostFormValue("action")
	for _, button := range message.Content.Buttons {
		if button.Action == action || action == engine.PressUndo {
			pressed := d.house.door.Press(r.Context(), engine.Press{
				Link: button.Link, Generation: button.Generation, Action: action, By: "demo",
			})
			d.answers.Store(message.Delivery, pressed)
			http.Redirect(w, r, "/inbox#"+message.Delivery.String(), http.StatusSeeOther)
			return
		}
	}
	http.Error(w, "the message has no such button", http.StatusBadRequest)
}

// answered is what the last press on a message's buttons came to; the zero Pressed for none.
func (d *demonstration) answered(id engine.ID) engine.Pressed {
	answer, ok := d.answers.Load(id)
	if !ok {
		return engine.Pressed{}
	}
	pressed := answer.(engine.Pressed)
	if time.Now().After(pressed.Until) {
		pressed.Undo = ""
	}
	return pressed
}
