package workflows

import (
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// factorFile is a file under factors/.
type factorFile struct {
	// Factor is the factor's name: small letters, digits and -.
	Factor *yamldoc.Node `yaml:"factor,required" schema:"name"`
	// Kind is how a visitor proves that a link is theirs.
	Kind *yamldoc.Node `yaml:"kind,required" schema:"engine.FactorKind"`
	// Field is the route to the value that a visitor has to know, of a security_code: record.contact_id.cf_pin.
	Field *yamldoc.Node `yaml:"field" schema:"text"`
	// To is the route to whom a code or a mail_token is sent: a record with an address, or an address itself. Of a
	// totp, passkey or portal it is the route to the record of whoever proves themselves; by default the link's
	// recipient.
	To *yamldoc.Node `yaml:"to" schema:"text"`
	// Portal is the portal in which a totp or passkey was enrolled, or that one is signed in to: a file under portal/.
	Portal *yamldoc.Node `yaml:"portal" schema:"name"`
	// Via are the channels to choose from. A code passes over the one that carried the link; a mail_token goes by
	// email.
	Via []*yamldoc.Node `yaml:"via,one" schema:"text"`
	// Risk is normal for codes of six digits, or high for eight.
	Risk *yamldoc.Node `yaml:"risk" schema:"'normal'|'high'"`
	// Changed says what follows where the address is another than when the link was sent: send or refuse.
	Changed *yamldoc.Node `yaml:"changed" schema:"engine.ChangedAddress"`
}

// What codes of a factor are like.
const (
	normalDigits = 6
	highDigits   = 8
	shortestCode = 6 // characters of a security code's field
)

// plannedFactor is a factor before it is held against the module of a landing.
type plannedFactor struct {
	plain    engine.Factor
	file     string
	field    *yamldoc.Node
	to       *yamldoc.Node
	portal   *yamldoc.Node
	compiled map[*engine.Module]*engine.Factor // nil for one that does not fit the module
}

// factor reads one file under factors/.
func (l *loader) factor(file string, root *yamldoc.Node) {
	var f factorFile
	l.complain(yamldoc.Decode(root, &f)...)
	if f.Factor == nil || f.Kind == nil || !l.claim("factor", f.Factor.Text(), file, f.Factor) {
		return
	}
	if !workflowName.MatchString(f.Factor.Text()) {
		l.complain(f.Factor.Errorf("a factor's name may hold only small letters, digits and -"))
	}
	p := &plannedFactor{
		plain: engine.Factor{
			Name: f.Factor.Text(), Kind: engine.FactorKind(f.Kind.Text()), Changed: engine.ChangedSend,
		},
		file: file, field: f.Field, to: f.To, compiled: map[*engine.Module]*engine.Factor{},
	}
	l.factors[p.plain.Name] = p
	switch p.plain.Kind {
	case engine.FactorSecurityCode:
		l.needs(root, f.Kind, "field")
		l.idle(root, f.Kind, "to", "via", "risk", "changed", "portal")
	case engine.FactorMailToken:
		l.needs(root, f.Kind, "to")
		l.idle(root, f.Kind, "field", "risk", "portal")
	case engine.FactorCode:
		l.needs(root, f.Kind, "to", "via")
		l.idle(root, f.Kind, "field", "portal")
		p.plain.Digits = normalDigits
	case engine.FactorTOTP, engine.FactorPasskey, engine.FactorPortal:
		l.bySubject(p, root, f)
		l.book.Factors = append(l.book.Factors, p.plain.Name)
		return
	default:
		l.complain(f.Kind.Unknown("kind of factor", factorKinds()))
		return
	}
	if l.leavable("factor", p.plain.Name, func() { l.sending(&p.plain, f) }) == "" {
		l.book.Factors = append(l.book.Factors, p.plain.Name)
	}
}

// sending reads how a factor that sends something does so.
func (l *loader) sending(factor *engine.Factor, f factorFile) {
	l.ways(factor, f)
	if f.Risk != nil {
		switch f.Risk.Text() {
		case "normal":
		case "high":
			factor.Digits = highDigits
		default:
			l.complain(f.Risk.Unknown("risk", []string{"normal", "high"}))
		}
	}
	if f.Changed != nil {
		factor.Changed = engine.ChangedAddress(f.Changed.Text())
		choices := []string{string(engine.ChangedSend), string(engine.ChangedRefuse)}
		if !slices.Contains(choices, f.Changed.Text()) {
			l.complain(f.Changed.Unknown("choice", choices))
		}
	}
}

// ways reads the channels of a factor. In a kept version any will do: the door passes over what there no longer is.
func (l *loader) ways(factor *engine.Factor, f factorFile) {
	at := map[string]*yamldoc.Node{}
	var names []string
	for _, node := range f.Via {
		if at[node.Text()] != nil {
			l.complain(node.Errorf("via names %s twice", node.Text()))
			continue
		}
		names, at[node.Text()] = append(names, node.Text()), node
	}
	if factor.Kind == engine.FactorMailToken && len(names) == 0 {
		names, at["email"] = []string{"email"}, f.Kind
	}
	if !l.options.Kept {
		names = l.usable(names, func(name string) *yamldoc.Node { return at[name] })
	}
	for _, channel := range names {
		known, ok := l.options.Carriers[channel]
		if ok && factor.Kind == engine.FactorMailToken && known.Kind != "email" {
			l.complain(at[channel].Errorf("a mail_token is a link, which goes by mail; %s is a way for a code",
				channel))
			continue
		}
		factor.Via = append(factor.Via, channel)
	}
}

// needs complains about keys that a kind of factor lacks.
func (l *loader) needs(root, kind *yamldoc.Node, keys ...string) {
	for _, key := range keys {
		if root.Get(key) == nil {
			l.complain(kind.Errorf("a factor of kind %s needs %s", kind.Text(), key))
		}
	}
}

// idle complains about keys that mean nothing for a kind of factor.
func (l *loader) idle(root, kind *yamldoc.Node, keys ...string) {
	for _, key := range keys {
		if entry, ok := root.Lookup(key); ok {
			l.complain(entry.Key.Errorf("%s means nothing for a factor of kind %s", key, kind.Text()))
		}
	}
}

func factorKinds() (names []string) {
	for _, kind := range engine.FactorKinds() {
		names = append(names, string(kind))
	}
	return names
}

// factorFor is the factor that a landing names, compiled for its module; nil after a complaint.
func (l *loader) factorFor(at *yamldoc.Node, module *engine.Module, files map[string]bool) *engine.Factor {
	if at == nil || at.Kind() == yamldoc.Invalid {
		return nil
	}
	p := l.factors[at.Text()]
	if p == nil {
		slices.Sort(l.book.Factors)
		l.complain(unknown(at, "factor", at.Text(), l.book.Factors))
		return nil
	}
	files[p.file] = true
	if lacks := l.left["factor "+at.Text()]; lacks != "" {
		l.lack(lacks)
		return nil
	}
	factor, done := p.compiled[module]
	if !done {
		factor = l.fit(p, module)
		p.compiled[module] = factor
	}
	return factor
}

// fit compiles a factor for a module; nil after a complaint.
func (l *loader) fit(p *plannedFactor, module *engine.Module) *engine.Factor {
	factor := p.plain
	if factor.Kind.BySubject() {
		if !l.fitSubject(p, &factor, module) {
			return nil
		}
		return &factor
	}
	if p.field != nil && factor.Kind == engine.FactorSecurityCode {
		if factor.Field = l.factorRoute(p.field, module); factor.Field == nil {
			return nil
		}
		l.checkCodeField(p.field, factor.Field)
	}
	if p.to != nil && factor.Kind != engine.FactorSecurityCode {
		if factor.To = l.factorRoute(p.to, module); factor.To == nil {
			return nil
		}
		l.checkReach(p.to, &factor)
	}
	return &factor
}

// factorRoute reads a route that begins at the record of a landing.
func (l *loader) factorRoute(n *yamldoc.Node, module *engine.Module) *engine.Route {
	names := strings.Split(n.Text(), ".")
	switch {
	case n.Text() == "record":
		return &engine.Route{Field: &engine.Field{
			Name: "record", Type: engine.TypeReference, To: []string{module.Name},
		}}
	case names[0] != "record":
		l.complain(n.Errorf("%q is no route such as record.contact_id or record.email", n.Text()))
		return nil
	}
	route, _ := l.walk(n, names, []*engine.Module{module}, "")
	return route
}

// checkCodeField holds the field of a security code against what a code needs.
func (l *loader) checkCodeField(at *yamldoc.Node, route *engine.Route) {
	switch field := route.Field; {
	case route.Records() || !canHoldCode(field.Type):
		l.complain(at.Errorf("%s is of type %s, which holds no security code", route, field.Type))
	case field.Max > 0 && field.Max < shortestCode:
		l.complain(at.Errorf("%s holds %d characters at most; a security code needs at least %d, or it is soon guessed",
			route, field.Max, shortestCode))
	}
}

func canHoldCode(t engine.FieldType) bool {
	switch t {
	case engine.TypeText, engine.TypeNumber, engine.TypeInteger, engine.TypeDecimal, engine.TypeDate, engine.TypePhone:
		return true
	}
	return false
}

// checkReach holds whom a factor sends to against its channels.
func (l *loader) checkReach(at *yamldoc.Node, factor *engine.Factor) {
	for _, channel := range factor.Via {
		by := l.options.Carriers[channel]
		if !factor.To.Records() {
			switch t := factor.To.Field.Type; {
			case by.ID:
				l.complain(at.Errorf("%s is a field; %s reaches a record, by its id", factor.To, channel))
			case by.Type != "" && t != by.Type && t != engine.TypeText:
				l.complain(at.Errorf("%s is of type %s; %s needs an address of type %s",
					factor.To, t, channel, by.Type))
			}
			continue
		}
		for _, m := range l.modulesOf(factor.To.Field) {
			if !by.In(m) {
				l.complain(at.Errorf("%s has no %s, which %s needs", m.Name, by.Needs(), channel))
			}
		}
	}
}

// checkWithin reads how old a proof may be that an action asks for.
func (l *loader) checkWithin(at *yamldoc.Node, action *engine.Action, landing *engine.Landing) {
	if at == nil {
		return
	}
	diags := yamldoc.Decode(at, &action.Within)
	l.complain(diags...)
	switch {
	case diags.Err() != nil:
	case action.Factor == nil && landing.Factor == nil:
		l.complain(at.Errorf("within says how old a proof may be, and nothing asks for one: add factor"))
	case action.Within <= 0 || action.Within > engine.GrantMost:
		l.complain(at.Errorf("within is a duration above zero, at most %s", yamldoc.FormatDuration(engine.GrantMost)))
	}
}
