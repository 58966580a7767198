package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"

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
	media, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || (media != "application/json" && media != "application/merge-patch+json") {
		return nil, errMedia
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
	value, err := readValue(decoder, 0)
	if err != nil {
		return nil, errMalformed
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

// readValue reads one value as encoding/json would, but for names that come twice, of which one would win.
func readValue(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil || depth > maxDepth {
		return nil, errMalformed
	}
	switch token {
	case json.Delim('{'):
		return readMembers(decoder, depth)
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			item, err := readValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = decoder.Token()
		return list, err
	}
	return token, nil
}

func readMembers(decoder *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errMalformed
		}
		if _, twice := object[name]; twice || len(object) >= maxNames {
			return nil, errMalformed
		}
		if object[name], err = readValue(decoder, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return object, err
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
			return nil, errMalformed
		}
		found[name] = text
		delete(object, name)
	}
	if len(object) > 0 {
		return nil, errMalformed
	}
	return found, nil
}
