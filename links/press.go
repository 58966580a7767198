package links

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"postern/engine"
)

// A button of a message acts like the confirmed action of a visit, without a page in between: whoever is shown the
// message may press it, as whoever has a link may follow it. It is one flow for each link, so that the same button
// pressed twice, by whomever, is pressed once.

// pressTries is how often a press is tried that meets a change of somebody else.
const pressTries = 3

// errNeedsLink says that an action wants more of a visitor than a press.
var errNeedsLink = errors.New("the action has to be taken on its page")

// Press takes an action for somebody who pressed a button of a message. What stands in the way is told in the words of
// a page; nothing of it is an error.
func (d *Door) Press(ctx context.Context, press engine.Press) engine.Pressed {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := d.nobody(ctx)
	c.texts = d.speech.texts("")
	var pressed engine.Pressed
	var err error
	for range pressTries {
		c.record = nil
		if pressed, err = d.press(c, press); !errors.Is(err, engine.ErrConflict) {
			break
		}
	}
	if err != nil {
		return d.unpressed(c, err)
	}
	return pressed
}

func (d *Door) press(c *call, press engine.Press) (engine.Pressed, error) {
	p, err := d.pressedPassage(c, press)
	if err != nil {
		return engine.Pressed{}, err
	}
	if press.Action == engine.PressUndo {
		return d.pressUndo(c, p, press.By)
	}
	before, pressed, err := d.pressedBefore(c, p, press.Action)
	switch just := c.now.Before(before.At.Add(RepeatWindow)); {
	case err != nil:
		return engine.Pressed{}, err
	case pressed && (just || !hasUses(p.link)):
		return engine.Pressed{Done: true, Over: !just, Text: c.texts.Say("action.already")}, nil
	}
	if err := d.stands(c, p); err != nil {
		return engine.Pressed{}, err
	}
	action, err := pressable(p, press.Action)
	if err != nil {
		return engine.Pressed{}, err
	}
	record, err := d.recordOf(c, p)
	if err != nil {
		return engine.Pressed{}, err
	}
	if pressed && alreadySo(action, record) {
		return engine.Pressed{Done: true, Text: c.texts.Say("action.already")}, nil
	}
	offered, err := d.offers(c, p, action, record)
	if err != nil {
		return engine.Pressed{}, err
	}
	if !offered {
		return engine.Pressed{Text: c.texts.Say("action.gone")}, nil
	}
	w := wish{name: action.Name, set: engine.Fields{}, expect: engine.Fields{}}
	w.take(action, record)
	return d.landPress(c, p, w, press.By)
}

// pressedPassage finds what a button leads to. Its flow is the link's own for presses: no browser has its cookie.
func (d *Door) pressedPassage(c *call, press engine.Press) (passage, error) {
	if press.Link.IsZero() {
		return passage{}, ErrNoLink
	}
	link, err := d.with.Store.LinkByID(c.Context(), press.Link)
	if err != nil {
		return passage{}, err
	}
	d.speak(c, link)
	if link.Generation != press.Generation {
		return passage{}, ErrReplaced
	}
	flow := Flow{
		ID: engine.DerivedID(link.ID, "press"), Link: link.ID, Opened: c.now, Expires: link.Expires,
	}
	return d.passageTo(c, flow, link)
}

// pressedBefore is the act that a press of the same button did before, unless it was taken back.
func (d *Door) pressedBefore(c *call, p passage, action string) (Visit, bool, error) {
	visit, err := d.with.Store.LastVisit(c.Context(), p.flow.ID)
	if errors.Is(err, ErrNoLink) {
		return Visit{}, false, nil
	}
	if err != nil {
		return Visit{}, false, fmt.Errorf("find visit: %w", err)
	}
	return visit, visit.Name == action && visit.Undone.IsZero(), nil
}

// pressable finds an action that takes no more than a press.
func pressable(p passage, name string) (*engine.Action, error) {
	action := p.landing.Action(name)
	switch {
	case action == nil || p.link.MaxUses == 0:
		return nil, errRemoved
	case p.landing.Factor != nil || action.Factor != nil || len(action.Ask) > 0:
		return nil, errNeedsLink
	case p.landing.Bind || p.link.Bound != nil:
		return nil, errNeedsLink
	}
	return action, nil
}

