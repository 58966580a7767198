package workflows

import (
	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

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
