package crm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/engine"
)

const (
	maxRounds = 5     // of queries for one page in the order of ids
	maxSorted = 1_000 // records that are read to sort or count them: some seconds
	maxLeads  = 30    // records that a route may be followed back from
)

// Search asks coreBOS by queries and holds the predicate against each record that comes back, with what its routes lead
// to. In the order of ids, which are numbers here, a page costs a query or few. To sort or count, all records that the
// predicate holds for are read, up to a thousand: a list of more is ErrTooWide, and a total of more Uncounted.
func (c *Corebos) Search(ctx context.Context, search engine.Search) (engine.Found, error) {
	found, err := c.search(ctx, search)
	if err != nil {
		return engine.Found{}, fmt.Errorf("search records: %w", err)
	}
	return found, nil
}

func (c *Corebos) search(ctx context.Context, search engine.Search) (engine.Found, error) {
	ids := named(search)
	check := search
	if len(ids) > 0 { // which need no query
		check.Where = engine.Everything()
	}
	if err := errors.Join(search.Check(), (Config{Kind: KindCorebos}).CanSearch(check)); err != nil {
		return engine.Found{}, err
	}
	place, later, err := search.Start()
	if err != nil {
		return engine.Found{}, err
	}
	m, err := c.module(ctx, search.Module.Name)
	if err != nil {
		return engine.Found{}, err
	}
	if later && !m.has(place.ID) {
		return engine.Found{}, engine.Permanent(engine.ErrNoPlace)
	}
	gets := &remembered{CRM: c, records: map[engine.Ref]*engine.Record{}}
	s := &searching{Corebos: c, Search: search, m: m, gets: gets, leads: map[string][]string{}}
	if len(ids) > 0 {
		return s.among(ctx, ids, place, later)
	}
	if s.queries, err = s.say(ctx, search.Module, search.Where); err != nil {
		return engine.Found{}, err
	}
	if len(search.Order) == 0 && !search.Total && search.Offset == 0 {
		return s.page(ctx, place.ID)
	}
	return s.sorted(ctx, place, later)
}

// searching is one search with the conditions of its queries.
type searching struct {
	*Corebos
	engine.Search
	m       *module
	queries []string
	leads   map[string][]string // ids that routes lead back from, by what was asked
	gets    *remembered
}

// page reads on in the order of ids until the page is full, or for a few rounds.
func (s *searching) page(ctx context.Context, after string) (found engine.Found, err error) {
	more := true
	for round := 0; more && len(found.Records) < s.Limit && round < maxRounds; round++ {
		records, last, err := s.stretch(ctx, after)
		if err != nil {
			return engine.Found{}, err
		}
		found.Records = append(found.Records, records...)
		more, after = last != "", last
	}
	if len(found.Records) < s.Limit {
		if more {
			found.Next = s.Next(engine.Record{Ref: engine.Ref{Module: s.Module.Name, ID: after}})
		}
		return found, nil
	}
	more = more || len(found.Records) > s.Limit
	if found.Records = found.Records[:s.Limit]; more && s.Limit > 0 {
		found.Next = s.Next(found.Records[s.Limit-1])
	}
	return found, nil
}

// stretch reads one page of each query and gives the records up to where all of them have been read; last is that
// place, "" at the end.
func (s *searching) stretch(ctx context.Context, after string) (records []engine.Record, last string, err error) {
	for _, condition := range s.queries {
		if after != "" {
			condition = strings.TrimPrefix(condition+" and id>'"+after+"'", " and ")
		}
		rows, err := s.rows(ctx, s.m, condition)
		if err != nil {
			return nil, "", err
		}
		end, err := s.m.ordered(rows, after)
		if err != nil {
			return nil, "", err
		}
		if len(rows) >= pageRows && (last == "" || number(end) < number(last)) {
			last = end
		}
		records = append(records, s.m.having(rows, s.Module.Name, "", nil)...)
	}
	slices.SortFunc(records, byNumber)
	records = slices.CompactFunc(records, func(a, b engine.Record) bool { return a.ID == b.ID })
	var held []engine.Record
	for _, record := range records {
		if last != "" && number(record.ID) > number(last) {
			break
		}
		holds, err := s.holds(ctx, record)
		if err != nil {
			return nil, "", err
		}
		if holds {
			held = append(held, record)
		}
	}
	return held, last, nil
}

