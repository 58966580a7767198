package apicontract

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"postern/schemas"
)

// The judge itself: each fault once, of answers and of the document.
func TestContractFindsMistakes(t *testing.T) {
	live := func(text []byte, status int, kind, header, body string) error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		return New(t, text).Answer(r, status, http.Header{"Content-Type": {kind}, header: {"1"}}, body)
	}
	const kind, plain, good = "application/json", "Cache-Control", `{"live":true}`
	renamed := bytes.ReplaceAll(schemas.API(), []byte(`"live": {`), []byte(`"alive": {`))
	for name, tc := range map[string]struct {
		fault error
		good  bool
	}{
		"as told":             {live(schemas.API(), 200, kind, plain, good), true},
		"another field":       {live(schemas.API(), 200, kind, plain, `{"live":true,"more":1}`), false},
		"a field is missing":  {live(schemas.API(), 200, kind, plain, `{}`), false},
		"a field of its type": {live(schemas.API(), 200, kind, plain, `{"live":"true"}`), false},
		"another status":      {live(schemas.API(), 418, kind, plain, good), false},
		"another type":        {live(schemas.API(), 200, "text/plain", plain, good), false},
		"another header":      {live(schemas.API(), 200, kind, "Postern-More", good), false},
		"a field told wrong":  {live(renamed, 200, kind, plain, good), false},
	} {
		if (tc.fault == nil) != tc.good {
			t.Errorf("%s: %v", name, tc.fault)
		}
	}
}

// The document is one of OpenAPI 3.1, and each schema in it is one of JSON Schema.
func TestDocumentIsOne(t *testing.T) {
	c := New(t, schemas.API())
	openapi, err := jsonschema.NewCompiler().Compile("testdata/openapi/oas-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := openapi.Validate(c.document); err != nil {
		t.Error(err)
	}
	var look func(pointer string, value any)
	look = func(pointer string, value any) {
		if strings.HasSuffix(pointer, "/schema") || strings.HasPrefix(pointer, "/components/schemas/") {
			if _, err := c.asked.Compile(documentAddress + "#" + pointer); err != nil {
				t.Error(err)
			}
			return
		}
		switch value := value.(type) {
		case map[string]any:
			if ref, ok := value["$ref"].(string); ok {
				if c.at(node{nil, c.document}, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).value == nil {
					t.Errorf("%s leads nowhere: %s", pointer, ref)
				}
			}
			for name, v := range value {
				look(pointer+"/"+url.PathEscape(strings.ReplaceAll(name, "/", "~1")), v)
			}
		case []any:
			for i, v := range value {
				look(pointer+"/"+strconv.Itoa(i), v)
			}
		}
	}
	look("", c.document)
}
