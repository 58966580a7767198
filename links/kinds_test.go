package links_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// kindsHouse is a house whose landing "kinds" has every kind of entry and action.
func kindsHouse(t *testing.T, change ...func(*links.DoorConfig)) *house {
	t.Helper()
	h := newHouse(t, change...)
	addKinds(h.book)
	return h
}

// addKinds puts the landing into a book, and the modules of what it makes.
func addKinds(book *engine.Book) {
	module := book.Modules["HelpDesk"]
	score := field("score", engine.TypeInteger, "Score")
	reason := field("reason", engine.TypeText, "Reason")
	module.Fields["score"], module.Fields["reason"] = score, reason
	comments := &engine.Module{Name: "ModComments", ExternalID: "cf_key", Fields: map[string]*engine.Field{
		"commentcontent": field("commentcontent", engine.TypeText, "Comment"),
		"related_to":     {Name: "related_to", Type: engine.TypeReference, To: []string{"HelpDesk"}},
		"cf_key":         {Name: "cf_key", Type: engine.TypeText, Unique: true},
	}}
	documents := &engine.Module{Name: "Documents", ExternalID: "cf_key", Fields: map[string]*engine.Field{
		"notes_title": field("notes_title", engine.TypeText, "Title"),
		"filename":    {Name: "filename", Type: engine.TypeFile},
		"cf_ticket":   {Name: "cf_ticket", Type: engine.TypeReference, To: []string{"HelpDesk"}},
		"cf_key":      {Name: "cf_key", Type: engine.TypeText, Unique: true},
	}}
	book.Modules["ModComments"], book.Modules["Documents"] = comments, documents
	comment := field("comment", engine.TypeText, "Your comment")
	comment.Max = 200
	must := *reason
	must.Required = true
	book.Landings["kinds"] = &engine.Landing{
		Name: "kinds", Version: "v1", Module: module, Modules: book.Modules,
		Show: []string{"ticket_no", "ticketstatus"},
		Edit: []*engine.Edit{
			{Field: score, Scale: &engine.Scale{From: 1, To: 5}},
			{Field: comment, Creates: &engine.Creation{Module: comments, Field: "commentcontent", By: "related_to"}},
			{
				Field: field("photo", engine.TypeFile, "Photo"),
				Creates: &engine.Creation{
					Module: documents, Field: "filename", By: "cf_ticket",
					Set: engine.Fields{"notes_title": "From a customer"},
				},
				Upload: &engine.Upload{Max: 600 << 10, Types: []string{"image/png", "application/pdf"}},
			},
		},
		Actions: []*engine.Action{
			{
				Name: "resolve", Label: engine.Labels{"en": "It works again"}, Undo: 15 * time.Minute,
				Set: engine.Fields{"ticketstatus": "Resolved"}, If: unless{"ticketstatus", "Closed"},
			},
			{
				Name: "reject", Set: engine.Fields{"ticketstatus": "Wait For Response"}, Undo: 15 * time.Minute,
				Ask: []*engine.Edit{{Field: &must, Max: 100}},
			},
		},
		Expires: 24 * time.Hour, Uses: 5,
	}
}

// unless is the condition that a field has another value.
type unless struct{ field, value string }

func (u unless) Eval(env *engine.Env) (any, error) { return env.Record.Text(u.field) != u.value, nil }
func (unless) Routes() []string                    { return nil }
func (u unless) Source() string                    { return fmt.Sprintf("record.%s != %q", u.field, u.value) }
func (u unless) Reads() []string                   { return []string{u.field} }

// attached is a file as a browser sends it.
type attached struct{ entry, name, content string }

// send submits a page's form with files.
func (v *visitor) upload(page shown, fields map[string]string, files ...attached) shown {
	v.h.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("~seen", page.seen())
	for name, value := range fields {
		_ = form.WriteField(name, value)
	}
	for _, f := range files {
		head := textproto.MIMEHeader{}
		head.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename=%q`, f.entry, f.name))
		head.Set("Content-Type", "image/png") // as it is claimed
		part, err := form.CreatePart(head)
		if err != nil {
			v.h.t.Fatal(err)
		}
		_, _ = part.Write([]byte(f.content))
	}
	_ = form.Close()
	request, err := http.NewRequestWithContext(v.h.t.Context(), http.MethodPost, v.h.url+page.path, &body)
	if err != nil {
		v.h.t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	return v.do(request)
}

// made are the kept records of a module that the door made, by their events.
func (h *house) made(module string) (records []engine.Record) {
	h.t.Helper()
	for _, event := range h.events() {
		if event.Type == engine.RecordCreated && event.Ref().Module == module {
			found, err := h.store.Records(h.t.Context(), []engine.Ref{event.Ref()})
			if err != nil {
				h.t.Fatal(err)
			}
			records = append(records, found...)
		}
	}
	return records
}

// writes changes the ticket as a workflow does.
func (h *house) writes(fields engine.Fields) {
	h.t.Helper()
	id, err := engine.NewID(h.clock.Now(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	err = h.store.Write(h.t.Context(), engine.Write{
		Ref: ticket, Patch: engine.Patch{Set: fields},
		Origin: engine.Origin{EventID: id, Source: engine.Source, At: h.clock.Now()},
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// owned takes all work over from the engine of the house.
func (h *house) owned() (fences []engine.Fence) {
	h.t.Helper()
	partitions, err := h.store.Claim(h.t.Context(), "another", "memory", h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, p := range partitions {
		fences = append(fences, engine.Fence{Partition: p.ID, Epoch: p.Epoch})
	}
	return fences
}

// effects takes what is to be done in another CRM.
func (h *house) effects(fences []engine.Fence) []*engine.Effect {
	h.t.Helper()
	demand := engine.EffectDemand{Fences: fences, Now: h.clock.Now(), Limit: 10}
	effects, _, err := h.store.TakeEffects(h.t.Context(), demand)
	if err != nil {
		h.t.Fatal(err)
	}
	return effects
}
