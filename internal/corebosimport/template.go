package corebosimport

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// piece is a part of a template of the original: plain text, or what a $ stands for.
type piece struct {
	plain  string
	source string // $…, as written
	name   string // of a field or a value of the context
	route  routeTerm
	meta   string // of what coreBOS knows about itself
	expr   string // any expression
	other  string // a module, for $module-field$
}

var (
	tokenRoute   = regexp.MustCompile(`^\$\((\w+) : \((\w+)\) ([^()]+?)\)`)
	tokenExpr    = regexp.MustCompile(`^\$\(general : \(__WorkflowFunction__\)\s*`)
	tokenContext = regexp.MustCompile(`^\$\(?Ç([\w.]+)\)?`)
	tokenMerge   = regexp.MustCompile(`^\$([A-Za-z]\w*)-(\w+)\$`)
	tokenName    = regexp.MustCompile(`^\$([A-Za-z_]\w*)`)
	tokenNumber  = regexp.MustCompile(`^\$(\d\w*)`)
)

// piecesOf cuts a template at its $.
func piecesOf(template string) []piece {
	var pieces []piece
	plain := func(text string) {
		if n := len(pieces); n > 0 && pieces[n-1].source == "" {
			pieces[n-1].plain += text
		} else if text != "" {
			pieces = append(pieces, piece{plain: text})
		}
	}
	for template != "" {
		at := strings.IndexByte(template, '$')
		if at < 0 {
			plain(template)
			break
		}
		plain(template[:at])
		p, length := pieceAt(template[at:])
		if length == 0 {
			plain("$")
			length = 1
		} else {
			pieces = append(pieces, p)
		}
		template = template[at+length:]
	}
	return pieces
}

// pieceAt reads what begins with a $; a length of 0 is a $ that stands for itself.
func pieceAt(text string) (piece, int) {
	if m := tokenExpr.FindString(text); m != "" {
		if end := closing(text, len("$(")); end > 0 {
			return piece{source: text[:end+1], expr: strings.TrimSpace(text[len(m):end])}, end + 1
		}
		return piece{}, 0
	}
	if m := tokenRoute.FindStringSubmatch(text); m != nil {
		if m[2] == "__VtigerMeta__" {
			return piece{source: m[0], meta: m[3]}, len(m[0])
		}
		return piece{source: m[0], route: routeTerm{m[1], m[2], strings.TrimSpace(m[3])}}, len(m[0])
	}
	if m := tokenContext.FindStringSubmatch(text); m != nil {
		return piece{source: m[0], name: m[1]}, len(m[0])
	}
	if m := tokenMerge.FindStringSubmatch(text); m != nil {
		return piece{source: m[0], other: m[1], name: m[2]}, len(m[0])
	}
	if m := tokenName.FindStringSubmatch(text); m != nil {
		return piece{source: m[0], name: m[1]}, len(m[0])
	}
	if m := tokenNumber.FindStringSubmatch(text); m != nil {
		return piece{source: m[0], name: m[1]}, len(m[0])
	}
	return piece{}, 0
}

