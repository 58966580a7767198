package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"slices"
	"strconv"
	"strings"

	"postern/engine"
)

// Limits of a body of JSON. What is beyond them is refused.
const (
	maxBody  = 256 << 10 // bytes: some fields hold 64 kB of text
	maxDepth = 4
	maxNames = 200 // of one object
)

// readObject reads the body of a call: one object, in which no name comes twice.
func readObject(c *call) (engine.Fields, error) {
	object, err := readBody(c)
	return object, about(err, "body")
}

func readBody(c *call) (engine.Fields, error) {
	media, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || (media != "application/json" && media != "application/merge-patch+json") {
		return nil, about(errMedia, "Content-Type")
	}
	// One byte more than allowed tells a long body from one that just fits.
	body, err := io.ReadAll(io.LimitReader(c.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, errMalformed
	case len(body) > maxBody:
		return nil, errTooLarge
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	value, err := readValue(decoder, nil)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errMalformed
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errMalformed
	}
	return object, nil
}

// readValue reads one value as encoding/json would, but for names that come twice, of which one would win. way are the
// names that lead to it.
func readValue(decoder *json.Decoder, way []string) (any, error) {
	token, err := decoder.Token()
	switch {
	case err != nil:
		return nil, errMalformed
	case len(way) > maxDepth:
		return nil, about(errMalformed, strings.Join(way, "."))
	}
	switch token {
	case json.Delim('{'):
		return readMembers(decoder, way)
	case json.Delim('['):
		return readItems(decoder, way)
	}
	return token, nil
}

func readItems(decoder *json.Decoder, way []string) (any, error) {
	list := []any{}
	for decoder.More() {
		item, err := readValue(decoder, append(slices.Clone(way), strconv.Itoa(len(list))))
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, ended(decoder)
}

func readMembers(decoder *json.Decoder, way []string) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errMalformed
		}
		inner := append(slices.Clone(way), name)
		if _, twice := object[name]; twice || len(object) >= maxNames {
			return nil, about(errMalformed, strings.Join(inner, "."))
		}
		if object[name], err = readValue(decoder, inner); err != nil {
			return nil, err
		}
	}
	return object, ended(decoder)
}

// ended reads the end of a list or object.
func ended(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return errMalformed
	}
	return nil
}

// texts reads an object that holds texts under the given names, each at most once, and nothing else. Of those that are
// not there the value is "".
func texts(c *call, names ...string) (map[string]string, error) {
	object, err := readObject(c)
	if err != nil {
		return nil, err
	}
	return textsOf(object, names)
}

func textsOf(object engine.Fields, names []string) (map[string]string, error) {
	found := make(map[string]string, len(names))
	for _, name := range names {
		value, there := object[name]
		text, isText := value.(string)
		if there && !isText {
			return nil, about(errMalformed, name)
		}
		found[name] = text
		delete(object, name)
	}
	if len(object) > 0 {
		return nil, about(errMalformed, slices.Sorted(maps.Keys(object))[0])
	}
	return found, nil
}
