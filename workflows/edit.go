package workflows

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"

	"postern/engine"
	"postern/internal/yamldoc"
)

// Limits of what a visitor enters.
const (
	defaultUpload = 5 << 20 // bytes of one file
	maxScale      = 11      // numbers in a row: 0 to 10
)

// editFile is one entry under edit or ask.
type editFile struct {
	// Label is what people call the entry: a text, or one for each language. It stands in place of the field's.
	Label labels `yaml:"label"`
	// Required says that the entry may not be left empty.
	Required *bool `yaml:"required"`
	// Options are those of the field's options that are offered.
	Options []*yamldoc.Node `yaml:"options,one" schema:"word"`
	// Max is the longest text in characters, or the largest file: 500kB, 5MB. A file has 5MB if it is not said, and
	// 25MB at most; 1MB is 1,024kB.
	Max *yamldoc.Node `yaml:"max" schema:"whole|size"`
	// Scale is the first and the last of the whole numbers that are chosen from a row, at most eleven.
	Scale []*yamldoc.Node `yaml:"scale" schema:"number"`
	// Creates is the module of a record that is made of the entry; or the module, the field that takes the entry, the
	// reference that leads back, and what else is set.
	Creates *yamldoc.Node `yaml:"creates" schema:"module|creationFile"`
	// Type is what an entry with creates holds; text if it is not said.
	Type *yamldoc.Node `yaml:"type" schema:"engine.FieldType"`
	// Types are the media types of files that are taken: PDF, JPEG and PNG if they are not said.
	Types []*yamldoc.Node `yaml:"types,one" schema:"mediaType"`
}

type creationFile struct {
	// Module is the kind of record that is made.
	Module *yamldoc.Node `yaml:"module,required" schema:"module"`
	// Field is the field that takes the entry; it need not be said where only one can.
	Field *yamldoc.Node `yaml:"field" schema:"text"`
	// By is the reference that leads back to the landing's record; it need not be said where there is only one.
	By *yamldoc.Node `yaml:"by" schema:"text"`
	// Set are values that the record is given besides.
	Set []yamldoc.Entry `yaml:"set"`
}

// edit reads one entry of a form that has others already; nothing after a complaint that leaves none.
func (p *page) edit(entry yamldoc.Entry, others []*engine.Edit) []*engine.Edit {
	var f editFile
	if entry.Value.Kind() != yamldoc.Null {
		p.complain(yamldoc.Decode(entry.Value, &f)...)
	}
	edit := &engine.Edit{Label: engine.Labels(f.Label)}
	if f.Creates != nil {
		p.creation(edit, entry, f)
	} else {
		p.ownField(edit, entry, f)
	}
	switch {
	case edit.Field == nil:
		return nil
	case slices.ContainsFunc(others, func(o *engine.Edit) bool { return o.Field.Name == edit.Field.Name }):
		return nil // a key stands once in a mapping, which has been complained about
	}
	if f.Required != nil {
		field := *edit.Field
		field.Required = *f.Required
		edit.Field = &field
	}
	p.editOptions(edit, f.Options)
	p.editScale(edit, entry.Value.Get("scale"), f.Scale)
	if edit.Field.Type == engine.TypeFile && edit.Creates != nil {
		p.upload(edit, f)
	} else {
		p.editMax(edit, f.Max)
	}
	return []*engine.Edit{edit}
}

// ownField is an entry for a field of the landing's record.
func (p *page) ownField(edit *engine.Edit, entry yamldoc.Entry, f editFile) {
	if !p.knownField(entry.Key, p.landing.Module) {
		return
	}
	edit.Field = p.landing.Module.Fields[entry.Key.Text()]
	switch edit.Field.Type {
	case engine.TypeFile:
		p.complain(entry.Key.Errorf("%s is of type file: a file becomes a record of its own, "+
			"so say which by creates: Documents", edit.Field.Name))
	case engine.TypeReference, engine.TypeOwner:
		p.complain(entry.Key.Errorf("%s is of type %s, which a visitor can see but not enter",
			edit.Field.Name, edit.Field.Type))
	}
	if f.Type != nil {
		p.complain(f.Type.Errorf("%s has a type already; type is for an entry with creates", edit.Field.Name))
	}
	if f.Required != nil && !*f.Required && edit.Field.Required {
		p.complain(entry.Value.Get("required").Errorf("%s is required in %s", edit.Field.Name, p.landing.Module.Name))
	}
	p.fileOnly(f)
}

