package pages

import (
	"net/url"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/forms"
	"postern/internal/upload"
	"postern/portal"
)

// targets is how many records of another module there are to choose from.
const targets = 100

// edits are the fields of a form, and which of them need a new sign-in before they can be changed. What people cannot
// fill in, such as the id of an owner, is left out.
func (c *call) edits(
	access *engine.Access, names []string, row portal.Row,
) (edits []*engine.Edit, barred []*engine.Field, err error) {
	for _, name := range names {
		field := forms.FieldOf(access.Module, name)
		if slices.Contains(access.Fresh, name) && !c.viewer.Fresh() {
			barred = append(barred, field)
		}
		switch {
		case field.Type == engine.TypeOwner:
			continue
		case field.Type == engine.TypeFile:
			edits = append(edits, &engine.Edit{Field: field, Upload: portal.Takes()})
			continue
		case field.Type == engine.TypeReference:
			if field, err = c.choosing(access, field, row); err != nil {
				return nil, nil, err
			}
		}
		if field != nil {
			edits = append(edits, &engine.Edit{Field: field})
		}
	}
	return edits, barred, nil
}

// choosing is a reference of a row as a choice among the records that it may lead to; nil where there are none to
// choose. A row without an id is one that is being made.
func (c *call) choosing(of *engine.Access, field *engine.Field, row portal.Row) (*engine.Field, error) {
	choice, id, title := *field, row.Fields.Text(field.Name), row.Titles[field.Name]
	choice.Type, choice.Options, choice.Choices = engine.TypePicklist, nil, map[string]engine.Labels{}
	more, made := false, row.ID == ""
	for _, module := range field.To {
		access := c.viewer.Access(module)
		if access == nil {
			continue
		}
		question := portal.Question{Module: module, Limit: targets}
		for _, name := range titleFields(access) {
			if slices.Contains(access.Sort, name) {
				question.Order = append(question.Order, engine.Sorting{Field: name})
			}
		}
		listing, err := c.pages.with.Desk.Targets(c.Context(), c.viewer, of.Module.Name, field.Name, made, question)
		if err != nil {
			return nil, err
		}
		more = more || listing.Next != ""
		for _, row := range listing.Rows {
			choice.Options = append(choice.Options, row.ID)
			choice.Choices[row.ID] = engine.Labels{"en": c.heading(access, row)}
		}
	}
	if len(choice.Options) == 0 || (id != "" && title == "") {
		return nil, nil //nolint:nilnil // nothing to choose, and nothing wrong
	}
	if !slices.Contains(choice.Options, id) && id != "" && (more || !made) {
		choice.Options = append(choice.Options, id)
		choice.Choices[id] = engine.Labels{"en": title}
	}
	return &choice, nil
}

// named are the labels of fields.
func (c *call) named(fields []*engine.Field) string {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = forms.FieldLabel(field, c.texts.Language)
	}
	return strings.Join(names, ", ")
}

// readSent reads a form, whose files the desk vouches for.
func (c *call) readSent(access *engine.Access, edits []*engine.Edit) (upload.Sent, error) {
	sent, err := c.pages.with.Intake.Read(upload.Coming{
		Request: c.Request, Control: c.control, Now: c.now, Takes: upload.Takes(edits),
		Quota: c.pages.with.Desk.Quota(c.viewer),
	})
	if err != nil {
		return sent, err
	}
	for name, arrived := range sent.Files {
		if arrived.Problem != "" {
			continue
		}
		arrived.Value, err = c.pages.with.Desk.Vouch(c.viewer, access.Module.Name, name, arrived.File)
		if err != nil {
			c.discard(sent)
			return sent, err
		}
	}
	return sent, nil
}

// discard forgets the files of a form that no record has kept.
func (c *call) discard(sent upload.Sent) { c.pages.with.Intake.Discard(c.Context(), sent) }

func queryText(text string) string { return url.QueryEscape(text) }
