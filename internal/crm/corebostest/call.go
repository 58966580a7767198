package corebostest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// call is one request, whichever way its parameters came.
type call struct {
	operation string
	values    map[string]string
}

// readCall takes a query, a form, a JSON object, and the session in a header, as coreBOS does whatever the method.
func readCall(r *http.Request) (call, error) {
	c := call{values: map[string]string{}}
	fill := func(from url.Values) {
		for name := range from {
			c.values[name] = from.Get(name)
		}
	}
	fill(r.URL.Query())
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return c, fmt.Errorf("read the call: %w", err)
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		if err := json.Unmarshal(body, &c.values); err != nil {
			return c, fmt.Errorf("read the call: %w", err)
		}
	} else {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return c, fmt.Errorf("read the call: %w", err)
		}
		fill(form)
	}
	if name := r.Header.Get("Corebos-Authorization"); name != "" {
		c.values["sessionName"] = name
	}
	c.operation = c.values["operation"]
	return c, nil
}

// reply is what stands in the envelope: a result, or a refusal.
type reply struct {
	result  any
	info    any
	refusal *refusal
}

type refusal struct {
	Message string `json:"message"`
	Code    string `json:"code"`
}

func result(v any) reply { return reply{result: v} }

func refuse(code, message string) reply {
	return reply{refusal: &refusal{Message: message, Code: code}}
}

// The refusals that several operations share, in the words of the recordings.
var (
	denied        = refuse("ACCESS_DENIED", "Permission to perform the operation is denied")
	wrongID       = refuse("INVALID_ID_ATTRIBUTE", "Id specified is incorrect")
	noSession     = refuse("AUTHENTICATION_REQUIRED", "Authentication required")
	noOperation   = refuse("UNKNOWN_OPERATION", "Unknown operation requested")
	brokeDown     = refuse("INTERNAL_SERVER_ERROR", "Unknown Error while processing request")
	databaseError = refuse("DATABASE_QUERY_ERROR", "Database error while performing requested operation")
)

func deniedFor(what string) reply {
	return refuse("ACCESS_DENIED", denied.refusal.Message+" for "+what)
}

// write sends the envelope. Its status is 200 for a refusal too.
func (r reply) write(w http.ResponseWriter) {
	envelope := map[string]any{"success": r.refusal == nil, "moreinfo": r.info}
	if r.refusal != nil {
		envelope["error"] = r.refusal
	} else {
		envelope["result"] = r.result
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(envelope) // a client that left does not matter
}

// answer does what a call asks for.
func (p *Player) answer(c call) reply {
	switch c.operation {
	case "getchallenge":
		return p.challenge(c.values["username"])
	case "login":
		return p.login(c.values["username"], c.values["accessKey"])
	case "extendsession":
		return noSession // only the cookie of a browser login makes one, and nobody signs in to pages here
	case "listtypes", "describe", "retrieve", "query", "create", "update", "revise", "delete", "logout",
		"SetRelation", "UnsetRelation":
	default:
		return noOperation
	}
	name := c.values["sessionName"]
	user := p.signedIn(name)
	if user == nil {
		return noSession
	}
	switch c.operation {
	case "listtypes":
		return p.listTypes()
	case "describe":
		return p.describe(c.values["elementType"])
	case "retrieve":
		return p.retrieve(c.values["id"])
	case "query":
		return p.query(c.values["query"])
	case "create":
		return p.create(c.values["elementType"], element(c.values["element"]), *user)
	case "update", "revise":
		return p.update(c.operation, element(c.values["element"]), *user)
	case "delete":
		return p.delete(c.values["id"], *user)
	case "SetRelation":
		return p.relate(c.operation, c.values["relate_this_id"], c.values["with_these_ids"], *user)
	case "UnsetRelation":
		return p.relate(c.operation, c.values["unrelate_this_id"], c.values["with_these_ids"], *user)
	}
	delete(p.sessions, name)
	return result(map[string]string{"message": "successfull"}) //nolint:misspell // as recorded
}

// element reads the fields of a record. What is no JSON object counts as none at all.
func element(text string) map[string]string {
	var raw map[string]any
	if json.Unmarshal([]byte(text), &raw) != nil {
		return nil
	}
	fields := make(map[string]string, len(raw))
	for name, value := range raw {
		switch v := value.(type) {
		case nil:
			fields[name] = ""
		case string:
			fields[name] = v
		case bool:
			fields[name] = map[bool]string{true: "1", false: "0"}[v]
		default:
			fields[name] = fmt.Sprint(v)
		}
	}
	return fields
}