// closing finds the bracket that closes the one before a place; texts in single quotes do not count.
func closing(text string, from int) int {
	depth, inText := 1, false
	for i := from; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'' && text[i-1] != '\\':
			inText = !inText
		case inText:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// errNothing is told of what the original writes nothing for.
var errNothing = unsaid{"coreBOS writes nothing for it"}

// piece says what a $ stands for.
func (c *conversion) piece(p piece) (said, error) {
	s := c.speech
	switch {
	case p.expr != "":
		return s.expression(p.expr)
	case p.meta != "":
		return c.meta(p.meta)
	case p.other != "":
		return c.merged(p)
	case p.route.name != "":
		return s.route(p.route)
	}
	root, _, _ := strings.Cut(p.name, ".")
	switch {
	case s.isSet(root) && root != p.name:
		return said{"vars." + p.name, kindAny, levelAtom}, nil
	case s.isSet(root):
		return s.name(root)
	case tokenNumber.MatchString("$" + p.name):
		return said{}, errNothing
	case s.modules[s.module] != nil && s.described(p.name) == nil && p.name != "id":
		return said{}, errNothing
	}
	return s.field(p.name)
}

// merged says $module-field$: a field of the record, or of the one record of that module it leads to.
func (c *conversion) merged(p piece) (said, error) {
	s := c.speech
	if strings.EqualFold(p.other, s.module) {
		return s.field(p.name)
	}
	if m := s.modules[s.module]; m != nil {
		for _, name := range m.names {
			for _, to := range m.fields[name].to {
				if strings.EqualFold(to, p.other) && m.fields[name].kind == "reference" {
					return s.route(routeTerm{name, to, p.name})
				}
			}
		}
	}
	return said{}, unsaidf("no reference of %s leads to %s", s.module, p.other)
}

// Settings that take the place of what coreBOS knows about itself: the names under --set.
const (
	setSite         = "siteurl"
	setPortal       = "portalurl"
	setSupportName  = "supportName"
	setSupportEmail = "supportEmailId"
	setOneSignal    = "onesignal_app_id"
	setMattermost   = "mattermost_url"
	setMattermostID = "mattermost_channel"
)

// SettingNames are the names that Options.Settings may have.
func SettingNames() []string {
	return []string{
		setSite, setPortal, setSupportName, setSupportEmail, setOneSignal, setMattermost, setMattermostID,
	}
}

// setting is a value that the export does not hold.
func (c *conversion) setting(name string) (string, error) {
	if value := c.im.options.Settings[name]; value != "" {
		return strings.TrimSuffix(value, "/"), nil
	}
	return "", unsaidf("the export does not say %s; import again with --set %[1]s=…", name)
}

// meta says what coreBOS knows about itself and the present record.
func (c *conversion) meta(name string) (said, error) {
	switch name {
	case "date":
		return c.speech.today(), nil
	case "time":
		return atom(kindText, `formatDate(inZone(now(), %q), "HH:mm")`, c.im.options.Zone), nil
	case "dbtimezone":
		return sayText(c.im.options.Zone), nil
	case "recordId":
		return atom(kindText, `last(split(record.id, "x"))`), nil
	case setSite, setPortal, setSupportName, setSupportEmail:
		value, err := c.setting(name)
		return sayText(value), err
	case "crmdetailviewurl":
		site, err := c.setting(setSite)
		page := site + "/index.php?module=" + c.o.module + "&action=DetailView&record="
		return said{jsonQuoted(page) + ` + last(split(record.id, "x"))`, kindText, levelAdd}, err
	case "portaldetailviewurl":
		return said{}, unsaidf("a page of coreBOS's portal has no counterpart; a link to a landing takes its place")
	}
	return said{}, unsaidf("coreBOS's %s has no counterpart", name)
}

// inline turns a template into text with {{ }} of our expressions. What cannot be said stays as it was
// and is told in the errors.
func (c *conversion) inline(template string) (string, []error) {
	return c.render(template, func(x said) string {
		if text, is := x.quotes(); is {
			return escapeBraces(text)
		}
		return "{{ " + x.written() + " }}"
	})
}

// render writes each piece of a template in turn.
func (c *conversion) render(template string, write func(said) string) (string, []error) {
	var out strings.Builder
	var errs []error
	for _, p := range piecesOf(template) {
		if p.source == "" {
			out.WriteString(escapeBraces(p.plain))
			continue
		}
		x, err := c.piece(p)
		switch {
		case errors.Is(err, errNothing):
			c.speech.change("%s is no field of %s; coreBOS writes nothing for it, and neither does this.",
				p.source, c.o.module)
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", p.source, err))
			out.WriteString(p.source)
		default:
			out.WriteString(write(x))
		}
	}
	return out.String(), errs
}

// escapeBraces keeps two braces of a text from being read as the beginning of an expression.
func escapeBraces(text string) string { return strings.ReplaceAll(text, "{{", `{{ "{{" }}`) }

var pathForm = regexp.MustCompile(`^(record|vars)(\.[A-Za-z_][A-Za-z0-9_]*)+$`)

// message turns a template into the text of a message, in which only paths may stand. Anything else becomes
// a value of vars, which a step before the message sets.
func (c *conversion) message(template string) (string, []error) {
	return c.render(template, func(x said) string {
		if text, is := x.quotes(); is {
			return escapeBraces(text)
		}
		if pathForm.MatchString(x.text) {
			return "{{ " + x.text + " }}"
		}
		if strings.HasPrefix(x.text, "today(") {
			return `{{ now.Format "2006-01-02" }}`
		}
		return "{{ vars." + c.helper(x) + " }}"
	})
}

// helper is the name of the value of vars that holds an expression for a message.
func (c *conversion) helper(x said) string {
	at := slices.IndexFunc(c.helpers, func(h entry) bool { return h.value.text == "{{ "+x.text+" }}" })
	if at < 0 {
		at = len(c.helpers)
		c.helped++
		c.helpers = append(c.helpers, pair(fmt.Sprintf("text_%d", c.helped), "{{ "+x.text+" }}"))
	}
	return c.helpers[at].key
}
