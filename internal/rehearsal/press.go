package rehearsal

import (
	"context"
	"fmt"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

type pressFile struct {
	// Action is the action whose button is pressed, on the last message that has one.
	Action string `yaml:"action,required"`
	// To is the address of whom the message went to, where several got one.
	To string `yaml:"to"`
	// Undo has them take it back, by the button that the message has then.
	Undo bool `yaml:"undo"`
	// Finds is what is told to who presses it.
	Finds string `yaml:"finds"`
	// Refused says that it does nothing.
	Refused bool `yaml:"refused"`
}

// press reads what somebody does who presses a button of a message, through the door as it is.
func (p *parser) press(f pressFile, node *yamldoc.Node) func(context.Context, *play) error {
	if f.Action == "" {
		p.complain(node.Errorf("a press names the action of its button"))
		return nil
	}
	return func(ctx context.Context, s *play) error {
		button, err := s.buttonOf(ctx, f.Action, f.To)
		if err != nil {
			return err
		}
		press := engine.Press{
			Link: button.Link, Generation: button.Generation, Action: button.Action, By: "story",
		}
		pressed := s.Press(ctx, press)
		if f.Undo && pressed.Undo != "" {
			press.Action = engine.PressUndo
			pressed = s.Press(ctx, press)
		} else if f.Undo {
			return fmt.Errorf("the press cannot be taken back: %s", pressed.Text)
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
		switch {
		case f.Refused && pressed.Done:
			return fmt.Errorf("the press was to be refused, and is not: %s", pressed.Text)
		case !f.Refused && !pressed.Done:
			return fmt.Errorf("the press does nothing: %s", pressed.Text)
		case !strings.Contains(pressed.Text, f.Finds):
			return fmt.Errorf("the press is not told %q, but: %s", f.Finds, pressed.Text)
		}
		return nil
	}
}

// buttonOf is a button by its action, of the last message that has it.
func (s *play) buttonOf(ctx context.Context, action, to string) (engine.Button, error) {
	deliveries, err := s.deliveries(ctx)
	if err != nil {
		return engine.Button{}, err
	}
	for i := len(deliveries) - 1; i >= 0; i-- {
		message, sent := s.message(deliveries[i])
		if !sent || to != "" && message.Recipient.Address != to {
			continue
		}
		for _, button := range message.Content.Buttons {
			if button.Action == action {
				return button, nil
			}
		}
	}
	return engine.Button{}, fmt.Errorf("no message has a button %q", action)
}
