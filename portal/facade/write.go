package facade

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"postern/engine"
	"postern/portal"
	"postern/portal/facade/query"
)

// create makes a record of what the role may give.
func (f *Facade) create(c *call, v portal.Viewer) (answer, error) {
	m, err := f.module(v, c.value("elementtype"))
	if err != nil {
		return answer{}, fault(codeDenied, deniedText)
	}
	if m.Access.Create == nil {
		return answer{}, portal.ErrForbidden
	}
	set, err := element(c.value("element"), m)
	if err != nil {
		return answer{}, err
	}
	for name := range set {
		if slices.Contains(m.Access.Create.Fields, name) {
			continue
		}
		if _, ours := m.Access.Create.Set[name]; !ours && !passed(m, name) {
			return answer{}, &query.DeniedError{Attribute: clip(name)}
		}
		delete(set, name) // the policy says what it is, whatever is given
	}
	if err := needed(set, m.Access.Create.Fields, m, v); err != nil {
		return answer{}, err
	}
	done, err := f.with.Records.Create(c.context(), v, m.Name, set, "")
	if err != nil {
		return answer{}, err
	}
	return f.done(v, done)
}

// update changes a record that is sent as a whole, as coreBOS wants it: what the role may change and needs a value has
// to be there.
func (f *Facade) update(c *call, v portal.Viewer) (answer, error) { return f.change(c, v, true) }

// revise changes the fields that are sent.
func (f *Facade) revise(c *call, v portal.Viewer) (answer, error) { return f.change(c, v, false) }

func (f *Facade) change(c *call, v portal.Viewer, whole bool) (answer, error) {
	members, err := object([]byte(c.value("element")))
	if err != nil {
		return answer{}, fault(codeParameter, "element is a JSON object of fields and values")
	}
	var id string
	if json.Unmarshal(members["id"], &id) != nil || id == "" {
		return answer{}, fault(codeID, "Id specified is incorrect")
	}
	found, err := f.find(c.context(), v, id, c.value("elementtype"))
	if err != nil {
		return answer{}, err
	}
	m, err := f.module(v, found.Module)
	if err != nil {
		return answer{}, err
	}
	if len(m.Access.Update) == 0 {
		return answer{}, fault(codeDenied, unreadable)
	}
	set, err := element(c.value("element"), m)
	if err != nil {
		return answer{}, err
	}
	if whole {
		if err := needed(set, m.Access.Update, m, v); err != nil {
			return answer{}, err
		}
	}
	if err := f.narrow(set, found, m); err != nil {
		return answer{}, err
	}
	if len(set) == 0 {
		return f.record(v, found)
	}
	done, err := f.with.Records.Update(c.context(), v, found.Ref, set, "")
	if err != nil {
		return answer{}, err
	}
	return f.done(v, done)
}

// narrow leaves of what a client sent that which is to change. Clients of coreBOS send the whole record back: what is
// as it was, or as the client library adds it by itself, is no change; anything else has to be the role's to change.
func (f *Facade) narrow(set engine.Fields, found portal.Row, m portal.ModuleView) error {
	for name, value := range set {
		shown := slices.Contains(m.Access.Read, name)
		switch {
		case shown && plain(value, m.Fields[name]) == plain(found.Fields[name], m.Fields[name]):
			delete(set, name)
		case slices.Contains(m.Access.Update, name):
		case passed(m, name):
			delete(set, name)
		default:
			return &query.DeniedError{Attribute: clip(name)}
		}
	}
	return nil
}

// passed tells whether a field is passed over without a word where the role cannot give it: the owner, which ws-lib
// adds to everything that it sends.
func passed(m portal.ModuleView, name string) bool {
	field := m.Fields[name]
	return (field != nil && field.Type == engine.TypeOwner) || name == ownerField
}

const ownerField = "assigned_user_id"

// element reads the fields of a record that a client sent. A value is single: what lies deeper than a
// list of options is refused.
func element(text string, m portal.ModuleView) (engine.Fields, error) {
	members, err := object([]byte(text))
	if err != nil {
		return nil, fault(codeParameter, "element is a JSON object of fields and values")
	}
	set := engine.Fields{}
	for name, raw := range members {
		if added(name, m) {
			continue
		}
		var value any
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(&value); err != nil {
			return nil, fault(codeParameter, "element is a JSON object of fields and values")
		}
		if _, nested := value.(map[string]any); nested {
			return nil, &query.DeniedError{Attribute: clip(name)}
		}
		set[name] = taken(value, m.Fields[name])
	}
	return set, nil
}

// added tells whether a member of a record is what answers add to its fields, and clients send back with them: the id,
// the name behind a reference.
func added(name string, m portal.ModuleView) bool {
	of, named := strings.CutSuffix(name, "ename")
	field := m.Fields[of]
	named = named && field != nil && (field.Type == engine.TypeReference || field.Type == engine.TypeOwner)
	return named || name == "id"
}

// needed complains about the first of some fields that must have a value and gets none.
func needed(set engine.Fields, among []string, m portal.ModuleView, v portal.Viewer) error {
	for _, name := range among {
		field := m.Fields[name]
		if field == nil || !field.Required {
			continue
		}
		if text, single := engine.PlainText(set[name]); single && text == "" {
			return mandatory(field, v.Language)
		}
	}
	return nil
}

// remove deletes a record.
func (f *Facade) remove(c *call, v portal.Viewer) (answer, error) {
	found, err := f.find(c.context(), v, c.value("id"), c.value("elementtype"))
	if err != nil {
		return answer{}, err
	}
	if v.Access(found.Module) == nil || !v.Access(found.Module).Delete {
		return answer{}, fault(codeDenied, unreadable)
	}
	if _, err := f.with.Records.Delete(c.context(), v, found.Ref, ""); err != nil {
		return answer{}, err
	}
	return answer{result: row{}.with("status", "successful")}, nil
}

// done is what a client is told of a change: the record, or its id where there is nothing (any more) to show.
func (f *Facade) done(v portal.Viewer, done portal.Done) (answer, error) {
	if done.Row != nil {
		return f.record(v, *done.Row)
	}
	result := row{}.with("id", done.Ref.ID)
	if done.Pending {
		return answer{result: result.with("status", "pending"), status: http.StatusAccepted}, nil
	}
	return answer{result: result}, nil
}
