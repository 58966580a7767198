package engine

import (
	"errors"
	"fmt"
)

// Check refuses, Permanent, what no searcher can answer: bounds that are not kept, and fields to sort by that the
// module does not have.
func (s Search) Check() error {
	switch {
	case s.Module == nil:
		return Permanent(errors.New("search: no module is named"))
	case s.Limit < 0 || s.Limit > MaxListed:
		return Permanent(fmt.Errorf("search at most %d records: between 0 and %d can be asked for", s.Limit, MaxListed))
	case s.Offset < 0:
		return Permanent(fmt.Errorf("search from record %d on: there is none", s.Offset))
	case s.Offset > 0 && s.After != "":
		return Permanent(errors.New("search: an offset and a place cannot both be given"))
	case len(s.Order) > MaxSortings:
		return Permanent(fmt.Errorf("search: sort by at most %d fields", MaxSortings))
	}
	for _, by := range s.Order {
		if by.Field != "id" && s.Module.Fields[by.Field] == nil {
			return Permanent(fmt.Errorf("search: module %s has no field %q to sort by", s.Module.Name, by.Field))
		}
	}
	if err := s.Where.checkSize(); err != nil {
		return Permanent(fmt.Errorf("search: %w", err))
	}
	return nil
}

// checkSize refuses a predicate that is too large.
func (p Predicate) checkSize() error {
	left := MaxComparisons
	if !p.within(&left, MaxNested) {
		return fmt.Errorf("at most %d comparisons with %d values, %d levels deep", MaxComparisons, MaxAmong, MaxNested)
	}
	return nil
}

func (p Predicate) within(left *int, levels int) bool {
	if levels == 0 || len(p.Values) > MaxAmong {
		return false
	}
	if !p.isJoint() {
		*left--
	}
	for _, part := range p.Of {
		if !part.within(left, levels-1) {
			return false
		}
	}
	return *left >= 0
}
