package workflows

import (
	"cmp"
	"slices"
	"time"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// portalFile is a file under portal/.
type portalFile struct {
	// Portal is the portal's name, which stands in its addresses: small letters, digits and -.
	Portal *yamldoc.Node `yaml:"portal,required" schema:"name"`
	// Label is what its pages are headed by; the name of the brand where there is none.
	Label labels `yaml:"label"`
	// Subject is who may sign in.
	Subject *subjectFile `yaml:"subject,required"`
	// SignIn is how they do so, and for how long it lasts.
	SignIn *signInFile `yaml:"sign_in"`
	// Roles are what some may see and do, by the name of the role. The role default is for all who have no other.
	Roles []yamldoc.Entry `yaml:"roles,required" schema:"roleFile"`
}

// subjectFile is what stands under subject.
type subjectFile struct {
	// Module is the kind of record that signs in, such as Contacts or Employees.
	Module *yamldoc.Node `yaml:"module,required" schema:"module"`
	// Login is the field whose value they sign in with, of type email or text. Letter case does not count. Who shares
	// their value with another record cannot sign in.
	Login *yamldoc.Node `yaml:"login,required" schema:"text"`
	// Active is a condition on their own record, as me: they may sign in, and go on, while it is true.
	Active *yamldoc.Node `yaml:"active,required" schema:"if"`
	// From is a date or datetime before which they may not: me.support_start_date.
	From *yamldoc.Node `yaml:"from" schema:"text"`
	// Until is one after which they may not; a date counts as a whole day.
	Until *yamldoc.Node `yaml:"until" schema:"text"`
	// Zone is the time zone whose days from, until and today() are; UTC by default.
	Zone *yamldoc.Node `yaml:"zone" schema:"text"`
	// Language is the field with their language: me.template_language. By default it is that of the module.
	Language *yamldoc.Node `yaml:"language" schema:"text"`
	// Role is the field that names their role: me.portalloginuser.
	Role *yamldoc.Node `yaml:"role" schema:"text"`
}

// signInFile is what stands under sign_in.
type signInFile struct {
	// Methods are the ways to sign in; all of them by default.
	Methods []*yamldoc.Node `yaml:"methods,one" schema:"engine.SignInMethod"`
	// SecondFactor is optional, for those who have one, or required of everybody.
	SecondFactor *yamldoc.Node `yaml:"second_factor" schema:"engine.SecondFactor"`
	// Idle is after how long without a request a session ends; 30m by default.
	Idle *yamldoc.Node `yaml:"idle" schema:"duration"`
	// Most is after how long it ends in any case, at most 30d; 12h by default.
	Most *yamldoc.Node `yaml:"most" schema:"duration"`
	// Sessions is how many one may have at once, from 1 to 20; 5 by default.
	Sessions *yamldoc.Node `yaml:"sessions" schema:"whole"`
}

// plannedPortal compiles one portal.
type plannedPortal struct {
	*loader
	portal *engine.Portal
	file   string
	at     *yamldoc.Node // where it says how people sign in
	roles  map[string]*plannedRole
	decide map[string]bool // fields of the subject that say who may sign in, and as what
}

// portal reads one file under portal/.
func (l *loader) portal(file string, root *yamldoc.Node) {
	var f portalFile
	l.complain(yamldoc.Decode(root, &f)...)
	if f.Portal == nil || f.Subject == nil || f.Subject.Module == nil || f.Roles == nil ||
		!l.claim("portal", f.Portal.Text(), file, f.Portal) {
		return
	}
	switch {
	case !workflowName.MatchString(f.Portal.Text()):
		l.complain(f.Portal.Errorf("a portal's name may hold only small letters, digits and -"))
	case f.Portal.Text() == "api":
		l.complain(f.Portal.Errorf("a portal cannot be named api: /portal/api is the address of the API"))
	}
	module := l.knownModule(f.Subject.Module)
	if module == nil {
		return
	}
	p := &plannedPortal{
		loader: l, file: file, roles: map[string]*plannedRole{}, decide: map[string]bool{},
		portal: &engine.Portal{
			Name: f.Portal.Text(), Label: engine.Labels(f.Label), Modules: l.book.Modules,
			Roles:   map[string]*engine.Role{},
			Subject: engine.Subject{Module: module, Zone: l.zone(f.Subject.Zone)},
		},
	}
	p.subject(f.Subject)
	p.at = cmp.Or(root.Get("sign_in"), f.Portal)
	p.signIn(root.Get("sign_in"), f.SignIn)
	p.readRoles(root.Get("roles"), f.Roles)
	p.version()
	if l.book.Portals == nil {
		l.book.Portals = map[string]*engine.Portal{}
	}
	l.book.Portals[p.portal.Name] = p.portal
	l.portals = append(l.portals, p)
}

// version is the hash of the file and of all modules that it speaks of.
func (p *plannedPortal) version() {
	files := map[string]bool{p.file: true}
	p.moduleFiles(p.portal.Subject.Module, files)
	for _, role := range p.portal.Roles {
		for _, access := range role.Modules {
			p.moduleFiles(access.Module, files)
		}
	}
	p.portal.Version = versionOf(p.bundle(files))
}

// signIn reads how people sign in.
func (p *plannedPortal) signIn(at *yamldoc.Node, f *signInFile) {
	s := &p.portal.SignIn
	*s = engine.SignIn{
		Methods: engine.SignInMethods(), SecondFactor: engine.SecondFactorOptional,
		Idle: engine.SessionIdle, Most: engine.SessionMost, Sessions: engine.SessionsAtOnce,
	}
	if f == nil {
		return
	}
	p.methods(at.Get("methods"), f.Methods)
	if f.SecondFactor != nil {
		choices := []string{string(engine.SecondFactorOptional), string(engine.SecondFactorRequired)}
		if !slices.Contains(choices, f.SecondFactor.Text()) {
			p.complain(f.SecondFactor.Unknown("choice", choices))
		}
		s.SecondFactor = engine.SecondFactor(f.SecondFactor.Text())
	}
	p.span(f.Most, &s.Most, engine.MaxSessionMost)
	p.span(f.Idle, &s.Idle, engine.MaxSessionMost)
	if f.Idle != nil && s.Idle > s.Most {
		p.complain(f.Idle.Errorf("a session ends after %s in any case: idle is at most that",
			yamldoc.FormatDuration(s.Most)))
	}
	if f.Sessions == nil {
		return
	}
	p.complain(yamldoc.Decode(f.Sessions, &s.Sessions)...)
	if s.Sessions < 1 || s.Sessions > engine.MaxSessionsOnce {
		p.complain(f.Sessions.Errorf("sessions is from 1 to %d", engine.MaxSessionsOnce))
	}
}

// span reads a duration above zero.
func (p *plannedPortal) span(at *yamldoc.Node, into *time.Duration, most time.Duration) {
	if at == nil {
		return
	}
	diags := yamldoc.Decode(at, into)
	p.complain(diags...)
	if diags.Err() == nil && (*into <= 0 || *into > most) {
		p.complain(at.Errorf("a session lasts for a duration above zero, at most %s", yamldoc.FormatDuration(most)))
	}
}

func (p *plannedPortal) methods(at *yamldoc.Node, nodes []*yamldoc.Node) {
	if nodes == nil {
		return
	}
	var choices []string
	for _, method := range engine.SignInMethods() {
		choices = append(choices, string(method))
	}
	chosen := map[engine.SignInMethod]bool{}
	for _, n := range nodes {
		switch method := engine.SignInMethod(n.Text()); {
		case !slices.Contains(choices, n.Text()):
			p.complain(n.Unknown("way to sign in", choices))
		case chosen[method]:
			p.complain(n.Errorf("%s is named twice", method))
		default:
			chosen[method] = true
		}
	}
	p.portal.SignIn.Methods = slices.DeleteFunc(engine.SignInMethods(), func(m engine.SignInMethod) bool {
		return !chosen[m]
	})
	if len(nodes) == 0 {
		p.complain(at.Errorf("nobody can sign in without a way to"))
	}
}

// me is the scope of an expression about the record of who signs in.
func (p *plannedPortal) me() *exprsafe.Scope {
	return &exprsafe.Scope{
		Names:  map[string]exprsafe.Type{exprsafe.MeName: p.types.object(p.portal.Subject.Module)},
		Steady: true, Follows: exprsafe.MeName,
	}
}
