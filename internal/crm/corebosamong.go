package crm

import (
	"context"
	"slices"

	"postern/engine"
)

// named are the ids of which a record must have one, where there are several and each record can be read by itself.
func named(search engine.Search) (ids []string) {
	if len(search.Order) > 0 || len(search.Where.Relations()) > 0 {
		return nil
	}
	parts := []engine.Predicate{search.Where}
	if search.Where.Op == engine.OpAnd {
		parts = search.Where.Of
	}
	at := slices.IndexFunc(parts, func(p engine.Predicate) bool { return p.Op == engine.OpIn && p.Path == "id" })
	if at < 0 || len(parts[at].Values) < 2 {
		return nil
	}
	for _, operand := range parts[at].Values {
		if id, ok := operand.Value.(string); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// among reads the records that are named, one by one: each by a query of its own would be more ways than a search has.
func (s *searching) among(
	ctx context.Context, ids []string, place engine.Place, later bool,
) (found engine.Found, err error) {
	refs := make([]engine.Ref, len(ids))
	for i, id := range ids {
		refs[i] = engine.Ref{Module: s.Module.Name, ID: id}
	}
	records, err := s.get(ctx, refs, s.shown)
	if err != nil {
		return engine.Found{}, err
	}
	slices.SortFunc(records, byNumber)
	for _, record := range records {
		holds, err := s.holds(ctx, record)
		if err != nil {
			return engine.Found{}, err
		}
		if holds {
			found.Records = append(found.Records, record)
		}
	}
	if s.Total {
		found.Total = len(found.Records)
	}
	if later {
		seen := func(r engine.Record) bool { return number(r.ID) <= number(place.ID) }
		found.Records = slices.DeleteFunc(found.Records, seen)
	}
	found.Records = found.Records[min(s.Offset, len(found.Records)):]
	if len(found.Records) > s.Limit {
		if found.Records = found.Records[:s.Limit]; s.Limit > 0 {
			found.Next = s.Next(found.Records[s.Limit-1])
		}
	}
	return found, nil
}

// shown reads a record as a query would: what the CRM does not show to its user is not there.
func (s *searching) shown(ctx context.Context, ref engine.Ref) (*engine.Record, error) {
	record, err := s.read(ctx, ref)
	if refusedWith(err, codeDenied) {
		return nil, nil
	}
	return record, err
}
