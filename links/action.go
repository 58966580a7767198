package links

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"postern/engine"
)

// showAction says what an action would change, and has the button that does it.
func (d *Door) showAction(c *call, p passage) (answer, error) {
	action, err := actionOf(c, p)
	if err != nil {
		return answer{}, err
	}
	record, err := d.read(c.Context(), p.link.Record)
	if err != nil {
		return answer{}, err
	}
	return d.actionPage(c, p, action, record), nil
}

// doAction does it, unless what the visitor saw is no longer so. The action's values come from the landing;
// the request adds none.
func (d *Door) doAction(c *call, p passage) (answer, error) {
	action, err := actionOf(c, p)
	if err != nil {
		return answer{}, err
	}
	values, err := readForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	record, err := d.read(c.Context(), p.link.Record)
	if err != nil {
		return answer{}, err
	}
	// The store holds these against the record once more, in the same change that writes it.
	expect := engine.Fields{}
	for name := range action.Set {
		expect[name] = record.Fields[name]
	}
	if !alreadySo(action, record) && values.Get(seenName) != seenBefore(p.landing, action, record) {
		return d.actionAgain(c, p, action, record), nil
	}
	reply, err := d.land(c, p, action.Name, action.Set, expect)
	if !errors.Is(err, engine.ErrConflict) {
		return reply, err
	}
	if record, err = d.read(c.Context(), p.link.Record); err != nil {
		return answer{}, err
	}
	return d.actionAgain(c, p, action, record), nil
}

// actionOf finds the request's action among those of the landing; a link made only to look has none.
func actionOf(c *call, p passage) (*engine.Action, error) {
	action := p.landing.Action(c.PathValue("action"))
	if action == nil || p.link.MaxUses == 0 {
		return nil, errUnknown
	}
	return action, nil
}

// actionPage says field by field what is now and what would be.
func (d *Door) actionPage(c *call, p passage, action *engine.Action, record engine.Record) answer {
	body := actionBody{
		Heading: actionLabel(action, c.texts.Language), About: d.heading(c, p, record),
		Seen: seenBefore(p.landing, action, record), Back: flowPath(p.flow.ID), Already: alreadySo(action, record),
	}
	for _, name := range slices.Sorted(maps.Keys(action.Set)) {
		field := fieldOf(p.landing.Module, name)
		body.Changes = append(body.Changes, change{
			Old: show(field, record.Fields[name], c.texts), New: show(field, action.Set[name], c.texts),
		})
	}
	return answer{page: "action", title: body.Heading, body: body}
}

// actionAgain shows the page anew because the record has changed since it was shown.
func (d *Door) actionAgain(c *call, p passage, action *engine.Action, record engine.Record) answer {
	reply := d.actionPage(c, p, action, record)
	if body, ok := reply.body.(actionBody); ok {
		body.Notice = c.texts.Say("action.conflict")
		reply.body = body
	}
	reply.status = http.StatusConflict
	return reply
}

// alreadySo tells whether the action would change nothing.
func alreadySo(action *engine.Action, record engine.Record) bool {
	for name, value := range action.Set {
		if !engine.Same(record.Fields[name], value) {
			return false
		}
	}
	return true
}

// seenBefore is the mark of the values that an action is about to replace.
func seenBefore(landing *engine.Landing, action *engine.Action, record engine.Record) string {
	var marks []string
	for _, name := range slices.Sorted(maps.Keys(action.Set)) {
		marks = append(marks, mark(name, formText(fieldOf(landing.Module, name), record.Fields[name])))
	}
	return joinMarks(marks)
}

// actionLabel is what its button says; the action's name where the landing gives no label.
func actionLabel(action *engine.Action, lang string) string {
	if label := action.Label.In(lang); label != "" {
		return label
	}
	return action.Name
}
