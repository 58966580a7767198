package corebosimport

import (
	"errors"
	"html"
	"strings"
)

// all gives the first of the errors of a template as the reason why a task is not converted.
func all(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return unsaid{errors.Join(errs...).Error()}
}

// push calls an address.
func (c *conversion) push(t task) ([]*node, error) {
	url, errs := c.inline(html.UnescapeString(strings.TrimSpace(t.text("url_query"))))
	if url == "" {
		return nil, errors.New("it says no address to call")
	}
	c.speech.change("The answer has to be a success (2xx), or the call is tried again; coreBOS did not look at it.")
	return []*node{step("call", mapping(pair("url", url)))}, all(errs)
}

// oneSignal sends a notification by the provider's service.
func (c *conversion) oneSignal(t task) ([]*node, error) {
	app, err := c.setting(setOneSignal)
	if err != nil {
		return nil, err
	}
	texts := mapping()
	var errs []error
	for _, part := range []struct{ key, text string }{
		{"headings", t.text("notification_heading")},
		{"subtitle", t.text("notification_subtitle")},
		{"contents", t.text("notification_content")},
	} {
		text, more := c.inline(chatText(unescapeTokens(part.text)))
		errs = append(errs, more...)
		if text != "" {
			texts.add(entry{part.key, mapping(pair("en", text))})
		}
	}
	user, more := c.inline(html.UnescapeString(strings.TrimSpace(t.text("external_user_id"))))
	if errs = append(errs, more...); len(errs) > 0 {
		return nil, all(errs)
	}
	if strings.Contains(t.text("external_user_id"), ",") {
		return nil, unsaidf("it goes to several users at once; write a step for each")
	}
	body := mapping(pair("app_id", app))
	switch {
	case user != "":
		body.add(entry{"include_aliases", mapping(entry{"external_id", list(scalar(user))})})
		body.add(pair("target_channel", "push"))
	case t.text("notification_include_segment") != "":
		segments := list()
		for _, segment := range listed(t.text("notification_include_segment")) {
			segments.items = append(segments.items, scalar(segment))
		}
		body.add(entry{"included_segments", segments})
	default:
		return nil, errors.New("it names nobody to send to")
	}
	body.entries = append(body.entries, texts.entries...)
	if web := t.text("notification_web_url"); web != "" {
		address, errs := c.inline(html.UnescapeString(web))
		if len(errs) > 0 {
			return nil, all(errs)
		}
		body.add(pair("web_url", address))
	}
	c.speech.change("OneSignal is called with its present interface; the secret onesignal holds \"Key …\", " +
		"and users are known there by the id of their record, such as 19x5.")
	return []*node{step("call", mapping(
		pair("method", "POST"), pair("url", "https://api.onesignal.com/notifications"),
		entry{"auth", mapping(entry{"header", mapping(pair("name", "Authorization"), pair("secret", "onesignal"))})},
		entry{"body", body},
	))}, nil
}

