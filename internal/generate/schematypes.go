package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// bookNames are what the files of a book name of one another: each is a definition of its own, to which the names of a
// book are added beside the book.
var bookNames = []string{"module", "landing", "factor", "template", "workflow"}

// typed is the schema of a value of a type, or of the form that the field's tag names: that is what a single value
// is, or each one of a list or of a mapping by name.
func (b *schemaBuilder) typed(in scope, expr ast.Expr, form string, standard any) (object, error) {
	switch e := expr.(type) {
	case *ast.StarExpr:
		return b.typed(in, e.X, form, standard)
	case *ast.ArrayType:
		item, err := b.typed(in, e.Elt, form, nil)
		if err != nil {
			return nil, err
		}
		if fmt.Sprint(e.Elt) == fmt.Sprint(entry) {
			return object{"type": "object", "additionalProperties": item}, nil
		}
		return object{"type": "array", "items": item}, nil
	case *ast.MapType:
		value, err := b.typed(in, e.Value, form, nil)
		return object{"type": "object", "additionalProperties": value}, err
	}
	schema, err := b.single(in, expr, form, standard)
	if text, ok := standard.(string); ok && err == nil && text != "" {
		schema["default"] = asTyped(schema, text)
	}
	return schema, err
}

// entry is how the type of one key with its value reads in the source.
var entry = &ast.SelectorExpr{X: ast.NewIdent("yamldoc"), Sel: ast.NewIdent("Entry")}

func (b *schemaBuilder) single(in scope, expr ast.Expr, form string, standard any) (object, error) {
	if form != "" {
		return b.form(in, form)
	}
	defaults, _ := standard.(values)
	switch e := expr.(type) {
	case *ast.Ident:
		if schema, ok := forms()[e.Name]; ok {
			return schema, nil
		}
		return b.named(in.path, e.Name, defaults)
	case *ast.SelectorExpr:
		if schema, ok := forms()[fmt.Sprintf("%s.%s", e.X, e.Sel.Name)]; ok {
			return schema, nil
		}
		return b.named(in.imported(fmt.Sprint(e.X)), e.Sel.Name, defaults)
	}
	return nil, fmt.Errorf("a type of the form %T has no schema", expr)
}

// asTyped is a default as it is written in JSON.
func asTyped(schema object, text string) any {
	if schema["type"] == "integer" || schema["type"] == "number" || schema["type"] == "boolean" {
		return rawJSON(text)
	}
	return text
}

// rawJSON is text that is JSON already.
type rawJSON string

// MarshalJSON returns the text.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// form reads a tag: forms with | between them, of which one fits. Each is a word in 'single quotes', one of the table,
// a type of the package, or a type of another package.
func (b *schemaBuilder) form(in scope, tag string) (object, error) {
	var found []object
	for name := range strings.SplitSeq(tag, "|") {
		if word, ok := strings.CutPrefix(name, "'"); ok {
			found = append(found, object{"enum": []any{strings.TrimSuffix(word, "'")}})
			continue
		}
		schema, err := b.formNamed(in, name)
		if err != nil {
			return nil, err
		}
		found = append(found, schema)
	}
	return anyOf(found...), nil
}

func (b *schemaBuilder) formNamed(in scope, name string) (object, error) {
	if item, ok := strings.CutPrefix(name, "[]"); ok {
		items, err := b.formNamed(in, item)
		return object{"type": "array", "items": items}, err
	}
	if slices.Contains(bookNames, name) {
		b.definitions[name] = object{"type": "string"}
		return object{"allOf": []any{object{"$ref": "#/definitions/" + name}}}, nil
	}
	if name == "step" {
		return b.step(in)
	}
	if schema, ok := forms()[name]; ok {
		return schema, nil
	}
	if of, name, elsewhere := strings.Cut(name, "."); elsewhere {
		return b.named(in.imported(of), name, nil)
	}
	return b.named(in.path, name, nil)
}

// step refers to the one definition of a step, which may hold steps itself.
func (b *schemaBuilder) step(in scope) (object, error) {
	if b.definitions["step"] == nil {
		b.definitions["step"] = object{} // for the steps within
		schema, err := b.named(in.path, "stepFile", nil)
		if err != nil {
			return nil, err
		}
		b.definitions["step"] = schema
	}
	return object{"$ref": "#/definitions/step"}, nil
}

// named is a type of ours: a struct, a choice of constants, or what it is made of.
func (b *schemaBuilder) named(path, name string, defaults values) (object, error) {
	d, err := b.declared(path, name)
	if err != nil {
		return nil, err
	}
	if _, ok := d.spec.Type.(*ast.StructType); ok {
		of, err := b.find(path, name)
		if err != nil {
			return nil, err
		}
		schema, err := b.structure(of, defaults)
		if err == nil && path == "postern/engine" && name == "Secret" {
			schema["minProperties"], schema["maxProperties"] = 1, 1 // a secret is in one place
		}
		if err == nil && path == "postern/internal/web" && name == "Key" { // so is a key, which says more
			schema["oneOf"] = []any{object{"required": []string{"env"}}, object{"required": []string{"file"}}}
		}
		return schema, err
	}
	words, err := b.choices(path, name)
	if err != nil || words != nil {
		return words, err
	}
	return b.typed(scope{path, d.file}, d.spec.Type, "", nil)
}

// choices are the constants of a type, each with its comment; nil if there is none.
func (b *schemaBuilder) choices(path, name string) (object, error) {
	files, err := b.files(path)
	if err != nil {
		return nil, err
	}
	var words, about []any
	told := false
	for _, file := range files {
		for _, d := range file.Decls {
			general, ok := d.(*ast.GenDecl)
			if !ok || general.Tok != token.CONST {
				continue
			}
			for _, spec := range general.Specs {
				c := spec.(*ast.ValueSpec)
				if of, ok := c.Type.(*ast.Ident); !ok || of.Name != name || len(c.Values) != 1 {
					continue
				}
				word, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				comment := strings.Join(strings.Fields(c.Comment.Text()), " ")
				words, about, told = append(words, word), append(about, comment), told || comment != ""
			}
		}
	}
	switch {
	case words == nil:
		return nil, nil
	case told:
		return object{"enum": words, "enumDescriptions": about}, nil
	}
	return object{"enum": words}, nil
}
