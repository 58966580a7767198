package corebostest

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/engine"
)

const stamp = "2006-01-02 15:04:05" // UTC, without saying so

var idForm = regexp.MustCompile(`^(\d+)x\d+$`)

// retrieve reads one record.
func (p *Player) retrieve(id string) reply {
	if refused := p.checkID(id); refused != nil {
		return *refused
	}
	r := p.at(id)
	if r == nil {
		return wrongID
	}
	return result(p.shown(r, true))
}

// checkID refuses what is no id of a known module.
func (p *Player) checkID(id string) *reply {
	prefix := "0"
	if parts := idForm.FindStringSubmatch(id); parts != nil {
		prefix = parts[1]
	}
	for _, m := range p.modules {
		if m.prefix == prefix {
			return nil
		}
	}
	r := deniedFor("id: " + prefix)
	return &r
}

// create makes a record. An owner that does not exist is refused only after the record was stored, and it stays.
func (p *Player) create(moduleName string, given map[string]string, by User) reply {
	m := p.modules[moduleName]
	if m == nil {
		return denied
	}
	if refused := m.missing(given, func(string) bool { return true }); refused != nil {
		return *refused
	}
	r := p.make(m, given, by)
	p.note("create", r, given, by)
	if !p.isUser(r.fields["assigned_user_id"]) {
		return databaseError
	}
	p.publish(engine.RecordCreated, r, nil, by)
	return result(p.shown(r, false))
}

// update changes a record. An update must bring all mandatory fields, a revise only those that it changes; what either
// leaves out stays.
func (p *Player) update(operation string, given map[string]string, by User) reply {
	id := given["id"]
	if id == "" {
		return wrongID
	}
	if refused := p.checkID(id); refused != nil {
		return *refused
	}
	r := p.at(id)
	if r == nil {
		return denied
	}
	asked := func(name string) bool {
		_, given := given[name]
		return given || operation == "update"
	}
	if refused := r.module.missing(given, asked); refused != nil {
		return *refused
	}
	p.note(operation, r, given, by)
	p.change(r, given, by)
	return result(p.shown(r, true))
}

func (p *Player) delete(id string, by User) reply {
	r := p.at(id)
	if r == nil {
		return denied
	}
	p.note("delete", r, nil, by)
	p.remove(r, by)
	return result(map[string]string{"status": "successful"})
}

func (p *Player) note(operation string, r *record, given map[string]string, by User) {
	p.written = append(p.written, Written{
		Operation: operation, Ref: r.ref(), Set: maps.Clone(given), User: by.Name, At: p.now(),
	})
}

// make stores a new record.
func (p *Player) make(m *module, given map[string]string, by User) *record {
	p.last++
	r := &record{module: m, number: p.last, fields: map[string]string{}}
	sum := sha1.Sum([]byte(r.id()))
	r.uuid = hex.EncodeToString(sum[:])
	now := p.now().UTC()
	for _, f := range m.fields {
		value, there := given[f.Name]
		switch {
		case f.Name == "createdtime" || f.Name == "modifiedtime":
			value = now.Format(stamp)
		case f.Name == "created_user_id" || f.Name == "modifiedby":
			value = by.ID
		case f.Uitype == numbering:
			value = p.number(m)
		case f.Type.Name == "date" && !there:
			value = now.Format(time.DateOnly)
		case !f.Editable:
			value = ""
		default:
			value = p.stored(f, value)
		}
		r.fields[f.Name] = value
	}
	r.fields["id"] = r.id()
	p.records[r.number] = r
	if m.name == "HelpDesk" {
		r.fields["update_log"] = "Ticket created. Assigned to user " + p.userLabel(by.ID) + logEnd(now, by)
		r.fields["email"] = p.emailOf(r.fields["parent_id"])
	}
	return r
}

// change sets fields of a record; those that do not exist or cannot be edited are passed over without a word.
func (p *Player) change(r *record, given map[string]string, by User) {
	before := maps.Clone(r.fields)
	now := p.now().UTC()
	for _, f := range r.module.fields {
		if value, there := given[f.Name]; there && f.Editable {
			r.fields[f.Name] = p.stored(f, value)
		}
	}
	r.fields["modifiedtime"], r.fields["modifiedby"] = now.Format(stamp), by.ID
	if r.module.name == "HelpDesk" {
		var status string
		if r.fields["ticketstatus"] != before["ticketstatus"] {
			status = ` Status Changed to ` + r.fields["ticketstatus"] + `\.`
		}
		r.fields["update_log"] += status + logEnd(now, by)
		r.fields["email"] = p.emailOf(r.fields["parent_id"])
	}
	p.publish(engine.RecordUpdated, r, before, by)
}

