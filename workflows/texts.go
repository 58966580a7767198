package workflows

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"postern/internal/render"
	"postern/internal/yamldoc"
)

// chainFile says which texts somebody gets in whose language a template has none.
const chainFile = "templates/languages.yaml"

// registryFile holds, beside the texts of a template, what WhatsApp approved of it.
const registryFile = "whatsapp.yaml"

// onShelf tells whether a file is a layout or a partial: one level below the folder of that name.
func onShelf(name string) bool {
	folder := path.Dir(name)
	return folder == "layouts" || folder == "partials"
}

// shelve reads what the templates have in common.
func (l *loader) shelve() {
	l.shelf = &render.Shelf{
		Layouts: map[string]string{}, Partials: map[string]string{}, Kinds: l.kinds(), Brand: l.options.Brand,
		Segments: map[string]int{},
	}
	for name, carrier := range l.options.Carriers {
		l.shelf.Segments[name] = carrier.Segments
	}
	for name, text := range l.files {
		switch path.Dir(name) {
		case "layouts":
			l.shelf.Layouts[name] = text
		case "partials":
			l.shelf.Partials[name] = text
		}
	}
	for _, p := range l.shelf.Check() {
		l.complain(fromTemplate(p))
	}
	if _, there := l.files[chainFile]; there {
		l.chains()
	}
}

// kinds are the kinds of the channels that there are, by their names.
func (l *loader) kinds() map[string]string {
	kinds := map[string]string{}
	for name, carrier := range l.options.Carriers {
		kinds[name] = carrier.Kind
	}
	return kinds
}

// languagesFile is the chain of languages: to each language those to try after it.
type languagesFile struct {
	// Default is the language that all chains end with; English, en, if it is not said.
	Default *yamldoc.Node `yaml:"default" schema:"text"`
	// After are the languages to try after one that a template has no text in: ca: [es, fr].
	After []yamldoc.Entry `yaml:"after" schema:"[]text"`
}

// chains reads the chain of languages.
func (l *loader) chains() {
	doc, diags := yamldoc.Parse(chainFile, l.sources[chainFile])
	if l.complain(diags...); doc == nil || diags.Err() != nil {
		return
	}
	var f languagesFile
	l.complain(yamldoc.Decode(doc.Root(), &f)...)
	tag := func(n *yamldoc.Node) string {
		if !languageTag.MatchString(n.Text()) {
			l.complain(n.Errorf("%q is no language tag such as es or pt-BR", n.Text()))
		}
		return n.Text()
	}
	if f.Default != nil {
		l.shelf.Languages.Default = tag(f.Default)
	}
	l.shelf.Languages.Chains = map[string][]string{}
	for _, entry := range f.After {
		var after []*yamldoc.Node
		l.complain(yamldoc.Decode(entry.Value, &after)...)
		language := tag(entry.Key)
		for _, n := range after {
			l.shelf.Languages.Chains[language] = append(l.shelf.Languages.Chains[language], tag(n))
		}
	}
}

// unused warns of layouts that no text uses. Partials are a stock to take from.
func (l *loader) unused() {
	if l.options.Kept {
		return
	}
	named := map[string]bool{}
	for used := range l.shelved {
		named[plainName(used)] = true
	}
	for name := range l.files {
		if path.Dir(name) == "layouts" && !named[plainName(name)] {
			l.complain(yamldoc.Diagnostic{
				File: name, Line: 1, Column: 1, Severity: yamldoc.Warning, Code: "unused",
				Message: "no template uses this layout",
			})
		}
	}
}

// plainName is the name of a layout or partial without its language.
func plainName(name string) string {
	base := strings.Split(path.Base(name), ".")
	return path.Dir(name) + "/" + base[0] + path.Ext(name)
}

// registry is what a template was approved with.
type registry struct {
	// Category is what the provider calls the template: utility, marketing or authentication.
	Category *yamldoc.Node `yaml:"category" schema:"'utility'|'marketing'|'authentication'"`
	// Approved are the provider's names of the approved texts, by language: en: HX….
	Approved []yamldoc.Entry `yaml:"approved,required" schema:"text"`
	// Texts are the approved texts as they were handed in, with {{1}} for the variables, by language.
	Texts []yamldoc.Entry `yaml:"texts" schema:"text"`
	// Variables are what stands in place of {{1}} and so on: templates of one line, by their numbers.
	Variables []yamldoc.Entry `yaml:"variables" schema:"text"`
}

