package main

import (
	"context"
	"fmt"
	"strings"

	"postern/engine"
	"postern/workflows"
)

// recordRead reads records where they live, for a message that is sent by hand.
var recordRead = operation[[]engine.Ref, []engine.Record]{"records/read", needsBook, (*house).readRecords}

func (h *house) readRecords(ctx context.Context, refs []engine.Ref) ([]engine.Record, error) {
	if err := h.openCRM(); err != nil {
		return nil, err
	}
	return h.crm.Get(ctx, refs...)
}

// write has the template write the message, if one is named.
func (o *sendOptions) write(ctx context.Context, s *site) error {
	if o.template == "" {
		return nil
	}
	files, err := bookFolder(s.config.Book)
	if err != nil {
		return err
	}
	book, diags, sources := workflows.Load(files, s.config.bookOptions())
	if book == nil {
		return complaints{diags, sources}
	}
	t, err := templateOf(book, o.template, "")
	if err != nil {
		return err
	}
	if !t.Has(o.channel) {
		return fmt.Errorf("template %s has no text for %s; it has some for %s", o.template, o.channel,
			strings.Join(t.Channels(), ", "))
	}
	env := t.Sample(o.language, nil)
	if o.record != "" {
		ref, err := parseRef("--record", o.record, "HelpDesk:17x5")
		if err != nil {
			return err
		}
		if err := o.aboutRecord(ctx, s, env, ref); err != nil {
			return err
		}
	}
	if o.link == "" {
		base, err := s.config.base()
		if err != nil {
			return err
		}
		o.link = base.String() + "/"
	}
	for name := range env.Links {
		env.Links[name] = o.link
	}
	env.Recipient.Name, env.Recipient.Address = "", o.address
	content, err := t.Render(o.channel, o.language, env)
	o.written = &content
	return err
}

// aboutRecord puts a record in place of the example, and those that it refers to.
func (o *sendOptions) aboutRecord(ctx context.Context, s *site, env *engine.Env, ref engine.Ref) error {
	if ref.Module != env.Module.Name {
		return fmt.Errorf("template %s writes about %s, not about %s", o.template, env.Module.Name, ref.Module)
	}
	given := map[engine.Ref]engine.Fields{}
	for wanted := []engine.Ref{ref}; len(wanted) > 0; wanted = missing(env, ref, given) {
		records, err := recordRead.ask(ctx, s, wanted)
		if err != nil {
			return err
		}
		for _, at := range wanted {
			given[at] = nil // one that is not there is not asked for again
		}
		for _, r := range records {
			given[r.Ref] = r.Fields
		}
		if given[ref] == nil {
			return fmt.Errorf("there is no record %s", ref)
		}
	}
	env.Ref, env.Record = ref, given[ref]
	referTo(env, given)
	return nil
}

// missing are the records that the routes lead to next and that were not asked for.
func missing(env *engine.Env, ref engine.Ref, given map[engine.Ref]engine.Fields) (wanted []engine.Ref) {
	for route := range env.Routes {
		from, module := given[ref], env.Module
		for step := range strings.SplitSeq(route, ".") {
			field := module.Fields[step]
			if field == nil || from.Text(step) == "" {
				break
			}
			var next engine.Fields
			for _, to := range field.To {
				at := engine.Ref{Module: to, ID: from.Text(step)}
				fields, asked := given[at]
				if !asked {
					wanted = append(wanted, at)
				}
				if fields != nil {
					next, module = fields, env.Modules[to]
				}
			}
			if next == nil {
				break
			}
			from = next
		}
	}
	return wanted
}
