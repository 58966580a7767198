package facade

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// answer is what stands in the envelope of a call that succeeded.
type answer struct {
	result any
	info   any // moreinfo
	status int // of HTTP; 200 if it is 0
}

// envelope is the form of every answer.
type envelope struct {
	Success bool     `json:"success"`
	Result  *any     `json:"result,omitempty"`
	Error   *refusal `json:"error,omitempty"`
	Info    any      `json:"moreinfo"`
}

type refusal struct {
	Message string `json:"message"`
	Code    code   `json:"code"`
}

func (a answer) write(w http.ResponseWriter) {
	send(w, max(a.status, http.StatusOK), envelope{Success: true, Result: &a.result, Info: a.info})
}

func send(w http.ResponseWriter, status int, e envelope) {
	body, err := marshal(e)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"success":false,"error":{"message":`+
			`"Unknown Error while processing request","code":"INTERNAL_SERVER_ERROR"},"moreinfo":null}`)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left does not matter
}

// marshal writes JSON without the escapes that only pages need.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// row is a JSON object whose members keep their order, which clients take columns from.
type row []member

type member struct {
	name  string
	value any
}

// with is the row with one more member.
func (r row) with(name string, value any) row { return append(r, member{name, value}) }

// MarshalJSON writes the members in their order.
func (r row) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range r {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(m.value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}
