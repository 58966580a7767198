package corebostest

import (
	"encoding/json"
	"maps"
	"slices"

	"postern/engine"
)

// joined is two records that are related, by the numbers of their ids, the smaller one first.
type joined [2]int

func join(a, b *record) joined { return joined{min(a.number, b.number), max(a.number, b.number)} }

// relate answers SetRelation and UnsetRelation. What stands already is no error; two records of one module are not
// parted, and it is said all the same that they were.
func (p *Player) relate(operation, id, with string, by User) reply {
	if refused := p.checkID(id); refused != nil {
		return *refused
	}
	r := p.at(id)
	if r == nil {
		return denied
	}
	var ids []string
	if json.Unmarshal([]byte(with), &ids) != nil {
		ids = []string{with}
	}
	p.note(operation, r, map[string]string{"with_these_ids": with}, by)
	for _, id := range ids {
		other := p.at(id)
		switch {
		case other == nil:
		case operation == "SetRelation":
			p.setRelation(r, other, true, by)
		case r.module != other.module:
			p.setRelation(r, other, false, by)
		}
	}
	return result(true)
}

func (p *Player) setRelation(a, b *record, stands bool, by User) {
	if p.related[join(a, b)] == stands {
		return
	}
	kind := engine.RecordRelated
	if p.related[join(a, b)] = stands; !stands {
		delete(p.related, join(a, b))
		kind = engine.RecordUnrelated
	}
	p.publishRelation(kind, a, b, by)
	p.publishRelation(kind, b, a, by)
}

// Related are the records that a record is related to, in the order of their ids.
func (p *Player) Related(ref engine.Ref) []engine.Ref {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.at(ref.ID)
	if r == nil {
		return nil
	}
	var refs []engine.Ref
	for _, n := range slices.Sorted(maps.Keys(p.records)) {
		if other := p.records[n]; p.related[join(r, other)] && !other.deleted {
			refs = append(refs, other.ref())
		}
	}
	return refs
}
