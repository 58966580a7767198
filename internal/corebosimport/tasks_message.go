package corebosimport

import (
	"errors"
	"html"
	"regexp"
	"slices"
	"strings"

	"postern/engine"
)

// letter is a message of the original.
type letter struct {
	channel string
	to      []string // templates of addresses, several between commas
	subject string
	body    string
	html    bool
}

func (c *conversion) email(t task) ([]*node, error) {
	for _, setting := range []string{"attachmentids", "attfieldnames"} {
		if t.text(setting) != "" {
			return nil, errors.New("it sends files, which are made and kept in the CRM")
		}
	}
	switch {
	case t.text("attach_icalendar") == "on":
		return nil, errors.New("it sends a calendar entry, which messages here do not carry")
	case t.text("sgmsgtemplate") != "" && t.text("content") == "":
		return nil, errors.New("its text is a template at SendGrid, which the export does not hold")
	case t.text("content") == "" && t.text("cbmsgtemplate") != "":
		return nil, errors.New("its text is in the message template " +
			quotedShort(t.text("cbmsgtemplate_display", "cbmsgtemplate")) + ", which the export does not hold")
	case truth(t.text("linktemplate")) && t.text("cbmsgtemplate") != "":
		c.speech.change("The text is the copy in the task; coreBOS took that of the message template %s at each mail.",
			quotedShort(t.text("cbmsgtemplate_display", "cbmsgtemplate")))
	}
	if from := t.text("fromname", "fromemail", "replyto"); from != "" {
		c.speech.change("The sender is that of the channel; the task named another (%s).", quotedShort(from))
	}
	if t.text("emailcc", "emailbcc") != "" {
		c.speech.change("Each copy is a message of its own; nobody sees who else has got one.")
	}
	to := t.text("recepient") //nolint:misspell // so it is called there
	return c.notify(letter{
		channel: "email", to: []string{to, t.text("emailcc"), t.text("emailbcc")},
		subject: t.text("subject"), body: t.text("content"), html: true,
	})
}

func (c *conversion) sms(t task) ([]*node, error) {
	to := t.text("sms_recepient") //nolint:misspell // so it is called there
	return c.notify(letter{
		channel: "sms", to: []string{to},
		body: t.text("content"),
	})
}

func (c *conversion) whatsapp(t task) ([]*node, error) {
	if strings.Trim(t.text("attachmentids"), ", ") != "" {
		return nil, errors.New("it sends files, which are made and kept in the CRM")
	}
	return c.notify(letter{
		channel: "whatsapp", to: []string{t.text("phone")}, body: t.text("messageBody"),
	})
}

var routeToAddress = regexp.MustCompile(`^record(\.[A-Za-z_][A-Za-z0-9_]*)+$`)

// notify makes a step for each recipient of a message, and its texts.
func (c *conversion) notify(l letter) ([]*node, error) {
	c.helpers = nil
	routes, err := c.recipients(l)
	if err != nil {
		return nil, err
	}
	name := c.templateName(l.channel)
	if err := c.texts(name, l); err != nil {
		return nil, err
	}
	var steps []*node
	if len(c.helpers) > 0 {
		steps = append(steps, step("vars", mapping(c.helpers...)))
	}
	for _, to := range routes {
		config := mapping(pair("to", to), pair("via", l.channel), pair("template", name))
		n := step("notify", config)
		if optOut := c.optOut(to); optOut != "" && l.channel == "email" {
			n.add(pair("if", "!"+optOut))
		}
		steps = append(steps, n)
	}
	return steps, nil
}

// writtenAddress is a mail address or a phone number that stands in the task itself.
var writtenAddress = regexp.MustCompile(`^([^\s@<>,]+@[^\s@<>,]+\.[^\s@<>,]+|\+[1-9][0-9]{6,14})$`)

// recipients are the routes to the addresses, and addresses.
func (c *conversion) recipients(l letter) ([]string, error) {
	var routes []string
	for _, template := range l.to {
		for one := range strings.SplitSeq(html.UnescapeString(template), ",") {
			one = strings.TrimSpace(one)
			if one == "" {
				continue
			}
			pieces := piecesOf(one)
			if len(pieces) == 1 && pieces[0].source == "" && writtenAddress.MatchString(one) {
				routes = append(routes, one)
				continue
			}
			if len(pieces) != 1 || pieces[0].source == "" {
				const neither = "it goes to %s, which is neither an address nor a field of a record"
				return nil, unsaidf(neither, quotedShort(one))
			}
			x, err := c.piece(pieces[0])
			switch {
			case errors.Is(err, errNothing):
				return nil, unsaidf("%s has no field %s to send to", c.o.module, pieces[0].name)
			case err != nil:
				return nil, unsaidf("%s: %v", one, err)
			case !routeToAddress.MatchString(x.text):
				return nil, unsaidf("it goes to %s, which is no field of a record", one)
			}
			if !slices.Contains(routes, x.text) {
				routes = append(routes, x.text)
			}
		}
	}
	if len(routes) == 0 {
		return nil, errors.New("it names nobody to send to")
	}
	return routes, nil
}

// optOut is the field by which the owner of an address says no to mail, which the original asks too.
func (c *conversion) optOut(to string) string {
	names := strings.Split(to, ".")
	m := c.im.modules[c.o.module]
	if len(names) == 3 && m != nil {
		found := ""
		for _, target := range m.fields[names[1]].to {
			if t := c.im.modules[target]; t != nil && t.fields[names[2]] != nil && t.fields["emailoptout"] != nil {
				found = "record." + names[1] + ".emailoptout"
			}
		}
		return found
	}
	if m != nil && m.fields["emailoptout"] != nil && m.fields["emailoptout"].kind == engine.TypeBoolean {
		return "record.emailoptout"
	}
	return ""
}

// templateName is the folder of the texts of the next message.
func (c *conversion) templateName(channel string) string {
	name := c.name
	for i := 2; ; i++ {
		used := false
		for path := range c.files {
			used = used || strings.HasPrefix(path, "templates/"+name+"/")
		}
		if !used {
			return name
		}
		if name = c.name + "-" + channel; i > 2 {
			name = c.name + "-" + channel + "-" + string(rune('0'+i-1))
		}
	}
}

// texts writes the files of a message.
func (c *conversion) texts(name string, l letter) error {
	body := l.body
	isPage := isHTML(body)
	if isPage {
		body = unescapeTokens(body)
	}
	body, errs := c.message(body)
	subject, more := c.message(html.UnescapeString(l.subject))
	if errs = append(errs, more...); len(errs) > 0 {
		return unsaid{errors.Join(errs...).Error()}
	}
	base := "templates/" + name + "/" + l.channel + "." + c.im.options.Language
	var text string
	switch {
	case isPage && l.html:
		c.files[base+".html"] = strings.TrimSpace(body) + "\n"
		text = plainText(body)
	case isPage:
		text = chatText(body)
	default:
		text = tidy(html.UnescapeString(body))
	}
	if subject = strings.Join(strings.Fields(subject), " "); l.html && subject != "" {
		c.files[base+".subject"] = subject + "\n"
	}
	if text == "" {
		text = subject
	}
	c.files[base+".txt"] = text + "\n"
	return nil
}

var tokenInPage = regexp.MustCompile(`\$\([^<>]*?\)`)

// unescapeTokens undoes what an editor for HTML has done to what stands within $( ).
func unescapeTokens(page string) string {
	return tokenInPage.ReplaceAllStringFunc(page, html.UnescapeString)
}
