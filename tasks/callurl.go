package tasks

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"postern/engine"
	"postern/internal/netguard"
)

// callURL is an address whose host is known, with what is put in behind it. Whoever can choose a value can choose no
// other host, no other part of the path, and no further parameter: a value is one piece of one part.
type callURL struct {
	host  string // with its port, if it names one
	parts []urlPart
}

// urlPart is a piece of an address: as it stands, or a value.
type urlPart struct {
	plain string
	value engine.Program
	query bool // behind the ?
}

// checkURL reads the address of a call.
func checkURL(scope engine.CheckScope) callURL {
	parts := scope.Parts("url")
	if len(parts) == 0 {
		return callURL{}
	}
	u, err := readURL(parts, scope.Calls())
	if err == nil {
		_, err = u.join(func(urlPart) (string, error) { return "x", nil })
	}
	if err != nil {
		scope.Complain("url", err.Error())
		return callURL{}
	}
	return u
}

// checkConstantURL looks at an address in which nothing is put in.
func checkConstantURL(scope engine.CheckScope, key, text string) {
	if isTemplate(text) {
		scope.Complain(key, "{{ … }} is not filled in here")
		return
	}
	if _, err := readURL([]engine.TextPart{{Plain: text}}, scope.Calls()); err != nil {
		scope.Complain(key, err.Error())
	}
}

// readURL takes an address apart.
func readURL(parts []engine.TextPart, rules engine.CallRules) (callURL, error) {
	if parts[0].Value != nil {
		return callURL{}, errors.New("url begins with the host, written out, such as https://api.example.com/; " +
			"{{ … }} stands behind it")
	}
	scheme, rest, ok := strings.Cut(parts[0].Plain, "://")
	if !ok {
		return callURL{}, errors.New("url is a whole address, such as https://api.example.com/v1/quotes")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		if end = len(rest); len(parts) > 1 {
			return callURL{}, errors.New("a / is missing behind the host: what {{ … }} puts in would be part of it")
		}
	}
	u := callURL{host: strings.ToLower(rest[:end])}
	if err := checkHost(strings.ToLower(scheme), u.host, rules); err != nil {
		return callURL{}, err
	}
	query := false
	for i, part := range parts {
		if i == 0 {
			part.Plain = rest[end:]
			u.parts = append(u.parts, urlPart{plain: strings.ToLower(scheme) + "://" + u.host})
		}
		u.parts = append(u.parts, urlPart{plain: part.Plain, value: part.Value, query: query})
		query = query || strings.Contains(part.Plain, "?")
		if err := checkPlain(part.Plain); err != nil {
			return callURL{}, err
		}
	}
	return u, nil
}

// checkHost sees to everything before the path.
func checkHost(scheme, authority string, rules engine.CallRules) error {
	host, port := authority, ""
	if at := strings.LastIndexByte(authority, ':'); at > strings.LastIndexByte(authority, ']') {
		host, port = authority[:at], authority[at+1:]
	}
	_, err := strconv.ParseUint(port, 10, 16)
	switch {
	case strings.Contains(authority, "@"):
		return errors.New("a user or a password has no place in url: use auth")
	case !netguard.IsHost(host):
		return fmt.Errorf("%q is no host: write a name such as api.example.com; "+
			"one of other letters is written xn--…", host)
	case err != nil && host != authority:
		return fmt.Errorf("%q is no port", port)
	case scheme == "http" && !netguard.Named(rules.Plain, host):
		return errors.New("http:// lets everybody in between read the call: write https://, " +
			"or name the host under calls.http of the configuration")
	case scheme != "https" && scheme != "http":
		return fmt.Errorf("%s:// is no web service: write https://", scheme)
	}
	return checkInside(host, rules)
}

// checkInside refuses hosts of which can be told now that they are inside the house.
func checkInside(host string, rules engine.CallRules) error {
	inside, err := netguard.NewRules(rules.Inside)
	if err != nil {
		return nil //nolint:nilerr // the configuration has been complained about
	}
	literal := strings.Trim(host, "[]")
	if literal == "localhost" || strings.HasSuffix(literal, ".localhost") {
		return inside.Check(host, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	if net.ParseIP(literal) == nil {
		return nil
	}
	addr, err := netip.ParseAddr(literal)
	if err != nil {
		return fmt.Errorf("%q is no address: %w", literal, err)
	}
	return inside.Check(host, addr)
}

// checkPlain looks for what an address must not hold as it stands.
func checkPlain(text string) error {
	for i := range len(text) {
		switch b := text[i]; {
		case b == '#':
			return errors.New("what follows # is for browsers, and never sent: leave it out")
		case b <= ' ' || b == '"' || b == '<' || b == '>' || b == '\\' || b == '^' || b == '`' || b >= 0x7f ||
			b == '{' || b == '|' || b == '}':
			return fmt.Errorf("url cannot hold %q as it stands: write it as %%%02X", text[i:i+1], b)
		case b == '%' && (i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2])):
			return errors.New("url holds a % that is none of an escape such as %20: write it as %25")
		}
	}
	return nil
}

func isHex(b byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", b) >= 0 }

// fill puts the values in.
func (u callURL) fill(env *engine.Env) (string, error) {
	return u.join(func(part urlPart) (string, error) { return textOf(part.value, env) })
}

// join writes the address with values as some source gives them.
func (u callURL) join(value func(urlPart) (string, error)) (string, error) {
	var b strings.Builder
	for _, part := range u.parts {
		if part.value == nil {
			b.WriteString(part.plain)
			continue
		}
		text, err := value(part)
		if err != nil {
			return "", err
		}
		if !part.query {
			if err := inPath(part, text); err != nil {
				return "", err
			}
		}
		escape(&b, text)
	}
	whole := b.String()
	if len(whole) > engine.MaxCallURL {
		return "", fmt.Errorf("it has %d kB; an address has at most %d", len(whole)>>10, engine.MaxCallURL>>10)
	}
	return whole, checkPath(whole[len(u.parts[0].plain):])
}

// inPath refuses values that a part of a path cannot be.
func inPath(part urlPart, text string) error {
	if text == "" {
		return fmt.Errorf("{{ %s }} gives nothing to put into the path, which would lead elsewhere",
			part.value.Source())
	}
	if strings.ContainsFunc(text, isControl) {
		return fmt.Errorf("{{ %s }} gives a control character, which no path holds", part.value.Source())
	}
	return nil
}

// checkPath refuses a path that a server may read as another one: with a part that stands for the one above.
func checkPath(behind string) error {
	path, _, _ := strings.Cut(behind, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return errors.New("the path cannot be read")
	}
	for _, part := range strings.FieldsFunc(decoded, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return fmt.Errorf("%q as a part of the path would lead elsewhere", part)
		}
	}
	return nil
}

// escape writes a text so that it is one value wherever it stands in an address: all but the unreserved characters of
// RFC 3986 as %XX.
func escape(b *strings.Builder, text string) {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(b, "%%%02X", c)
		}
	}
}
