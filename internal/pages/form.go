package pages

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// The most that a form may have, but for its files.
const (
	MaxBody   = 64 << 10 // bytes
	MaxFields = 100
)

// How forms of all pages write what is in no field.
const (
	// SeenName is the hidden field with what the page showed. No field of a record can be named so.
	SeenName = "~seen"
	// Ticked is the value of a box that is ticked.
	Ticked = "on"
)

// Why a form is refused whatever it is about.
var (
	ErrMethod    = errors.New("the method is not one of this page")
	ErrOrigin    = errors.New("the form was sent from another site")
	ErrTooLarge  = errors.New("the form is too large")
	ErrMalformed = errors.New("the form cannot be read")
)

// NewOrigins refuses forms that were sent from other sites than the base.
func NewOrigins(base Base) (*http.CrossOriginProtection, error) {
	origins := http.NewCrossOriginProtection()
	// Behind a proxy the Host of a request may be another one than visitors see.
	return origins, origins.AddTrustedOrigin(base.String())
}

// IsMultipart tells whether a form may come with files.
func IsMultipart(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "multipart/form-data"
}

// ReadForm reads the fields of a form sent as application/x-www-form-urlencoded, or as an object by a front end; the
// query string is not looked at. It fails with ErrTooLarge or ErrMalformed.
func ReadForm(r *http.Request) (url.Values, error) {
	// One byte more than allowed tells a long body from one that just fits.
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return nil, ErrMalformed
	}
	if len(body) > MaxBody {
		return nil, ErrTooLarge
	}
	if len(body) == 0 {
		return url.Values{}, nil
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media == "application/json" {
		return readObject(body)
	}
	if err != nil || media != "application/x-www-form-urlencoded" || bytes.Count(body, []byte("&")) >= MaxFields {
		return nil, ErrMalformed
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, ErrMalformed
	}
	return values, nil
}

// ErrorCode names one failure, short enough to be read out on the telephone.
func ErrorCode(random io.Reader) string {
	var bits [5]byte // 8 characters of base32
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return "norandom"
	}
	return base32.StdEncoding.EncodeToString(bits[:])
}

// readObject reads an object as the fields of a form: text, numbers, true and false, none as null, and lists of these.
// What is more than that is malformed, and so is a name that comes twice.
func readObject(body []byte) (url.Values, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if opens, err := decoder.Token(); err != nil || opens != json.Delim('{') {
		return nil, ErrMalformed
	}
	values := url.Values{}
	for decoder.More() {
		name, err := decoder.Token()
		key, isText := name.(string)
		if err != nil || !isText || len(values) >= MaxFields {
			return nil, ErrMalformed
		}
		if key == "seen" {
			key = SeenName
		}
		if _, twice := values[key]; twice {
			return nil, ErrMalformed
		}
		var value any
		if decoder.Decode(&value) != nil {
			return nil, ErrMalformed
		}
		if values[key], err = fieldTexts(value); err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil || decoder.More() {
		return nil, ErrMalformed
	}
	return values, nil
}

// fieldTexts is a value as a form would send it. A list has an empty text in front, as a form's boxes do.
func fieldTexts(value any) ([]string, error) {
	switch value := value.(type) {
	case nil:
		return []string{""}, nil
	case string:
		return []string{value}, nil
	case json.Number:
		return []string{value.String()}, nil
	case bool:
		if value {
			return []string{Ticked}, nil
		}
		return []string{""}, nil
	case []any:
		texts := []string{""}
		for _, item := range value {
			text, ok := item.(string)
			if !ok || len(texts) > MaxFields {
				return nil, ErrMalformed
			}
			texts = append(texts, text)
		}
		return texts, nil
	}
	return nil, ErrMalformed
}