// mattermost posts into a channel. The task is an extension's, whose settings are found by their names.
func (c *conversion) mattermost(t task) ([]*node, error) {
	address, err := c.setting(setMattermost)
	if err != nil {
		return nil, err
	}
	channel, err := c.setting(setMattermostID)
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, name := range [][]string{
		{"title", "msgtitle", "mmtitle"},
		{"body", "content", "msgbody", "message", "mmbody"},
	} {
		text, errs := c.inline(chatText(unescapeTokens(t.text(name...))))
		if len(errs) > 0 {
			return nil, all(errs)
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return nil, errors.New("its text is not where it is known to be")
	}
	for name := range t.fields {
		if strings.Contains(strings.ToLower(name), "button") && t.text(name) != "" {
			return nil, unsaidf("it has buttons, and the addresses behind them hold a token of coreBOS")
		}
	}
	c.speech.change("It goes to the channel named by --set %s with a token of Mattermost's (the secret mattermost); "+
		"coreBOS sent it to the owner of the record.", setMattermostID)
	body := mapping(pair("channel_id", channel), pair("message", strings.Join(parts, "\n\n")))
	return []*node{step("call", mapping(
		pair("method", "POST"), pair("url", address+"/api/v4/posts"),
		entry{"auth", mapping(pair("bearer", "mattermost"))}, entry{"body", body},
	))}, nil
}

// webservice calls what a business map describes.
func (c *conversion) webservice(t task) ([]*node, error) {
	id := t.text("bmapid")
	m, known := c.im.maps[id]
	if !known {
		if m, known = c.im.maps[t.text("bmapid_display")]; !known {
			return nil, unsaidf("its business map %s is in none of the files; add the rows of cbMap",
				strings.TrimSpace(t.text("bmapid_display")+" ("+id+")"))
		}
	}
	w, err := m.webservice()
	if err != nil {
		return nil, err
	}
	return c.calling(m, w)
}

// calling makes a call of a service of a map, and the step that keeps its answer in the record.
func (c *conversion) calling(m businessMap, w webserviceMap) ([]*node, error) {
	if !strings.EqualFold(w.Config.Type, "REST") && w.Config.Type != "" {
		return nil, unsaidf("the map %s calls %s; a call here is an HTTP request with JSON, a form or text",
			m.name, w.Config.Type)
	}
	if strings.EqualFold(w.Config.Output, "XML") && len(w.Response) > 0 {
		return nil, unsaidf("the map %s takes values out of XML; an answer here is JSON or text", m.name)
	}
	values := mapping()
	for _, f := range w.Fields {
		value, err := c.mapped(f)
		if err != nil {
			return nil, unsaidf("the value %s of the map %s: %v", f.Name, m.name, err)
		}
		values.add(entry{f.Name, value})
	}
	config := mapping()
	if method := strings.ToUpper(w.Config.Method); method != "" && method != "GET" {
		config.add(pair("method", method))
	}
	address, err := c.address(w, values)
	if err != nil {
		return nil, err
	}
	config.add(pair("url", address))
	form, err := c.headers(config, m, w)
	if err != nil {
		return nil, err
	}
	if len(values.entries) > 0 && !strings.HasPrefix(w.Config.Input, "URL") {
		if w.Config.Method == "" || strings.EqualFold(w.Config.Method, "GET") {
			c.speech.change("A GET carries no body here; the values of the map %s are in the query.", m.name)
			config.entries[0].value.text = inQuery(address, values)
		} else {
			config.add(entry{form, values})
		}
	}
	c.speech.change("Certificates are always checked, and the answer has to be a success; coreBOS did neither.")
	return c.answer(config, w)
}

// answer keeps what the service answers: in vars, and from there in fields of the record.
func (c *conversion) answer(config *node, w webserviceMap) ([]*node, error) {
	save, set := mapping(), mapping()
	for _, f := range w.Response {
		name := strings.ReplaceAll(f.context(), ".", "_")
		if !fieldName.MatchString(name) {
			return nil, unsaidf("the answer is kept as %q, which is no name here", f.context())
		}
		path := "response.body"
		if f.Name != "." {
			path += "." + f.Name
		}
		save.add(pair(name, "{{ "+path+" }}"))
		c.speech.vars[name] = kindAny
		if f.Field != "" {
			if _, err := c.target(c.o.module, f.Field); err != nil {
				return nil, err
			}
			set.add(pair(f.Field, "{{ vars."+name+" }}"))
		}
	}
	if len(save.entries) > 0 {
		config.add(entry{"save", save})
	}
	steps := []*node{step("call", config)}
	if len(set.entries) > 0 {
		steps = append(steps, step("update", mapping(entry{"set", set})))
	}
	return steps, nil
}

// address fills the values into the address where the map says so.
func (c *conversion) address(w webserviceMap, values *node) (string, error) {
	url := strings.TrimSpace(w.Config.URL)
	if strings.Contains(url, "getSetting(") {
		return "", unsaidf("its address is in a setting of coreBOS, which the export does not hold")
	}
	switch strings.ToUpper(w.Config.Input) {
	case "URLRESTFUL":
		for _, e := range values.entries {
			url = strings.ReplaceAll(url, "$"+e.key, e.value.text)
		}
	case "URL":
		url = inQuery(url, values)
	}
	return url, nil
}

func inQuery(url string, values *node) string {
	mark := "?"
	if strings.Contains(url, "?") {
		mark = "&"
	}
	for _, e := range values.entries {
		url, mark = url+mark+e.key+"="+e.value.text, "&"
	}
	return url
}

// headers adds the headers of a map. What is secret in them becomes a reference; the form of the body is
// what their content type says.
func (c *conversion) headers(config *node, m businessMap, w webserviceMap) (form string, err error) {
	form = "body"
	others := mapping()
	for _, h := range w.Config.Headers {
		name, value, _ := strings.Cut(h.Name+":"+h.Value, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "content-type":
			if strings.Contains(value, "form") {
				form = "form"
			}
		case "authorization", "token":
			secret := strings.ReplaceAll(slug(m.name, "service"), "-", "_")
			c.speech.change("The credentials of the map %s become the secret %s of the configuration.", m.name, secret)
			auth := mapping(pair("bearer", secret))
			if !strings.HasPrefix(strings.ToLower(value), "bearer") || strings.EqualFold(name, "token") {
				auth = mapping(entry{"header", mapping(pair("name", name), pair("secret", secret))})
			}
			config.add(entry{"auth", auth})
		case "":
		default:
			if strings.Contains(value, "getSetting(") || strings.Contains(value, "getContext(") {
				return "", unsaidf("the header %s of the map %s is in a setting of coreBOS", name, m.name)
			}
			others.add(pair(name, escapeBraces(value)))
		}
	}
	if strings.EqualFold(w.Config.Input, "XML") {
		form = "form" // as the original does
	}
	if len(others.entries) > 0 {
		config.add(entry{"headers", others})
	}
	return form, nil
}

// mapped is a value of a map: its parts one after another with a delimiter between them.
func (c *conversion) mapped(f mapField) (*node, error) {
	if f.Value != "" {
		return scalar(escapeBraces(f.Value)), nil
	}
	var parts []said
	for _, o := range f.Fields {
		x, err := c.part(o)
		if err != nil {
			return nil, err
		}
		parts = append(parts, x)
	}
	for _, r := range f.Related {
		x, err := c.speech.route(routeTerm{r.Link, r.Module, r.Field})
		if err != nil {
			return nil, err
		}
		parts = append(parts, x)
	}
	switch len(parts) {
	case 0:
		return nil, errors.New("it says no value")
	case 1:
		return c.value(parts[0]), nil
	}
	var texts []string
	for _, x := range parts {
		texts = append(texts, x.text)
	}
	return c.value(atom(kindText, "join([%s], %s)", strings.Join(texts, ", "), jsonQuoted(f.Delimiter))), nil
}

// part is one part of a value of a map.
func (c *conversion) part(o mapPart) (said, error) {
	switch strings.ToUpper(o.Kind) {
	case "CONST":
		return sayText(o.Name), nil
	case "EXPRESSION":
		return c.speech.expression(o.Name)
	case "TEMPLATE":
		pieces := piecesOf(o.Name)
		if len(pieces) == 1 && pieces[0].source != "" {
			return c.piece(pieces[0])
		}
		var texts []string
		for _, p := range pieces {
			if p.source == "" {
				texts = append(texts, jsonQuoted(p.plain))
				continue
			}
			x, err := c.piece(p)
			if err != nil && !errors.Is(err, errNothing) {
				return said{}, err
			}
			if err == nil {
				texts = append(texts, x.text)
			}
		}
		return atom(kindText, "join([%s])", strings.Join(texts, ", ")), nil
	case "RULE":
		return said{}, errors.New("it is computed by another business map")
	}
	name := strings.TrimPrefix(strings.TrimSpace(o.Name), "$")
	if inner, found := strings.CutPrefix(name, "("); found {
		name = strings.TrimSuffix(inner, ")")
	}
	return c.speech.named(name)
}