func (p *Player) remove(r *record, by User) {
	r.deleted = true
	p.publish(engine.RecordDeleted, r, nil, by)
}

// stored is a value as the CRM keeps it: nothing is checked but that a reference leads somewhere.
func (p *Player) stored(f field, value string) string {
	switch f.Type.Name {
	case "boolean":
		if value == "" || value == "false" || value == "off" {
			return "0"
		}
		return map[bool]string{true: "1", false: value}[value == "true" || value == "on"]
	case "integer":
		n, _ := strconv.Atoi(value)
		return strconv.Itoa(n)
	case "double", "currency":
		n, _ := strconv.ParseFloat(value, 64)
		return strconv.FormatFloat(n, 'f', 6, 64)
	case reference:
		if p.at(value) == nil && !p.isUser(value) {
			return ""
		}
	}
	return value
}

// number is the next ticket_no, contact_no or account_no.
func (p *Player) number(m *module) string {
	p.numbers[m.name]++
	prefix := map[string]string{"Accounts": "ACC", "Contacts": "CON", "HelpDesk": "TT"}[m.name]
	return fmt.Sprintf("%s%d", prefix, p.numbers[m.name])
}

// emailOf is the address of a ticket's contact or account.
func (p *Player) emailOf(parent string) string {
	r := p.at(parent)
	if r == nil {
		return ""
	}
	return r.fields["email"] + r.fields["email1"]
}

func logEnd(now time.Time, by User) string {
	day := now.Format("Monday ") + ordinal(now.Day()) + now.Format(" January 2006 03:04:05 PM")
	return " -- " + day + " by " + by.Name + "--//--"
}

func ordinal(n int) string {
	end := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			end = "st"
		case 2:
			end = "nd"
		case 3:
			end = "rd"
		}
	}
	return strconv.Itoa(n) + end
}

// shown is a record as single calls answer it; one that was there before comes with the names behind its references.
func (p *Player) shown(r *record, names bool) map[string]any {
	out := map[string]any{"cbuuid": r.uuid}
	for name, value := range r.fields {
		out[name] = value
	}
	for _, f := range r.module.fields {
		value := r.fields[f.Name]
		if !names || value == "" || (f.Type.Name != reference && f.Type.Name != owner) {
			continue
		}
		name := map[string]string{"module": "Users", "reference": p.userLabel(value), "cbuuid": ""}
		if other := p.at(value); other != nil {
			name = map[string]string{"module": other.module.name, "reference": other.name(), "cbuuid": other.uuid}
		}
		out[f.Name+"ename"] = name
	}
	return out
}

// name is what a record is called where others refer to it.
func (r *record) name() string {
	var parts []string
	for _, field := range r.module.label {
		parts = append(parts, r.fields[field])
	}
	return strings.Join(parts, " ")
}

func (p *Player) userLabel(id string) string {
	u := p.user(id)
	if u == nil {
		return ""
	}
	return u.FirstName + " " + u.LastName
}

// publish tells a change to whoever asked for events.
func (p *Player) publish(kind string, r *record, before map[string]string, by User) {
	change := &engine.Change{Record: engine.Fields{}, Actor: by.ID}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if before[name] == r.fields[name] {
			continue
		}
		if change.Old == nil {
			change.Old = engine.Fields{}
		}
		change.Old[name] = before[name]
		change.Changed = append(change.Changed, name)
	}
	p.publishChange(kind, r, change)
}

// publishRelation tells a relation for one of its ends.
func (p *Player) publishRelation(kind string, r, other *record, by User) {
	p.publishChange(kind, r, &engine.Change{Record: engine.Fields{}, Actor: by.ID, Related: other.ref().String()})
}

func (p *Player) publishChange(kind string, r *record, change *engine.Change) {
	if p.tell == nil {
		return
	}
	p.told++
	for name, value := range r.fields {
		change.Record[name] = value
	}
	p.tell(&engine.Event{
		ID: fmt.Sprintf("corebos-%d", p.told), Source: source, Type: kind, Subject: r.ref().String(),
		Time: p.now().UTC(), Change: change,
	})
}
