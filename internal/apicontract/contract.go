// Package apicontract holds requests and answers against an OpenAPI 3.1 document of our own, whose schemas are JSON
// Schema 2020-12. It is for tests only, and written here, since a library that did it took minutes to compile.
package apicontract

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Contract is a document. What a requester sends has to fit its schema; of an answer each status, type, header and
// field has to be told too.
type Contract struct {
	document map[string]any
	asked    *jsonschema.Compiler
	answered *jsonschema.Compiler
}

const documentAddress = "openapi.json"

// plainHeaders are those of answers that no document tells.
var plainHeaders = []string{
	"Cache-Control", "Content-Language", "Content-Length", "Content-Security-Policy", "Content-Type",
	"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy", "Referrer-Policy",
	"Retry-After",
	"Set-Cookie", "Strict-Transport-Security", "Vary", "Www-Authenticate", "X-Content-Type-Options", "X-Frame-Options",
	"X-Robots-Tag",
}

// New reads a document.
func New(t testing.TB, text []byte) *Contract {
	t.Helper()
	document, asked := readDocument(t, text, func(any) {})
	_, answered := readDocument(t, text, closeObjects)
	return &Contract{document: document, asked: asked, answered: answered}
}

func readDocument(t testing.TB, text []byte, change func(any)) (map[string]any, *jsonschema.Compiler) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	change(value)
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource(documentAddress, value); err != nil {
		t.Fatal(err)
	}
	return value.(map[string]any), compiler
}

// closeObjects forbids fields that are not told, in every schema that says nothing of further ones.
func closeObjects(value any) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			closeObjects(v)
		}
	case map[string]any:
		fields, object := value["properties"].(map[string]any)
		if _, open := value["additionalProperties"]; !open && (object || value["type"] == "object") {
			value["additionalProperties"] = false
		}
		for _, field := range fields { // by their names they are no schemas
			closeObjects(field)
		}
		for key, v := range value {
			if key != "properties" {
				closeObjects(v)
			}
		}
	}
}

// node is a part of the document and the way to it.
type node struct {
	way   []string
	value map[string]any
}

// at follows names and references; a node without value is not there.
func (c *Contract) at(n node, names ...string) node {
	for _, name := range names {
		value, _ := n.value[name].(map[string]any)
		n = node{append(slices.Clone(n.way), name), value}
		if ref, ok := value["$ref"].(string); ok && name != "schema" {
			n = c.at(node{nil, c.document}, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return n
}

// fit holds a value against the schema below a node.
func (n node) fit(compiler *jsonschema.Compiler, value any) error {
	var pointer strings.Builder
	for _, name := range append(slices.Clone(n.way), "schema") {
		pointer.WriteString("/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name)))
	}
	schema, err := compiler.Compile(documentAddress + "#" + pointer.String())
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// operation is what the document tells of a method of a path, and the parameters of both.
func (c *Contract) operation(method, path string) (operation node, parameters []node, err error) {
	var found string
	for template := range c.document["paths"].(map[string]any) {
		if matches(template, path) && (found == "" || strings.Count(template, "{") < strings.Count(found, "{")) {
			found = template
		}
	}
	item := c.at(node{nil, c.document}, "paths", found)
	operation = c.at(item, strings.ToLower(method))
	if operation.value == nil {
		return node{}, nil, fmt.Errorf("the document has no %s %s", method, path)
	}
	for _, of := range []node{item, operation} {
		list, _ := of.value["parameters"].([]any)
		for i, v := range list {
			one := node{append(slices.Clone(of.way), "parameters"), map[string]any{strconv.Itoa(i): v}}
			parameters = append(parameters, c.at(one, strconv.Itoa(i)))
		}
	}
	return operation, parameters, nil
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(want, got string) bool {
		return want == got || (strings.HasPrefix(want, "{") && got != "")
	})
}

// Request tells what is wrong with a request.
func (c *Contract) Request(r *http.Request, body string) error {
	operation, parameters, err := c.operation(r.Method, r.URL.EscapedPath())
	if err != nil {
		return err
	}
	for _, p := range parameters {
		name, _ := p.value["name"].(string)
		value := r.Header.Values(name)
		if p.value["in"] != "header" || (len(value) == 0 && p.value["required"] != true) {
			continue // those of the path are there, or it would be another path
		}
		if err := p.fit(c.asked, strings.Join(value, ",")); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	keys, told := operation.value["security"].([]any)
	shown := strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") || r.Header.Get("Cookie") != ""
	if !told || (len(keys) > 0 && !shown) {
		return fmt.Errorf("no key, where the document asks for %v", keys)
	}
	taken := c.at(operation, "requestBody")
	if body == "" {
		if taken.value["required"] == true {
			return errors.New("no body")
		}
		return nil
	}
	return c.body(c.asked, taken, r.Header, body)
}

// Answer tells what is wrong with an answer.
func (c *Contract) Answer(r *http.Request, status int, header http.Header, body string) error {
	operation, _, err := c.operation(r.Method, r.URL.EscapedPath())
	if err != nil {
		return err
	}
	told := c.at(operation, "responses", strconv.Itoa(status))
	if told.value == nil {
		told = c.at(operation, "responses", "default")
	}
	if told.value == nil {
		return errors.New("the status is not told")
	}
	headers := map[string]bool{}
	for name := range c.at(told, "headers").value {
		headers[http.CanonicalHeaderKey(name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !headers[name] && !slices.Contains(plainHeaders, name) && !strings.HasPrefix(name, "Access-Control-") {
			return fmt.Errorf("the header %s is not told", name)
		}
	}
	return c.body(c.answered, told, header, body)
}

// body holds a body of JSON against what the document tells of its type.
func (c *Contract) body(compiler *jsonschema.Compiler, told node, header http.Header, body string) error {
	if body == "" && told.value["content"] == nil {
		return nil
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("type %q: %w", header.Get("Content-Type"), err)
	}
	content := c.at(told, "content", kind)
	if content.value == nil {
		return fmt.Errorf("the type %s is not told", kind)
	}
	if kind == "application/octet-stream" {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return err
	}
	return content.fit(compiler, value)
}
