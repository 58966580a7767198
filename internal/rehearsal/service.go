package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// services are the web services outside: they answer what the story says, to the step that calls.
type services struct {
	answers map[string][]reply // by step, the next one first; the last stays
	calls   []*called
	missing []string // calls that the story has no answer for
	silent  bool     // nobody answers, and that is no mistake
	step    func(ctx context.Context, call engine.Call) (string, error)
}

var _ engine.Caller = (*services)(nil)

// reply is an answer, or why there is none.
type reply struct {
	answer engine.Answer
	err    error
}

// called is a call with all its tries.
type called struct {
	call  engine.Call
	step  string
	tries int
	shown int // tries that an expectation has looked at
}

type replyFile struct {
	// Status is the status of HTTP; 200 if not said.
	Status *yamldoc.Node `yaml:"status" schema:"whole"`
	// Headers are the answer's headers.
	Headers []yamldoc.Entry `yaml:"headers"`
	// Body is what it says.
	Body *yamldoc.Node `yaml:"body"`
}

// Call answers.
func (s *services) Call(ctx context.Context, call engine.Call) (engine.Answer, error) {
	step, err := s.step(ctx, call)
	if err != nil {
		return engine.Answer{}, err
	}
	i := slices.IndexFunc(s.calls, func(c *called) bool { return c.call.Key == call.Key })
	if i < 0 {
		i, s.calls = len(s.calls), append(s.calls, &called{call: call, step: step})
	}
	s.calls[i].tries++
	if s.silent {
		return engine.Answer{}, errors.New("it is not called in a simulation")
	}
	answers := s.answers[step]
	if len(answers) == 0 {
		why := fmt.Sprintf("the story has no answer for step %s, which calls %s %s",
			step, call.Method, call.Request.URL)
		s.missing = append(s.missing, why)
		return engine.Answer{}, engine.Permanent(errors.New(why))
	}
	if len(answers) > 1 {
		s.answers[step] = answers[1:]
	}
	return answers[0].answer, answers[0].err
}

// answer reads what web services answer to steps from now on: one answer, or several in turn.
func (p *parser) answer(entries []yamldoc.Entry) func(context.Context, *play) error {
	replies := map[string][]reply{}
	for _, entry := range entries {
		all := []*yamldoc.Node{entry.Value}
		if entry.Value.Kind() == yamldoc.List {
			all = entry.Value.Items()
		}
		for _, node := range all {
			replies[entry.Key.Text()] = append(replies[entry.Key.Text()], p.reply(node))
		}
		if len(all) == 0 {
			p.complain(entry.Value.Errorf("there is no answer in the list"))
		}
		if !p.hasStep(entry.Key.Text()) {
			p.complain(entry.Key.Errorf("no step has the id %s", entry.Key.Text()).
				WithHint("give the step that calls an id, or say its number"))
		}
	}
	return func(_ context.Context, s *play) error {
		maps.Copy(s.services.answers, replies)
		return nil
	}
}

// hasStep tells whether a workflow of the book has a step of an id or at a place.
func (p *parser) hasStep(name string) bool {
	return slices.ContainsFunc(p.book.Workflows, func(w *engine.Workflow) bool {
		return slices.ContainsFunc(w.Tasks, func(s *engine.Step) bool { return s.ID == name || s.Path == name })
	})
}

// reply reads an answer, or how there is none.
func (p *parser) reply(node *yamldoc.Node) reply {
	switch node.Text() {
	case answerFails:
		return reply{err: errors.New("the service does not answer")}
	case answerUnknown:
		return reply{err: engine.Unknown(errors.New("the service's answer was lost"))}
	}
	if node.Kind() != yamldoc.Mapping {
		p.complain(node.Errorf("expected an answer, found %s", node.Kind()).
			WithHint("{ status: 200, body: { … } }, fails, or unknown"))
		return reply{}
	}
	var f replyFile
	p.complain(yamldoc.Decode(node, &f)...)
	r := reply{answer: engine.Answer{Status: http.StatusOK, Header: http.Header{}}}
	if f.Status != nil {
		p.complain(yamldoc.Decode(f.Status, &r.answer.Status)...)
	}
	if f.Body != nil {
		r.answer.Body = []byte(f.Body.Text())
		if f.Body.Kind() != yamldoc.Text {
			r.answer.Body = []byte(asJSON(plain(f.Body.Plain())))
			r.answer.Header.Set("Content-Type", "application/json")
		}
	}
	for _, header := range f.Headers {
		r.answer.Header.Set(header.Key.Text(), header.Value.Text())
	}
	return r
}

// stepOf finds the step that a call is of: its id, or its place where it has none.
func (s *play) stepOf(ctx context.Context, call engine.Call) (string, error) {
	runs, err := s.Desk.RunLines(ctx, engine.RunSelection{Limit: most})
	if err != nil {
		return "", err
	}
	for _, line := range runs {
		story, err := s.Desk.RunStory(ctx, line.ID)
		if err != nil {
			return "", err
		}
		for _, f := range story.Effects {
			if f.Call != nil && f.Call.Key == call.Key {
				return stepName(s.book, f.Workflow, f.Step), nil
			}
		}
	}
	return "", fmt.Errorf("no run has asked for the call of %s", call.Request.URL)
}

// stepName is the id of a step, or its path where it has none; for all items of one with for_each it is the same.
func stepName(book *engine.Book, workflow, path string) string {
	path, _, _ = strings.Cut(path, "[")
	for _, w := range book.Workflows {
		for _, step := range w.Tasks {
			if w.Name == workflow && step.Path == path && step.ID != "" {
				return step.ID
			}
		}
	}
	return path
}

// happened are the calls that were tried since the last time.
func (s *services) happened() []*happening {
	var all []*happening
	for _, c := range s.calls {
		if c.tries == c.shown {
			continue
		}
		request := c.call.Request
		headers := map[string]any{}
		for name := range request.Header {
			headers[name] = request.Header.Get(name)
		}
		facts := map[string]any{
			"method": c.call.Method, "url": request.URL, "headers": headers, "body": bodyOf(request.Body),
			"step": c.step, "tries": json.Number(fmt.Sprint(c.tries - c.shown)),
		}
		if c.call.Auth != nil {
			facts["secret"] = c.call.Auth.Secret
		}
		c.shown = c.tries
		title := fmt.Sprintf("call %s %s", c.call.Method, request.URL)
		all = append(all, &happening{kind: "call", title: title, facts: facts})
	}
	return all
}

// bodyOf is what a body says: values where it is JSON, else text.
func bodyOf(body []byte) any {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err == nil && !decoder.More() {
		return value
	}
	return strings.TrimSpace(string(body))
}
