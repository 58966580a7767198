package infer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"postern/engine"
)

// guess is what a field may be, and why.
type guess struct {
	kind    engine.FieldType
	options []string
	to      []string
	why     []string
	useless string // why the field cannot be described at all
}

// guess decides by what all values have in common. Where nothing speaks for more, a field is text.
func (sh *shape) guess() guess {
	g := guess{kind: engine.TypeText, why: []string{sh.counted()}}
	switch {
	case sh.values == 0:
		g.why = []string{"never a value"}
	case sh.objects > 0:
		g.useless = "some values are objects, which no field can hold"
	case sh.lists > 0 || sh.fits["several"] > 0:
		g.choice(sh, engine.TypeMultiPicklist)
	case sh.bools == sh.values || sh.all("boolean"):
		g.kind = engine.TypeBoolean
	case sh.bools > 0:
		g.why = append(g.why, "true or false among other values")
	case sh.all("bit") && len(sh.counts) == 2:
		g.kind = engine.TypeBoolean
		g.why = append(g.why, "only 0 and 1")
	default:
		sh.written(&g)
	}
	return g
}

// written guesses by how texts and numbers are written.
func (sh *shape) written(g *guess) {
	modules, leads := sh.reference()
	switch {
	case leads:
		g.kind, g.to = engine.TypeReference, modules
		g.why = append(g.why, "ids of "+strings.Join(modules, " and "))
	case sh.foreign() && sh.named("user", "owner", "assigned", "creator", "modifiedby"):
		g.kind = engine.TypeOwner
		g.why = append(g.why, "ids by the name of somebody who owns or does something")
	case sh.foreign():
		g.why = append(g.why, "ids that begin with "+strings.Join(slices.Sorted(maps.Keys(sh.strange)), " or ")+
			", of a module that was not seen: perhaps a reference")
	case sh.all("date"):
		g.kind = engine.TypeDate
	case sh.all("datetime"):
		g.kind = engine.TypeDateTime
		if sh.fits["zone"] == 0 {
			g.why = append(g.why, "without a zone, read as UTC")
		}
	case sh.all("email"):
		g.kind = engine.TypeEmail
	case sh.all("url"):
		g.kind = engine.TypeURL
	case sh.all("phone") && (sh.fits["plus"] > 0 || sh.named("phone", "mobile", "fax", "tel")):
		g.kind = engine.TypePhone
	case sh.all("integer"):
		g.kind = engine.TypeInteger
	case sh.all("decimal"):
		g.kind = engine.TypeDecimal
		if sh.numbers == sh.values {
			g.kind = engine.TypeNumber
		}
	case sh.few():
		g.choice(sh, engine.TypePicklist)
	default:
		g.why = append(g.why, fmt.Sprintf("up to %d characters", sh.longest))
	}
}

// choice makes the guess a choice among the values that were seen.
func (g *guess) choice(sh *shape, kind engine.FieldType) {
	g.kind = kind
	if sh.counts == nil {
		g.why = append(g.why, fmt.Sprintf("more than %d different", maxOptions))
		return
	}
	g.options = slices.Sorted(maps.Keys(sh.counts))
	g.why = append(g.why, fmt.Sprintf("%d different", len(g.options)))
}

// few tells whether the values come again and again, as options do.
func (sh *shape) few() bool {
	return sh.counts != nil && sh.values >= 6 && sh.values >= 3*len(sh.counts) && sh.longest <= 60 && !sh.lines
}

// reference tells whether all values are ids of records that were seen, and of which modules.
func (sh *shape) reference() ([]string, bool) {
	if len(sh.leads) == 0 || sum(sh.leads) < sh.values || len(sh.strange) > 0 {
		return nil, false
	}
	return slices.Sorted(maps.Keys(sh.leads)), true
}

// foreign tells whether all values look like ids of modules that were not seen.
func (sh *shape) foreign() bool { return len(sh.strange) > 0 && sum(sh.strange) == sh.values }

// all tells whether every value has a form.
func (sh *shape) all(form string) bool { return sh.fits[form] == sh.values }

// named tells whether the field's name holds one of the words.
func (sh *shape) named(words ...string) bool {
	name := strings.ToLower(sh.name)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
}

// counted is how many records have a value.
func (sh *shape) counted() string {
	return fmt.Sprintf("%d of %d %s", sh.values, sh.records, plural(sh.records, "record"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

func sum(counts map[string]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// titles are the fields that name a record to people, by their names: those of a person, or a number and a name.
func titles(names []string, kinds map[string]engine.FieldType) []string {
	if kinds["firstname"] == engine.TypeText && kinds["lastname"] == engine.TypeText {
		return []string{"firstname", "lastname"}
	}
	var found []string
	for _, ends := range [][]string{{"_no", "number"}, {"title", "subject", "name"}} {
		for _, end := range ends {
			i := slices.IndexFunc(names, func(name string) bool {
				return kinds[name] == engine.TypeText && strings.HasSuffix(strings.ToLower(name), end)
			})
			if i >= 0 {
				found = append(found, names[i])
				break
			}
		}
	}
	return found
}

// short cuts a text that a comment quotes.
func short(text string) string {
	if utf8.RuneCountInString(text) <= 40 {
		return text
	}
	return string([]rune(text)[:40]) + "…"
}