// fileOnly complains about what means something for files alone.
func (p *page) fileOnly(f editFile) {
	if len(f.Types) > 0 {
		p.complain(f.Types[0].Errorf("types are for an entry of type file"))
	}
}

// editOptions narrows the options of a field that has some.
func (p *page) editOptions(edit *engine.Edit, options []*yamldoc.Node) {
	kind, known := edit.Field.Type, edit.Field.Options
	for _, option := range options {
		switch {
		case kind != engine.TypePicklist && kind != engine.TypeMultiPicklist:
			p.complain(option.Errorf("options are for a picklist or multipicklist; %s is %s", edit.Field.Name, kind))
			return
		case len(known) > 0 && !slices.Contains(known, option.Text()):
			p.complain(option.Unknown("option", known))
		default:
			edit.Options = append(edit.Options, option.Text())
		}
	}
}

// editMax narrows the length of a field that has one.
func (p *page) editMax(edit *engine.Edit, at *yamldoc.Node) {
	if at == nil {
		return
	}
	diags := yamldoc.Decode(at, &edit.Max)
	p.complain(diags...)
	longest := cmp.Or(edit.Field.Max, engine.MaxText)
	switch {
	case diags.Err() != nil:
	case !edit.Field.IsText():
		p.complain(at.Errorf("max counts the characters of a text; %s is %s", edit.Field.Name, edit.Field.Type))
	case edit.Max < 1 || edit.Max > longest:
		p.complain(at.Errorf("max narrows the field's own limit: 1 to %d characters", longest))
	}
}

// editScale reads a row of numbers to choose from.
func (p *page) editScale(edit *engine.Edit, at *yamldoc.Node, ends []*yamldoc.Node) {
	if at == nil || at.Kind() != yamldoc.List { // which was said
		return
	}
	switch edit.Field.Type {
	case engine.TypeInteger, engine.TypeNumber, engine.TypeDecimal:
	default:
		p.complain(at.Errorf("a scale is for a number; %s is %s", edit.Field.Name, edit.Field.Type))
		return
	}
	var row engine.Scale
	if len(ends) == 2 {
		first, wrongFirst := strconv.Atoi(ends[0].Text())
		last, wrongLast := strconv.Atoi(ends[1].Text())
		if wrongFirst == nil && wrongLast == nil && first < last && last-first < maxScale {
			row = engine.Scale{From: first, To: last}
		}
	}
	if row.From == row.To {
		p.complain(at.Errorf("a scale is the first and the last of at most %d whole numbers, such as [1, 5]", maxScale))
		return
	}
	edit.Scale = &row
}

var sizeForm = regexp.MustCompile(`^([1-9][0-9]{0,6})(kB|MB)$`)

// upload reads which files are taken.
func (p *page) upload(edit *engine.Edit, f editFile) {
	edit.Upload = &engine.Upload{Max: defaultUpload, Types: []string{"application/pdf", "image/jpeg", "image/png"}}
	if f.Max != nil {
		size := sizeForm.FindStringSubmatch(f.Max.Text())
		if size == nil {
			p.complain(f.Max.Errorf("the largest file is written 500kB or 5MB, found %q", f.Max.Text()))
			return
		}
		count, _ := strconv.ParseInt(size[1], 10, 64) // at most seven digits
		if edit.Upload.Max = count << 10; size[2] == "MB" {
			edit.Upload.Max = count << 20
		}
		if edit.Upload.Max > engine.MaxUpload {
			p.complain(f.Max.Errorf("a file has at most %dMB", engine.MaxUpload>>20))
		}
	}
	if len(f.Types) > 0 {
		edit.Upload.Types = nil
	}
	kinds := engine.FileTypes()
	for _, kind := range f.Types {
		if !slices.Contains(kinds, kind.Text()) {
			p.complain(kind.Unknown("media type", kinds))
			continue
		}
		edit.Upload.Types = append(edit.Upload.Types, kind.Text())
	}
}
