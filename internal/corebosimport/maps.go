package corebosimport

import (
	"cmp"
	"encoding/xml"
	"errors"
	"html"
	"strings"
)

// businessMap is a cbMap of the original: settings of many kinds, in XML.
type businessMap struct {
	name, kind, content string
}

// addMap keeps a row of the table of maps, by its id and its name.
func (e *Export) addMap(r row) {
	m := businessMap{name: r.text("mapname", "name"), kind: r.text("maptype"), content: r.text("content")}
	id := r.text("cbmapid", "id", "crmid")
	if _, after, whole := strings.Cut(id, "x"); whole {
		id = after
	}
	for _, key := range []string{id, m.name} {
		if key != "" {
			e.maps[key] = m
		}
	}
}

// decode reads the XML. The reader of the standard library resolves no entities of its own and opens no files.
func (m businessMap) decode(into any) error {
	const longest = 256 << 10
	content := strings.TrimSpace(m.content)
	if strings.HasPrefix(content, "&lt;") {
		content = html.UnescapeString(content)
	}
	if len(content) > longest {
		return unsaidf("the business map %s is longer than %d kB", m.name, longest>>10)
	}
	if err := xml.Unmarshal([]byte(content), into); err != nil {
		return unsaidf("the business map %s is no XML: %v", m.name, err)
	}
	return nil
}

// conditionExpression is the expression of a map that says true or false of a record.
func (m businessMap) conditionExpression() (string, error) {
	var f struct {
		Expression string `xml:"expression"`
		Function   *struct {
			Name string `xml:"name"`
		} `xml:"function"`
	}
	if m.kind == "Condition Query" {
		return "", unsaidf("the business map %s chooses records by SQL, which does not run here", m.name)
	}
	if err := m.decode(&f); err != nil {
		return "", err
	}
	switch {
	case f.Function != nil:
		return "", unsaidf("the business map %s runs a PHP function", m.name)
	case strings.TrimSpace(f.Expression) == "":
		return "", unsaidf("the business map %s (%s) holds no expression", m.name, m.kind)
	}
	return strings.TrimSpace(f.Expression), nil
}

// webserviceMap is a map of the kind Webservice Mapping.
type webserviceMap struct {
	Config struct {
		URL     string `xml:"wsurl"`
		Method  string `xml:"wshttpmethod"`
		Name    string `xml:"methodname"`
		Type    string `xml:"wstype"`
		Input   string `xml:"inputtype"`
		Output  string `xml:"outputtype"`
		User    string `xml:"wsuser"`
		Headers []struct {
			Name  string `xml:"keyname"`
			Value string `xml:"keyvalue"`
		} `xml:"wsheader>header"`
	} `xml:"wsconfig"`
	Fields   []mapField    `xml:"fields>field"`
	Response []mapResponse `xml:"Response>field"`
}

// mapField is a value that a map sends.
type mapField struct {
	Name      string    `xml:"fieldname"`
	Value     string    `xml:"value"`
	Fields    []mapPart `xml:"Orgfields>Orgfield"`
	Delimiter string    `xml:"Orgfields>delimiter"`
	Related   []struct {
		Field  string `xml:"RelfieldName"`
		Module string `xml:"RelModule"`
		Link   string `xml:"linkfield"`
	} `xml:"Orgfields>Relfield"`
}

// mapPart is a part of it: a field, or what its kind says.
type mapPart struct {
	Name string `xml:"OrgfieldName"`
	Kind string `xml:"OrgfieldID"`
}

// mapResponse is a value that a map takes out of the answer.
type mapResponse struct {
	Name    string `xml:"fieldname"`
	Field   string `xml:"destination>field"`
	Context string `xml:"destination>context"`
}

// context is the name under which the original keeps the value.
func (r mapResponse) context() string { return cmp.Or(r.Context, "wsctx_"+r.Name) }

// webservice reads a map that calls a service.
func (m businessMap) webservice() (webserviceMap, error) {
	var w webserviceMap
	if err := m.decode(&w); err != nil {
		return w, err
	}
	if strings.TrimSpace(w.Config.URL) == "" {
		return w, errors.New("its business map says no address to call")
	}
	for i, f := range w.Fields {
		if f.Delimiter == "--None--" {
			w.Fields[i].Delimiter = ""
		}
	}
	return w, nil
}
