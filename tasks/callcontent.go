package tasks

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postern/engine"
)

// callContent is what a call sends.
type callContent struct {
	kind  string // its key: body, form or text; "" for nothing
	value engine.Program
	form  map[string]engine.Program
}

// checkContent finds the one thing that is sent and compiles it.
func (c *Call) checkContent(scope engine.CheckScope) {
	var keys []string
	if c.Body != nil {
		keys = append(keys, "body")
	}
	if c.Form != nil {
		keys = append(keys, "form")
	}
	if c.Text != "" {
		keys = append(keys, "text")
	}
	if len(keys) == 0 {
		return
	}
	if len(keys) > 1 {
		scope.Complain(keys[1], "a call sends one thing; "+strings.Join(keys, " and ")+" stand beside each other")
	}
	c.content.kind = keys[0]
	switch keys[0] {
	case "body":
		c.content.value = scope.Tree("body")
	case "text":
		c.content.value = scope.Text("text")
	case "form":
		c.content.form = map[string]engine.Program{}
		for _, name := range slices.Sorted(maps.Keys(c.Form)) {
			if value := written(scope, "form."+name); value != nil {
				c.content.form[name] = value
			}
		}
	}
}

// write is what is sent, with its content type; none of both for nothing.
func (c callContent) write(env *engine.Env) (body []byte, kind string, err error) {
	switch c.kind {
	case "":
		return nil, "", nil
	case "body":
		value, err := c.value.Eval(env)
		if err != nil {
			return nil, "", err
		}
		body, err = json.Marshal(value)
		if err != nil {
			return nil, "", fmt.Errorf("write it as JSON: %w", err)
		}
		kind = "application/json"
	case "text":
		text, err := textOf(c.value, env)
		if err != nil {
			return nil, "", err
		}
		body, kind = []byte(text), "text/plain; charset=utf-8"
	case "form":
		values := url.Values{}
		for name, program := range c.form {
			text, err := textOf(program, env)
			if err != nil {
				return nil, "", fmt.Errorf("%s: %w", name, err)
			}
			values.Set(name, text)
		}
		body, kind = []byte(values.Encode()), "application/x-www-form-urlencoded"
	}
	if len(body) > engine.MaxCallBody {
		return nil, "", fmt.Errorf("it has %d kB; a call sends at most %d", len(body)>>10, engine.MaxCallBody>>10)
	}
	return body, kind, nil
}

// written is a program that gives text, whatever the value is.
func written(scope engine.CheckScope, key string) engine.Program {
	parts := scope.Parts(key)
	if parts == nil {
		return nil
	}
	return textProgram(parts)
}

// textProgram joins the parts of a text.
type textProgram []engine.TextPart

// Eval gives the text.
func (t textProgram) Eval(env *engine.Env) (any, error) {
	var b strings.Builder
	for _, part := range t {
		piece := part.Plain
		if part.Value != nil {
			var err error
			if piece, err = textOf(part.Value, env); err != nil {
				return nil, err
			}
		}
		b.WriteString(piece)
	}
	return b.String(), nil
}

// Routes are none of its own: the scope has noted those of its parts.
func (textProgram) Routes() []string { return nil }

// Source is nothing in one piece.
func (textProgram) Source() string { return "the text" }

func textOf(p engine.Program, env *engine.Env) (string, error) {
	value, err := p.Eval(env)
	if err != nil {
		return "", err
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("expected text, found %T", value)
	}
	return text, nil
}

func (c *Call) checkHeaders(scope engine.CheckScope) {
	c.headers = map[string]engine.Program{}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		key := "headers." + name
		why := engine.HeaderComplaint(name)
		if canonical := http.CanonicalHeaderKey(name); why == "" && seen[canonical] {
			why = "the header " + name + " is there twice"
		} else {
			seen[canonical] = true
		}
		if why != "" {
			scope.Complain(key, why)
		}
		parts := scope.Parts(key)
		for _, part := range parts {
			if strings.ContainsFunc(part.Plain, isControl) {
				scope.Complain(key, "a header holds no line break")
				break
			}
		}
		if parts != nil {
			c.headers[name] = textProgram(parts)
		}
	}
}

// header are the headers with their values filled in.
func (c *Call) header(env *engine.Env) (http.Header, error) {
	header, size := http.Header{}, 0
	for name, program := range c.headers {
		value, err := textOf(program, env)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
		if strings.ContainsFunc(value, isControl) {
			return nil, fmt.Errorf("header %s: its value holds a line break or another control character", name)
		}
		header.Set(name, value)
		size += len(name) + len(value)
	}
	if size > engine.MaxCallHeaders {
		return nil, fmt.Errorf("the headers have %d kB; a call sends at most %d", size>>10, engine.MaxCallHeaders>>10)
	}
	return header, nil
}

func (c *Call) checkExpect(scope engine.CheckScope) {
	for i, node := range c.Expect.Status {
		s, err := engine.ParseStatuses(node.Text())
		if err != nil {
			scope.Complain("expect.status."+strconv.Itoa(i), fmt.Sprintf("found %q: %v", node.Text(), err))
			continue
		}
		c.expected = append(c.expected, s)
	}
	if len(c.Expect.Status) == 0 {
		c.expected = []engine.Statuses{{From: 200, To: 299}}
	}
	c.holds = scope.Answering().Condition("expect.if")
}
