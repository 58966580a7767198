package engine

import (
	"maps"
	"slices"
	"time"
)

// MeRoutes are the references that must be followed from the record of a subject of the role before a predicate is
// bound or an operand is read, sorted: each after those it begins with.
func (r *Role) MeRoutes() []string {
	routes := map[string]bool{}
	for _, access := range r.Modules {
		for _, route := range append(access.Rows.MeRoutes(), access.While.MeRoutes()...) {
			routes[route] = true
		}
		if access.Create == nil {
			continue
		}
		for _, operand := range access.Create.Set {
			if operand.From == FromMe {
				addRoutes(routes, operand.Path)
			}
		}
	}
	return slices.Sorted(maps.Keys(routes))
}

// Values are what a new record is set to besides what is given, in the plain form; the empty text where the subject's
// record has nothing there. The error is a sentence about a field that cannot hold its value.
func (m *Making) Values(module *Module, me *Env, now time.Time, zone *time.Location) (Fields, error) {
	set := make(Fields, len(m.Set))
	for _, name := range slices.Sorted(maps.Keys(m.Set)) {
		value, err := m.Set[name].Plain(module.Fields[name], me, now, zone)
		if err != nil {
			return nil, err
		}
		set[name] = value
	}
	return set, nil
}

// RoleOf is the role of a subject by what the role field of their record holds: RoleDefault where it holds nothing or
// names none.
func (p *Portal) RoleOf(record Fields) *Role {
	if role := p.Roles[record.Text(p.Subject.Role)]; p.Subject.Role != "" && role != nil {
		return role
	}
	return p.Roles[RoleDefault]
}

// LanguageOf is the language of a subject: what the field of the portal says, or else that of the module; "" for none.
func (p *Portal) LanguageOf(record Fields) string {
	for _, field := range []string{p.Subject.Language, p.Subject.Module.Language} {
		if language := record.Text(field); field != "" && language != "" {
			return language
		}
	}
	return ""
}

// Open tells whether a subject may use the portal now by the dates of their record: From to Until, both included, a
// date as its whole day in the zone. A field that holds no date lets nobody in; an empty one is no limit.
func (s *Subject) Open(record Fields, now time.Time) bool {
	from, fromDay, ok := s.limit(record, s.From)
	if !ok {
		return false
	}
	until, untilDay, ok := s.limit(record, s.Until)
	if !ok {
		return false
	}
	if fromDay {
		from = s.dayOf(from)
	}
	if untilDay {
		until = s.dayOf(until.AddDate(0, 0, 1)).Add(-1)
	}
	return (from.IsZero() || !now.Before(from)) && (until.IsZero() || !now.After(until))
}

// limit reads one of the dates; zero for none.
func (s *Subject) limit(record Fields, name string) (at time.Time, day, ok bool) {
	if name == "" {
		return time.Time{}, false, true
	}
	field := s.Module.Fields[name]
	value, err := field.view(record[name])
	if err != nil {
		return time.Time{}, false, false
	}
	at, given := value.(time.Time)
	return at, given && field.Type == TypeDate, true
}

// dayOf is when a day begins in the zone.
func (s *Subject) dayOf(date time.Time) time.Time {
	year, month, day := date.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, s.Zone)
}

// URL is the address at which people sign in, below base, such as https://go.acme.example/portal/customers/.
func (p *Portal) URL(base string) string { return base + "/portal/" + p.Name + "/" }

// Called is what a portal is called to somebody who reads a language: its label, or else its name.
func (p *Portal) Called(language string) string {
	if label := p.Label.In(language); label != "" {
		return label
	}
	return p.Name
}
