package rest

import (
	"errors"
	"strings"

	"postern/engine"
	"postern/portal"
)

// partError is why a request is refused, and the part of it that this is about: a parameter of the query, a header, a
// member of the body with dots between the levels, or body or query for all of it.
type partError struct {
	error

	name string
}

// maxPart is how many characters of a name are told back.
const maxPart = 100

// about says which part of a request an error is about. What was told already stands.
func about(err error, name string) error {
	if _, told := errors.AsType[*partError](err); err == nil || told {
		return err
	}
	return &partError{err, toldBack(name)}
}

// toldBack is a name of a request as it may stand in an answer.
func toldBack(name string) string {
	name = strings.ToValidUTF8(name, "\ufffd")
	if letters := []rune(name); len(letters) > maxPart {
		return string(letters[:maxPart])
	}
	return name
}

func (e *partError) Unwrap() error { return e.error }

// malformedAbout says of what the gate cannot read which part that is.
func malformedAbout(err error, name string) error {
	if errors.Is(err, portal.ErrMalformed) {
		return about(err, name)
	}
	return err
}

// asIsAsked are the parts of a question as an address has them, and those of a change.
var asIsAsked = map[portal.Part]string{
	portal.PartWhere: "filter", portal.PartSearch: "q", portal.PartOrder: "sort", portal.PartLimit: "limit",
	portal.PartOffset: "offset", portal.PartAfter: "after", portal.PartFields: "fields", portal.PartSet: "fields",
	portal.PartKey: "Idempotency-Key",
}

// parameterOf is the part of a request that a refusal of the desk is about; "" for all of it.
func parameterOf(r *portal.Refusal) string {
	name := asIsAsked[r.Part]
	switch {
	case r.Part == portal.PartWhere && r.Op != "":
		return name + "[" + toldBack(r.Asked) + "][" + wordOf(r.Op) + "]"
	case r.Part == portal.PartSet && r.Asked != "":
		return name + "." + toldBack(r.Asked)
	case r.Part == "" && r.Field != "": // a value that does not fit
		return asIsAsked[portal.PartSet] + "." + r.Field
	}
	return name
}

// wordOf is how an address names an operation.
func wordOf(op engine.PredicateOp) string {
	for word, known := range ops {
		if known == op {
			return word
		}
	}
	return ""
}
