package main

import (
	"fmt"
	"go/ast"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// row is one key of a configuration.
type row struct{ key, kind, standard, what string }

// part is a group of rows under one title.
type part struct {
	title, doc string
	rows       []row
}

// parts groups the keys of a struct: those that stand alone, then each mapping.
func (s *source) parts(of structure, defaults values) ([]part, error) {
	top := part{title: "At the top"}
	var more []part
	for _, f := range of.fields {
		k, err := of.key(f)
		if err != nil {
			return nil, err
		}
		if k.name == "" {
			continue
		}
		m, err := s.meaning(scope{of.path, of.file}, f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		if m.inner == nil {
			top.rows = append(top.rows, k.row("", m, defaults[k.field]))
			continue
		}
		inner, _ := defaults[k.field].(values)
		rows, err := s.rows(*m.inner, "", inner)
		if err != nil {
			return nil, err
		}
		more = append(more, part{title: k.name, doc: k.what, rows: rows})
	}
	return append([]part{top}, more...), nil
}

// rows lists the keys of a struct, those of mappings inside after the key that holds them.
func (s *source) rows(of structure, prefix string, defaults values) (rows []row, err error) {
	for _, f := range of.fields {
		k, err := of.key(f)
		if err != nil {
			return nil, err
		}
		if k.rest && k.form == "" {
			k.name = "any name"
		}
		if k.name == "" {
			continue
		}
		m, err := s.meaning(scope{of.path, of.file}, f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		rows = append(rows, k.row(prefix, m, defaults[k.field]))
		if m.inner == nil {
			continue
		}
		inner, _ := defaults[k.field].(values)
		nested, err := s.rows(*m.inner, prefix+k.name+m.under+".", inner)
		if err != nil {
			return nil, err
		}
		rows = append(rows, nested...)
	}
	return rows, nil
}

// key is a field with what its tag and its comment say; its name is empty if it is no key.
type key struct {
	name, field, what   string
	form                string // what the tag schema says of the value
	required, one, rest bool
}

func (of structure) key(f *ast.Field) (key, error) {
	if f.Tag == nil || len(f.Names) != 1 {
		return key{}, nil
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return key{}, fmt.Errorf("%s.%s: read tag: %w", of.name, f.Names[0].Name, err)
	}
	name, options, _ := strings.Cut(reflect.StructTag(tag).Get("yaml"), ",")
	k := key{
		name: name, field: f.Names[0].Name, what: sentence(f.Names[0].Name, name, f.Doc.Text()+f.Comment.Text()),
		form: reflect.StructTag(tag).Get("schema"),
	}
	if k.name != "" && k.what == "" {
		return key{}, fmt.Errorf("%s.%s has no comment, and an admin will look for one", of.name, k.field)
	}
	for option := range strings.SplitSeq(options, ",") {
		k.required = k.required || option == "required"
		k.one = k.one || option == "one"
		k.rest = k.rest || option == "rest"
	}
	return k, nil
}

func (k key) row(prefix string, m meaning, standard any) row {
	r := row{key: prefix + k.name, kind: strings.Replace(m.word, node, spokenForm(k.form), 1), what: k.what}
	if k.one {
		r.kind += ", or one"
	}
	switch text, ok := standard.(string); {
	case k.required:
		r.standard = "required"
	case ok && text != "":
		r.standard = "`" + text + "`"
	}
	return r
}

// sentence makes a field's comment one that a reader of the file understands, who never sees the field's name in Go:
// "Port is the port" becomes "The port", and "OnError says" becomes "on_error says".
func sentence(field, name, comment string) string {
	text := strings.Join(strings.Fields(comment), " ")
	for _, verb := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(text, field+verb); ok {
			text = rest
			break
		}
	}
	if rest, ok := strings.CutPrefix(text, field+" "); ok && name != "" && !strings.EqualFold(field, name) {
		return stopped(name + " " + rest)
	}
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return stopped(string(unicode.ToUpper(first)) + text[size:])
}

// stopped is a sentence with its full stop.
func stopped(text string) string {
	if strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// meaning is how a type reads in the page.
type meaning struct {
	word  string
	inner *structure // the mapping's own keys
	under string     // what stands between the key and those
}

var words = map[string]string{
	"string": "text", "bool": "true or false", "any": "any value", "float64": "number",
	"int": "whole number", "int64": "whole number",
	"time.Duration": "duration", "engine.Secret": "secret", "yamldoc.Entry": "entry",
	"yamldoc.Node": node, "labels": "label", "choices": "list, or labels by value",
}

// node stands for a value of which the tag schema says what it is.
const node = "node"

func (s *source) meaning(in scope, expr ast.Expr) (meaning, error) {
	switch e := expr.(type) {
	case *ast.StarExpr:
		return s.meaning(in, e.X)
	case *ast.Ident:
		if word, ok := words[e.Name]; ok {
			return meaning{word: word}, nil
		}
		return s.mapping(in.path, e.Name)
	case *ast.SelectorExpr:
		name := fmt.Sprintf("%s.%s", e.X, e.Sel.Name)
		if word, ok := words[name]; ok {
			return meaning{word: word}, nil
		}
		return s.mapping(in.imported(fmt.Sprint(e.X)), e.Sel.Name)
	case *ast.ArrayType:
		item, err := s.meaning(in, e.Elt)
		if item.word == "entry" {
			return meaning{word: "mapping by name"}, err
		}
		return meaning{word: "list of " + item.word, inner: item.inner, under: "[]"}, err
	case *ast.MapType:
		value, err := s.meaning(in, e.Value)
		return meaning{word: value.word + " by name", inner: value.inner, under: ".<name>"}, err
	}
	return meaning{}, fmt.Errorf("a type of the form %T has no word for the reader", expr)
}

func (s *source) mapping(path, name string) (meaning, error) {
	inner, err := s.find(path, name)
	if err != nil {
		return meaning{}, err
	}
	return meaning{word: "mapping", inner: &inner}, nil
}
