package workflows

import (
	"cmp"
	"slices"
	"time"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// Defaults and limits of a landing (the table of link lifetimes in docs/security.md).
const (
	defaultExpires = 14 * 24 * time.Hour // of a landing that changes nothing
	defaultUses    = 20                  // of a landing with fields to edit; one of actions alone has 1
)

// landingFile is a file under landings/.
type landingFile struct {
	// Landing is the landing's name: small letters, digits and -.
	Landing *yamldoc.Node `yaml:"landing,required" schema:"name"`
	// Module is the kind of record that the link shows.
	Module *yamldoc.Node `yaml:"module,required" schema:"module"`
	// Title is the page's heading: a text with {{ expressions }}, or one for each language.
	Title *yamldoc.Node `yaml:"title" schema:"labels"`
	// Show are the fields that a visitor sees.
	Show []*yamldoc.Node `yaml:"show,required,one" schema:"text"`
	// Edit are the fields that a visitor may change, each with the limits that are narrower than its own.
	Edit []yamldoc.Entry `yaml:"edit" schema:"nothing|editFile"`
	// Actions are the buttons, by name.
	Actions []yamldoc.Entry `yaml:"actions" schema:"actionFile"`
	// Expires is how long a link lives, at most 90d; 14d if it changes nothing.
	Expires *yamldoc.Node `yaml:"expires" schema:"duration"`
	// Uses is how often a link may change something; 20 with fields to edit, 1 with actions alone.
	Uses *yamldoc.Node `yaml:"uses" schema:"whole"`
}

type editFile struct {
	// Options are those of the field's options that are offered.
	Options []*yamldoc.Node `yaml:"options,one" schema:"word"`
	// Max is the longest text in characters.
	Max *yamldoc.Node `yaml:"max" schema:"whole"`
}

type actionFile struct {
	// Label is what stands on the button: a text, or one for each language.
	Label labels `yaml:"label"`
	// Set are the values that the button gives to fields.
	Set []yamldoc.Entry `yaml:"set,required"`
}

func (l *loader) landing(file string, root *yamldoc.Node) {
	var f landingFile
	l.complain(yamldoc.Decode(root, &f)...)
	if f.Landing == nil || f.Module == nil || !l.claim("landing", f.Landing.Text(), file, f.Landing) {
		return
	}
	module := l.knownModule(f.Module)
	if module == nil {
		return
	}
	landing := &engine.Landing{Name: f.Landing.Text(), Module: module, Title: l.title(f.Title, module)}
	if !workflowName.MatchString(landing.Name) {
		l.complain(f.Landing.Errorf("a landing's name may hold only small letters, digits and -"))
	}
	for _, show := range f.Show {
		if l.knownField(show, module) {
			landing.Show = append(landing.Show, show.Text())
		}
	}
	for _, entry := range f.Edit {
		l.edit(landing, entry)
	}
	for _, entry := range f.Actions {
		l.action(landing, entry)
	}
	l.lifetime(landing, f)
	files := map[string]bool{file: true}
	l.moduleFiles(module, files)
	landing.Files = l.bundle(files)
	landing.Version = versionOf(landing.Files)
	l.book.Landings[landing.Name] = landing
}

// lifetime reads how long a link lives and how often it acts.
func (l *loader) lifetime(landing *engine.Landing, f landingFile) {
	landing.Expires, landing.Uses = defaultExpires, defaultUses
	if len(landing.Edit) == 0 {
		landing.Uses = 1
	}
	writes := len(landing.Edit)+len(landing.Actions) > 0
	switch {
	case f.Expires != nil:
		l.complain(yamldoc.Decode(f.Expires, &landing.Expires)...)
		if landing.Expires <= 0 || landing.Expires > engine.MaxExpires {
			longest := yamldoc.FormatDuration(engine.MaxExpires)
			l.complain(f.Expires.Errorf("a link lives for a duration above zero, at most %s", longest))
		}
	case writes:
		l.complain(f.Landing.Errorf("a landing that changes a record needs expires: for how long its links live"))
	}
	if f.Uses != nil {
		l.complain(yamldoc.Decode(f.Uses, &landing.Uses)...)
		if landing.Uses < 1 {
			l.complain(f.Uses.Errorf("uses counts what a link may change, at least 1"))
		}
	}
}

func (l *loader) edit(landing *engine.Landing, entry yamldoc.Entry) {
	if !l.knownField(entry.Key, landing.Module) {
		return
	}
	var f editFile
	if entry.Value.Kind() != yamldoc.Null {
		l.complain(yamldoc.Decode(entry.Value, &f)...)
	}
	edit := &engine.Edit{Field: landing.Module.Fields[entry.Key.Text()]}
	switch edit.Field.Type {
	case engine.TypeReference, engine.TypeOwner, engine.TypeFile:
		l.complain(entry.Key.Errorf("%s is of type %s, which a visitor can see but not enter",
			edit.Field.Name, edit.Field.Type))
	}
	l.editOptions(edit, f.Options)
	l.editMax(edit, f.Max)
	landing.Edit = append(landing.Edit, edit)
}

// editOptions narrows the options of a field that has some.
func (l *loader) editOptions(edit *engine.Edit, options []*yamldoc.Node) {
	kind, known := edit.Field.Type, edit.Field.Options
	for _, option := range options {
		switch {
		case kind != engine.TypePicklist && kind != engine.TypeMultiPicklist:
			l.complain(option.Errorf("options are for a picklist or multipicklist; %s is %s", edit.Field.Name, kind))
			return
		case len(known) > 0 && !slices.Contains(known, option.Text()):
			l.complain(option.Unknown("option", known))
		default:
			edit.Options = append(edit.Options, option.Text())
		}
	}
}

// editMax narrows the length of a field that has one.
func (l *loader) editMax(edit *engine.Edit, at *yamldoc.Node) {
	if at == nil {
		return
	}
	diags := yamldoc.Decode(at, &edit.Max)
	l.complain(diags...)
	longest := cmp.Or(edit.Field.Max, engine.MaxText)
	switch {
	case diags.Err() != nil:
	case !edit.Field.IsText():
		l.complain(at.Errorf("max counts the characters of a text; %s is %s", edit.Field.Name, edit.Field.Type))
	case edit.Max < 1 || edit.Max > longest:
		l.complain(at.Errorf("max narrows the field's own limit: 1 to %d characters", longest))
	}
}

func (l *loader) action(landing *engine.Landing, entry yamldoc.Entry) {
	var f actionFile
	l.complain(yamldoc.Decode(entry.Value, &f)...)
	if !workflowName.MatchString(entry.Key.Text()) || entry.Key.Text() == "edit" {
		l.complain(entry.Key.Errorf("an action's name may hold only small letters, digits and -, and is not edit"))
		return
	}
	if len(f.Set) == 0 && entry.Value.Get("set") != nil {
		l.complain(entry.Value.Get("set").Errorf("set names at least one field"))
	}
	action := &engine.Action{Name: entry.Key.Text(), Label: engine.Labels(f.Label), Set: engine.Fields{}}
	for _, set := range f.Set {
		if !l.knownField(set.Key, landing.Module) {
			continue
		}
		plain, err := landing.Module.Fields[set.Key.Text()].Plain(set.Value.Plain())
		if err != nil {
			l.complain(set.Value.Errorf("%v", err))
			continue
		}
		action.Set[set.Key.Text()] = plain
	}
	landing.Actions = append(landing.Actions, action)
}

// title compiles a landing's title in each of its languages.
func (l *loader) title(n *yamldoc.Node, module *engine.Module) map[string]engine.Template {
	if n == nil || n.Kind() == yamldoc.Invalid {
		return nil
	}
	titles := map[string]engine.Template{}
	add := func(language string, text *yamldoc.Node) {
		p, fail := exprsafe.CompileText(text.Text(), l.types.titleScope(module))
		switch {
		case fail != nil:
			l.complain(located(text, fail))
		case len(p.Uses().Secrets) > 0:
			l.complain(text.Errorf("a landing's title takes no secrets"))
		case len(p.Routes()) > 0:
			l.complain(text.Errorf("a landing's title speaks of its own record only"))
		default:
			titles[language] = title{newProgram(written{p}, text.Text(), l.book.Modules)}
		}
	}
	if n.Kind() != yamldoc.Mapping {
		add("en", n)
		return titles
	}
	for key, value := range n.Entries() {
		add(key.Text(), value)
	}
	return titles
}

// written is a text program whose value is always text.
type written struct{ *exprsafe.TextProgram }

// EvalWithin gives the text.
func (w written) EvalWithin(env map[string]any, limit int) (any, int, error) {
	return w.RenderWithin(env, limit)
}

// title is a text program as a template.
type title struct{ engine.Program }

// Render gives the title as the content's text.
func (t title) Render(_, language string, env *engine.Env) (engine.Content, error) {
	v, err := t.Eval(env)
	if err != nil {
		return engine.Content{}, err
	}
	text, _ := v.(string)
	return engine.Content{Language: language, Text: text}, nil
}
