package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// values are the fields of a struct that have a default, by their names in Go: values again, or what stands in the
// page's column.
type values map[string]any

// filled reads the defaults of a made struct.
func filled(v reflect.Value) values {
	found := values{}
	for field, value := range v.Fields() {
		switch {
		case !field.IsExported() || value.IsZero():
		case value.Type() == reflect.TypeFor[time.Duration]():
			found[field.Name] = plainDuration(time.Duration(value.Int()))
		case value.Kind() == reflect.Struct:
			found[field.Name] = filled(value)
		case value.Kind() == reflect.Slice || value.Kind() == reflect.Map || value.Kind() == reflect.Pointer:
		default:
			found[field.Name] = fmt.Sprint(value.Interface())
		}
	}
	return found
}

// plainDuration is the duration as an admin would write it: 24h, not 24h0m0s.
func plainDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// literal reads a default from the source: a constant, a struct of them, or a call of a function that returns one.
func (s *source) literal(in scope, expr ast.Expr) (any, error) {
	switch e := expr.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return text, nil
		}
		return e.Value, nil
	case *ast.Ident:
		if e.Name == "true" || e.Name == "false" {
			return e.Name, nil
		}
		return s.constant(in, e.Name)
	case *ast.BinaryExpr:
		return duration(e)
	case *ast.CallExpr:
		return s.call(in, e)
	case *ast.CompositeLit:
		return s.composite(in, e)
	}
	return nil, fmt.Errorf("a default of the form %T cannot be read", expr)
}

// units are those of time that a default may be a number of.
var units = map[string]time.Duration{"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour}

// duration reads a number of units of time, such as 30 * time.Second.
func duration(e *ast.BinaryExpr) (any, error) {
	number, counted := e.X.(*ast.BasicLit)
	unit, of := e.Y.(*ast.SelectorExpr)
	if !counted || !of || e.Op != token.MUL || units[unit.Sel.Name] == 0 {
		return nil, fmt.Errorf("a default of the form %T cannot be read", e)
	}
	n, err := strconv.Atoi(number.Value)
	if err != nil {
		return nil, fmt.Errorf("default: %w", err)
	}
	return plainDuration(time.Duration(n) * units[unit.Sel.Name]), nil
}

func (s *source) composite(in scope, e *ast.CompositeLit) (values, error) {
	found := values{}
	for _, element := range e.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return nil, fmt.Errorf("a default of the form %T cannot be read", element)
		}
		name, ok := pair.Key.(*ast.Ident)
		if !ok {
			return nil, fmt.Errorf("a default of the form %T cannot be read", pair.Key)
		}
		value, err := s.literal(in, pair.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name.Name, err)
		}
		found[name.Name] = value
	}
	return found, nil
}

func (s *source) call(in scope, e *ast.CallExpr) (any, error) {
	switch f := e.Fun.(type) {
	case *ast.Ident:
		return s.returned(in.path, f.Name)
	case *ast.SelectorExpr:
		if from, ok := f.X.(*ast.Ident); ok {
			return s.returned(in.imported(from.Name), f.Sel.Name)
		}
	}
	return nil, fmt.Errorf("a default of the form %T cannot be read", e.Fun)
}