// landPress commits the act.
func (d *Door) landPress(c *call, p passage, w wish, by string) (engine.Pressed, error) {
	act, err := d.act(c, p, w)
	if err != nil {
		return engine.Pressed{}, err
	}
	opened, err := d.newIDs(c, 1)
	if err != nil {
		return engine.Pressed{}, err
	}
	event, err := engine.NewLinkEvent(p.link, engine.LinkOpened, opened[0], c.now, nil)
	if err != nil {
		return engine.Pressed{}, err
	}
	act.By, act.Opening = by, &Opening{Flow: p.flow, Event: event}
	outcome, err := d.with.Store.Land(c.Context(), act)
	switch {
	case err != nil:
		return engine.Pressed{}, fmt.Errorf("land: %w", err)
	case outcome.Repeated:
		return engine.Pressed{Done: true, Text: c.texts.Say("action.already")}, nil
	}
	visit := Visit{ID: act.ID, Name: w.name, Set: w.set, Before: act.Before, At: outcome.At, Changed: outcome.Changed}
	_, text := d.outcome(c, p, visit)
	pressed := engine.Pressed{Done: true, First: true, Over: p.link.Uses+1 >= p.link.MaxUses, Text: text}
	if until := undoableUntil(p, visit); !until.IsZero() {
		pressed.Undo, pressed.Until = c.texts.Say("undo.button"), until
	}
	return pressed, nil
}

// pressUndo takes back what the latest press of the link did.
func (d *Door) pressUndo(c *call, p passage, by string) (engine.Pressed, error) {
	late := engine.Pressed{Text: c.texts.Say("undo.late") + ". " + c.texts.Say("undo.late.text")}
	visit, err := d.with.Store.LastVisit(c.Context(), p.flow.ID)
	switch {
	case errors.Is(err, ErrNoLink):
		return late, nil
	case err != nil:
		return engine.Pressed{}, fmt.Errorf("find visit: %w", err)
	}
	if err := d.stands(c, p); err != nil && !errors.Is(err, ErrUsed) {
		return engine.Pressed{}, err
	}
	again := !visit.Undone.IsZero() // the second press is the first
	if !again && !c.now.Before(undoableUntil(p, visit)) {
		return late, nil
	}
	if !again {
		undo, err := d.undo(c, p, visit)
		if err != nil {
			return engine.Pressed{}, err
		}
		undo.By = by
		err = d.with.Store.TakeBack(c.Context(), undo)
		switch {
		case errors.Is(err, engine.ErrConflict) || errors.Is(err, ErrPassed) || errors.Is(err, engine.ErrTaken):
			return late, nil
		case err != nil:
			return engine.Pressed{}, fmt.Errorf("take back: %w", err)
		}
		visit.Undone = c.now
	}
	_, text := d.outcome(c, p, visit)
	return engine.Pressed{Done: true, First: !again, Text: text}, nil
}

// spent are the errors after which no press can help any more.
var spent = []error{
	ErrNoLink, ErrRevoked, ErrExpired, ErrUsed, ErrReplaced, errRemoved, engine.ErrNoRecord,
}

// unpressed words why a press did nothing, as the page would that says so.
func (d *Door) unpressed(c *call, err error) engine.Pressed {
	if errors.Is(err, errNeedsLink) {
		return engine.Pressed{Text: c.texts.Say("press.link")}
	}
	pressed := engine.Pressed{
		Over: slices.ContainsFunc(spent, func(one error) bool { return errors.Is(err, one) }),
	}
	body, ok := d.refuse(c, nil, err).body.(reasonBody)
	if !ok {
		return pressed
	}
	pressed.Text = body.Text
	if body.AgainText != "" {
		pressed.Text += " " + body.AgainText
	}
	if body.Code != "" {
		pressed.Text += " " + c.texts.Say("reason.code") + " " + body.Code
	}
	return pressed
}
