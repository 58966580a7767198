package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// module is the name that the paths of our own packages begin with.
const module = "postern/"

// source reads the packages of the module as text, comments included.
type source struct {
	root   string
	parsed map[string][]*ast.File // by import path
}

// structure is a struct as it is declared.
type structure struct {
	path   string // import path of its package
	name   string
	doc    string
	file   *ast.File
	fields []*ast.Field
}

func newSource(root string) *source { return &source{root: root, parsed: map[string][]*ast.File{}} }

// files returns the parsed files of a package of ours, its tests apart.
func (s *source) files(path string) ([]*ast.File, error) {
	if files, ok := s.parsed[path]; ok {
		return files, nil
	}
	folder, ours := strings.CutPrefix(path, module)
	if !ours {
		return nil, fmt.Errorf("package %s is not ours to read", path)
	}
	folder = filepath.Join(s.root, filepath.FromSlash(folder))
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read package %s: %w", path, err)
	}
	var files []*ast.File
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, name), nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("read package %s: %w", path, err)
		}
		files = append(files, file)
	}
	s.parsed[path] = files
	return files, nil
}

// find looks a struct up by package and name.
func (s *source) find(path, name string) (structure, error) {
	files, err := s.files(path)
	if err != nil {
		return structure{}, err
	}
	for _, d := range declarations(files) {
		if body, ok := d.spec.Type.(*ast.StructType); ok && d.spec.Name.Name == name {
			return structure{path, name, d.doc, d.file, body.Fields.List}, nil
		}
	}
	return structure{}, fmt.Errorf("package %s has no struct %s", path, name)
}

// declared looks any type up by package and name.
func (s *source) declared(path, name string) (declaration, error) {
	files, err := s.files(path)
	if err != nil {
		return declaration{}, err
	}
	for _, d := range declarations(files) {
		if d.spec.Name.Name == name {
			return d, nil
		}
	}
	return declaration{}, fmt.Errorf("package %s has no type %s", path, name)
}

// declaration is a type as it is declared.
type declaration struct {
	spec *ast.TypeSpec
	file *ast.File
	doc  string
}

// declarations are the types of a package.
func declarations(files []*ast.File) (all []declaration) {
	for _, file := range files {
		for _, d := range file.Decls {
			general, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok {
					all = append(all, declaration{t, file, general.Doc.Text() + t.Doc.Text()})
				}
			}
		}
	}
	return all
}

// returned gives what the one statement of a function without arguments returns: a struct with its fields filled.
func (s *source) returned(path, name string) (values, error) {
	files, err := s.files(path)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || f.Name.Name != name || len(f.Body.List) != 1 {
				continue
			}
			if r, ok := f.Body.List[0].(*ast.ReturnStmt); ok && len(r.Results) == 1 {
				value, err := s.literal(scope{path, file}, r.Results[0])
				if v, ok := value.(values); ok && err == nil {
					return v, nil
				}
				return nil, fmt.Errorf("%s.%s: does not return a struct: %w", path, name, err)
			}
		}
	}
	return nil, fmt.Errorf("package %s has no function %s that only returns a value", path, name)
}

// constant gives the value of a constant.
func (s *source) constant(in scope, name string) (any, error) {
	files, err := s.files(in.path)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if object := file.Scope.Lookup(name); object != nil {
			if spec, ok := object.Decl.(*ast.ValueSpec); ok && len(spec.Names) == 1 && len(spec.Values) == 1 {
				return s.literal(scope{in.path, file}, spec.Values[0])
			}
		}
	}
	return nil, fmt.Errorf("package %s has no plain constant %s", in.path, name)
}

// scope is where a name is read: the package, and the file whose imports count.
type scope struct {
	path string
	file *ast.File
}

// imported is the path of the package that the file calls by a name.
func (in scope) imported(name string) string {
	for _, spec := range in.file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		called := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			called = spec.Name.Name
		}
		if called == name {
			return path
		}
	}
	return ""
}
