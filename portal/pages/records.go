package pages

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/forms"
	"postern/portal"
)

// records is the topic of the records that a role may see.
func records() topic {
	return topic{
		name:  "records",
		pages: []string{"list", "record", "edit", "delete"},
		routes: []route{
			{path: "records/{module}", get: showList},
			{path: "records/{module}/{id}", get: showRecord},
			{path: "records/{module}/{id}/{related}", get: showRelated},
			{path: "new/{module}", get: showCreate, post: create},
			{path: "edit/{module}/{id}", get: showEdit, post: edit},
			{path: "delete/{module}/{id}", get: showDelete, post: remove},
			{path: "file/{module}/{id}/{field}", get: sendFile, long: true},
		},
	}
}

// brief is how many characters of a text stand for a record that has no title.
const brief = 80

// access is what the viewer may do with the module of the call's path.
func (c *call) access() (*engine.Access, error) { return c.accessTo(c.PathValue("module")) }

func (c *call) accessTo(module string) (*engine.Access, error) {
	access := c.viewer.Access(module)
	if access == nil {
		return nil, portal.ErrForbidden
	}
	return access, nil
}

// ref is the record of the call's path.
func (c *call) ref() engine.Ref {
	return engine.Ref{Module: c.PathValue("module"), ID: c.PathValue("id")}
}

// recordPath is where a record is shown.
func (c *call) recordPath(ref engine.Ref) string { return c.path("records", ref.Module, ref.ID) }

// afterwards leads on from a change: to the record, or to the list where there is none to see.
func (c *call) afterwards(module, done string, change portal.Done) answer {
	to := c.path("records", module)
	if change.Pending {
		done = "received"
	}
	if change.Row != nil {
		to = c.recordPath(change.Row.Ref)
	} else if change.Pending && done != "deleted" && change.Ref.ID != "" {
		to = c.recordPath(change.Ref)
	}
	return answer{goTo: to, cookies: []*http.Cookie{c.tell(done)}}
}

// shownField is a field of a record as people read it.
type shownField struct {
	forms.Shown
	Ours bool // whether its URL leads to a page of ours
	File bool // or to a file
	// Number says that it is one, which stands below the others of its column.
	Number bool
}

// shownFields are fields of a row for reading. A reference to what the viewer may not see is left out: its id says
// nothing to people.
func (c *call) shownFields(access *engine.Access, row portal.Row, names []string) []shownField {
	fields := make([]shownField, 0, len(names))
	for _, name := range names {
		field := forms.FieldOf(access.Module, name)
		shown := shownField{Shown: forms.Show(field, row.Fields[name], c.texts)}
		switch field.Type {
		case engine.TypeReference:
			if row.Titles[name] == "" && shown.Text != "" {
				continue
			}
			shown.Text, shown.Ours = row.Titles[name], true
			shown.URL = c.targetPath(field, row.Fields.Text(name))
		case engine.TypeFile:
			shown.File = shown.Text != ""
			if shown.File {
				shown.Text = fileText(shown.Text)
				shown.URL = c.path("file", row.Module, row.ID, name)
			}
		default:
		}
		fields = append(fields, shown)
	}
	return fields
}

// targetPath is where the record is shown that a reference leads to; "" where that is not clear.
func (c *call) targetPath(field *engine.Field, id string) string {
	open := slices.DeleteFunc(slices.Clone(field.To), func(module string) bool {
		return c.viewer.Access(module) == nil
	})
	if len(open) != 1 || id == "" {
		return ""
	}
	return c.recordPath(engine.Ref{Module: open[0], ID: id})
}

// titleFields are the fields that name a record to people, of those that may be read.
func titleFields(access *engine.Access) []string {
	return slices.DeleteFunc(slices.Clone(access.Module.Title), func(name string) bool {
		return !slices.Contains(access.Read, name)
	})
}

// heading names a row to people: by its title, else by its first field that says something, else by its module.
func (c *call) heading(access *engine.Access, row portal.Row) string {
	if row.Title != row.ID {
		return row.Title
	}
	for _, field := range c.shownFields(access, row, access.Read) {
		first, _, _ := strings.Cut(strings.TrimSpace(field.Text), "\n")
		if text := []rune(first); len(text) > brief {
			return string(text[:brief]) + "…"
		}
		if first != "" {
			return first
		}
	}
	return cmp.Or(access.Module.Called(c.texts.Language), row.ID)
}
