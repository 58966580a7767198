package engine

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// MaxExpires is the longest life of a link.
const MaxExpires = 90 * 24 * time.Hour

// MaxOpens is the longest life of a link into a portal: what it lets somebody do is more than one record.
const MaxOpens = 24 * time.Hour

// UsualOpens is the life of a link into a portal where nothing says another.
const UsualOpens = 20 * time.Minute

// Landing is the page and the rules behind a link: what its file under landings/ says.
type Landing struct {
	Name    string
	Version string            // hash over Files
	Files   map[string]string // path → text of every file Version covers, enough to load it again
	Module  *Module
	Modules map[string]*Module  // all modules of the book it was loaded with
	Title   map[string]Template // by language; nil map for the record's label
	Show    []string
	Edit    []*Edit
	Actions []*Action
	Expires time.Duration // how long a link to it lives
	Uses    int           // how many effects one link may have

	Opens        *Opens            // the part of a portal that it leads into, in place of a record; nil for a record
	Factor       *Factor           // what is asked for before the record is shown; nil for nothing
	ByExternalID bool              // it opens by the external id of a record too: /x/<landing>/<external id>
	Bind         bool              // a link opens only in the browser that opened it first
	After        After             // where the visitor goes after an effect
	HandOver     *HandOver         // the customer's own page that visitors are handed over to; nil for our own
	Texts        map[string]Labels // by label code: texts in place of the door's own
}

// Opens is what a link into a portal is good for; it has one use.
type Opens struct {
	Portal string
	What   OpensWhat
}

// OpensWhat is what a link into a portal lets its recipient do.
type OpensWhat string

// OpensWhats are all that links into a portal are good for.
func OpensWhats() []OpensWhat { return []OpensWhat{OpensPassword, OpensSignIn} }

// What links into a portal are good for.
const (
	OpensPassword OpensWhat = "password" // choose a password
	OpensSignIn   OpensWhat = "sign_in"  // sign in
)

// After says what a visitor sees after an effect; its zero value is the receipt in its usual words.
type After struct {
	Page     string // texts of the receipt: the labels after.<page>.title and after.<page>.text; "" for the usual ones
	Redirect string // https address of a configured host that the receipt leads on to; "" for none
}

// HandOver sends visitors on to a page of the customer's own, with a signed statement of what they may do there.
type HandOver struct {
	To     string        // https address of a configured host
	Secret string        // name of the secret that signs the statement (JWT, HS256)
	Fields []string      // fields of the record that the statement tells
	Life   time.Duration // of the statement
}

// Edit is a field that a visitor may change or, with Creates, a text or file that becomes a record of its own.
type Edit struct {
	Field   *Field    // of the landing's module; with Creates made up, under the name and label of the entry
	Label   Labels    // in place of the field's; nil for none
	Options []string  // those of a picklist or multipicklist a visitor may choose; all of the field's if empty
	Max     int       // longest text in characters; the field's limit if 0
	Scale   *Scale    // of a number: it is chosen from a row; nil for a field to type in
	Creates *Creation // the record that is made of what was typed; nil where the field itself is changed
	Upload  *Upload   // of a file, which needs Creates; nil for none
}

// Scale is a row of whole numbers to choose from.
type Scale struct{ From, To int }

// Steps are the numbers of the row as text.
func (s Scale) Steps() []string {
	var steps []string
	for n := s.From; n <= s.To; n++ {
		steps = append(steps, strconv.Itoa(n))
	}
	return steps
}

// Has tells whether a plain value is one of the row.
func (s Scale) Has(value any) bool {
	return slices.ContainsFunc(s.Steps(), func(step string) bool { return Same(json.Number(step), value) })
}

// Creation is a record that is made of one entry of a form.
type Creation struct {
	Module *Module
	Field  string // takes the entry
	By     string // reference that leads back to the landing's record
	Set    Fields // what is set besides
}

// Upload says which files a visitor may send.
type Upload struct {
	Max   int64    // bytes of one file
	Types []string // media types, such as application/pdf
}

// Allowed returns the field narrowed to what the visitor may enter. Its type stays, and so do its own limits.
func (e *Edit) Allowed() *Field {
	field := *e.Field
	if len(e.Options) > 0 {
		field.Options = e.Options
	}
	if e.Max > 0 && e.Max < field.longest() {
		field.Max = e.Max
	}
	if len(e.Label) > 0 {
		field.Label = e.Label
	}
	return &field
}

// Action is one change that a visitor may make by confirming it.
type Action struct {
	Name   string
	Label  Labels        // of its button
	Set    Fields        // plain values
	If     Program       // of the record: the action is offered while it is true; nil for always
	Ask    []*Edit       // what is typed on its page before it is confirmed
	Undo   time.Duration // for how long it can be taken back; 0: not at all
	Factor *Factor       // what it asks for beside the landing's own; nil for nothing more
	Within time.Duration // how old that proof, or the landing's, may be; 0 for as long as it holds
}

// Factors are all factors that the landing or one of its actions asks for, each once.
func (l *Landing) Factors() (all []*Factor) {
	add := func(f *Factor) {
		if f != nil && !slices.ContainsFunc(all, func(o *Factor) bool { return o.Name == f.Name }) {
			all = append(all, f)
		}
	}
	add(l.Factor)
	for _, a := range l.Actions {
		add(a.Factor)
	}
	return all
}

// Action finds an action by name; nil if there is none.
func (l *Landing) Action(name string) *Action {
	for _, a := range l.Actions {
		if a.Name == name {
			return a
		}
	}
	return nil
}