var contentCategories = []string{"utility", "marketing", "authentication"}

// registryOf reads what of a template was approved; nil for nothing, or after a complaint.
func (l *loader) registryOf(files map[string]string) *render.Registry {
	for name := range files {
		if path.Base(name) != registryFile {
			continue
		}
		doc, diags := yamldoc.Parse(name, l.sources[name])
		if l.complain(diags...); doc == nil || diags.Err() != nil {
			return nil
		}
		var f registry
		l.complain(yamldoc.Decode(doc.Root(), &f)...)
		return l.readRegistry(f)
	}
	return nil
}

func (l *loader) readRegistry(f registry) *render.Registry {
	made := &render.Registry{Kind: "whatsapp", IDs: map[string]string{}, Texts: map[string]render.Quote{}}
	if f.Category != nil && !slices.Contains(contentCategories, f.Category.Text()) {
		l.complain(f.Category.Unknown("category", contentCategories))
	}
	for _, entry := range f.Approved {
		language, id := entry.Key.Text(), entry.Value.Text()
		if !languageTag.MatchString(language) {
			l.complain(entry.Key.Errorf("%q is no language tag such as es or pt-BR", language))
		}
		if !strings.HasPrefix(id, "HX") || len(id) != 34 {
			l.complain(entry.Value.Errorf("%q names no approved text: it is HX and 32 digits", id))
		}
		made.IDs[language] = id
	}
	for _, entry := range f.Texts {
		if made.IDs[entry.Key.Text()] == "" {
			l.complain(entry.Key.Errorf("there is a text in %q and nothing approved", entry.Key.Text()))
		}
		made.Texts[entry.Key.Text()] = l.quote(entry.Value)
	}
	for _, entry := range f.Variables {
		number, err := strconv.Atoi(entry.Key.Text())
		if err != nil || number < 1 {
			l.complain(entry.Key.Errorf("variables are numbered from 1 on, found %q", entry.Key.Text()))
			continue
		}
		made.Variables = append(made.Variables, render.Variable{Number: number, Quote: l.quote(entry.Value)})
	}
	slices.SortFunc(made.Variables, func(a, b render.Variable) int { return a.Number - b.Number })
	return made
}

// quote is a text of a file with its place.
func (l *loader) quote(n *yamldoc.Node) render.Quote {
	source := string(l.sources[n.File()])
	line, column := n.AtByte(0)
	at := 0
	for ; line > 1; line-- {
		at += strings.IndexByte(source[at:], '\n') + 1
	}
	for i := range source[at:] {
		if column--; column < 1 {
			at += i
			break
		}
	}
	return render.Quote{File: n.File(), Source: source, At: at, Text: n.Text()}
}

// message parses a template, with what it shares with others.
func (s *stepScope) message(name string, files map[string]string) (*render.Template, []render.Problem) {
	texts := maps.Clone(files)
	for file := range files {
		s.files[file] = true
		if path.Base(file) == registryFile {
			delete(texts, file)
		}
	}
	t, problems := s.shelf.Parse(name, texts, s.registryOf(files))
	for _, file := range t.Files() {
		s.files[file], s.shelved[file] = true, true
	}
	if _, there := s.loader.files[chainFile]; there {
		s.files[chainFile] = true
	}
	return t, problems
}

// carries is the kind of a channel.
func (l *loader) carries(channel string) string {
	if kind, ok := l.shelf.Kinds[channel]; ok {
		return kind
	}
	return channel
}

// without tells that a template lacks a text for a channel, and which.
func (l *loader) without(name, channel string) string {
	kind := l.carries(channel)
	return "template " + name + " has no text for " + channel + ": add " + kind + "." + render.TextFor(kind, "en")
}

// checkTexts holds what a template's texts come to against what their channels carry.
func (s *stepScope) checkTexts(t *render.Template, channels []string) {
	for _, p := range t.Try(channels) {
		d := fromTemplate(p)
		if p.Doubt != "" {
			d.Severity, d.Code = yamldoc.Warning, p.Doubt
		}
		s.complain(d)
	}
}