func (c *Corebos) rows(ctx context.Context, m *module, condition string) ([]answered, error) {
	if condition != "" {
		condition = " where " + strings.TrimPrefix(condition, " and ")
	}
	return c.query(ctx, fmt.Sprintf("select * from %s%s order by id limit %d;", m.name, condition, pageRows))
}

func byNumber(a, b engine.Record) int { return cmp.Compare(number(a.ID), number(b.ID)) }

// holds asks the predicate itself.
func (s *searching) holds(ctx context.Context, record engine.Record) (bool, error) {
	env := engine.Env{Ref: record.Ref, Module: s.Module, Modules: s.Modules, Record: record.Fields}
	if err := engine.Trace(ctx, s.gets, &env, s.Where.Routes()); err != nil {
		return false, err
	}
	return s.Where.Holds(engine.Row{Record: record, Routes: env.Routes, Modules: s.Modules}), nil
}

// sorted reads all records, sorts them and gives one page.
func (s *searching) sorted(ctx context.Context, place engine.Place, later bool) (found engine.Found, err error) {
	var all []engine.Record
	after := ""
	for round := 1; ; round++ {
		records, last, err := s.stretch(ctx, after)
		if err != nil {
			return engine.Found{}, err
		}
		if all = append(all, records...); last == "" {
			break
		}
		if after = last; len(all) >= maxSorted || round == maxSorted/pageRows {
			return s.tooMany(ctx, place)
		}
	}
	found.Total = len(all)
	if !s.Total {
		found.Total = 0
	}
	slices.SortFunc(all, func(a, b engine.Record) int { return s.compare(s.PlaceOf(a), s.PlaceOf(b)) })
	if later {
		all = slices.DeleteFunc(all, func(r engine.Record) bool { return s.compare(s.PlaceOf(r), place) <= 0 })
	}
	all = all[min(s.Offset, len(all)):]
	found.Records = all[:min(s.Limit, len(all))]
	if n := len(found.Records); n > 0 && n < len(all) {
		found.Next = s.Next(found.Records[n-1])
	}
	return found, nil
}

// tooMany is what is left to say where not all can be read.
func (s *searching) tooMany(ctx context.Context, place engine.Place) (engine.Found, error) {
	if len(s.Order) > 0 || s.Offset > 0 {
		return engine.Found{}, engine.Permanent(engine.ErrTooWide)
	}
	found, err := s.page(ctx, place.ID)
	found.Uncounted = true
	return found, err
}

func (s *searching) compare(a, b engine.Place) int {
	if order := s.CompareKeys(s.keys(a), s.keys(b)); order != 0 {
		return order
	}
	return cmp.Compare(number(a.ID), number(b.ID))
}

// keys are those of a place, ids by their numbers.
func (s *searching) keys(of engine.Place) []any {
	keys := slices.Clone(of.Keys)
	for i, by := range s.Order {
		if by.Field == "id" {
			keys[i] = number(of.ID)
		}
	}
	return keys
}

// remembered reads each record once for one search.
type remembered struct {
	engine.CRM
	records map[engine.Ref]*engine.Record
	asked   int
}

// Get reads what was not read before.
func (r *remembered) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	var fresh []engine.Ref
	for _, ref := range refs {
		if _, known := r.records[ref]; !known {
			fresh, r.records[ref] = append(fresh, ref), nil
		}
	}
	if r.asked += len(fresh); r.asked > 2*maxSorted {
		return nil, engine.Permanent(engine.ErrTooWide)
	}
	records, err := r.CRM.Get(ctx, fresh...)
	if err != nil {
		return nil, err
	}
	for _, record := range records {
		r.records[record.Ref] = &record
	}
	var known []engine.Record
	for _, ref := range refs {
		if record := r.records[ref]; record != nil {
			known = append(known, *record)
		}
	}
	return known, nil
}
