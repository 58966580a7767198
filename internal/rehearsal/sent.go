package rehearsal

import (
	"context"
	"errors"

	"postern/engine"
)

// Sent plays a case and returns the messages that a template wrote in it, the oldest first. That the case fails does
// not matter here.
func Sent(
	ctx context.Context, book *engine.Book, carriers map[string]engine.Carrier, c *Case, open Open,
	template string,
) (sent []engine.Message, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := stage(ctx, book, carriers, c, open, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.perform(ctx, c)
	all, err := s.deliveries(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if m, ok := s.message(d); ok && d.Template == template {
			sent = append(sent, m)
		}
	}
	return sent, nil
}
