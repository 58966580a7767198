package facade

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"postern/engine"
	"postern/portal"
)

// Limits of a call.
const (
	maxBody       = 256 << 10 // bytes of a body
	maxAddress    = 16 << 10  // bytes of what stands behind the ? of an address
	maxParameters = 50
)

// sessionHeader carries the session, as in coreBOS.
const sessionHeader = "Corebos-Authorization"

// call is one request, whichever way its parameters came.
type call struct {
	request   *http.Request
	portal    *engine.Portal
	caller    portal.Caller
	operation string // in small letters

	values  map[string]string // by name in small letters
	address map[string]bool   // names of those that stood in the address
}

// readCall reads parameters from the address, from a form or from a JSON object, as coreBOS does. A value that is no
// text in JSON is read as JSON where an operation expects that.
func readCall(w http.ResponseWriter, r *http.Request) (*call, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, httpFault(http.StatusMethodNotAllowed, codeUnknown, "GET and POST are taken")
	}
	if len(r.URL.RawQuery) > maxAddress {
		return nil, httpFault(http.StatusRequestURITooLong, codeParameter, "the address is too long: send a POST")
	}
	c := &call{request: r, values: map[string]string{}, address: map[string]bool{}}
	address, err := url.ParseQuery(tolerant(r.URL.RawQuery))
	if err != nil {
		return nil, fault(codeParameter, "the address cannot be read")
	}
	if err := c.fill(address, c.address); err != nil {
		return nil, err
	}
	if r.Method == http.MethodPost {
		if err := c.readBody(w, r); err != nil {
			return nil, err
		}
	}
	c.operation = strings.ToLower(c.values["operation"])
	return c, nil
}

func (c *call) readBody(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return httpFault(http.StatusRequestEntityTooLarge, codeParameter, "the call is too large, or did not arrive")
	}
	switch kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/json":
		return c.fillJSON(body)
	case "multipart/form-data":
		return c.fillParts(multipart.NewReader(bytes.NewReader(body), parameters["boundary"]))
	}
	form, err := url.ParseQuery(tolerant(string(body)))
	if err != nil {
		return fault(codeParameter, "the form cannot be read")
	}
	return c.fill(form, nil)
}

// tolerant encodes what clients leave as it is, ws-lib among them: a semicolon, and a percent sign that begins no code.
func tolerant(form string) string {
	var out strings.Builder
	for i := range len(form) {
		switch b := form[i]; {
		case b == ';':
			out.WriteString("%3B")
		case b == '%' && (i+2 >= len(form) || !isHex(form[i+1]) || !isHex(form[i+2])):
			out.WriteString("%25")
		default:
			out.WriteByte(b)
		}
	}
	return out.String()
}

func isHex(b byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", b) >= 0 }

// fill takes parameters in; one that comes twice is refused, since two readers could choose differently.
func (c *call) fill(from url.Values, noted map[string]bool) error {
	for name, values := range from {
		lower := strings.ToLower(name)
		if _, twice := c.values[lower]; twice || len(values) != 1 {
			return fault(codeParameter, "a parameter came twice")
		}
		if len(c.values) == maxParameters || !utf8.ValidString(values[0]) {
			return fault(codeParameter, "the parameters cannot be read")
		}
		c.values[lower] = values[0]
		if noted != nil {
			noted[lower] = true
		}
	}
	return nil
}

func (c *call) fillJSON(body []byte) error {
	members, err := object(body)
	if err != nil {
		return fault(codeParameter, "the JSON cannot be read")
	}
	form := url.Values{}
	for name, raw := range members {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		form[name] = []string{text}
	}
	return c.fill(form, nil)
}

// fillParts takes in a form as curl and PHP send it; files are not taken.
func (c *call) fillParts(parts *multipart.Reader) error {
	form := url.Values{}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return c.fill(form, nil)
		}
		if err != nil || part.FileName() != "" || len(form) > maxParameters {
			return fault(codeParameter, "the form cannot be read; files are not taken here")
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return fault(codeParameter, "the form cannot be read")
		}
		form.Add(part.FormName(), string(value))
	}
}

func (c *call) context() context.Context { return c.request.Context() }

// value is a parameter, "" where it did not come.
func (c *call) value(name string) string { return c.values[name] }

// inAddress tells whether a parameter stood in the address.
func (c *call) inAddress(name string) bool { return c.address[name] }

// addressed tells whether anything but the operation stood in the address.
func (c *call) addressed() bool {
	for name := range c.address {
		if name != "operation" {
			return true
		}
	}
	return false
}

// session is the token that came, "" for none.
func (c *call) session() string {
	if header := c.request.Header.Get(sessionHeader); header != "" && header != "false" { // ws-lib after logout
		return header
	}
	return c.values["sessionname"]
}

// object reads the members of a JSON object. A name that comes twice is refused, as is what follows the object.
func object(text []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, errNoObject
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		name, isText := key.(string)
		if err != nil || !isText {
			return nil, errNoObject
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errNoObject
		}
		if _, twice := members[name]; twice {
			return nil, errNoObject
		}
		members[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errNoObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return members, nil
}
