// Package workflows loads books: folders of YAML files that say what Postern does. Everything is
// checked before anything runs, and all complaints come at once, each with its place and, where one
// can tell, what was meant. The book shipped with Postern lives in this folder too.
//
//	book/
//	  *.yaml              workflows
//	  modules/*.yaml      what kinds of records there are
//	  landings/*.yaml     what a link opens
//	  factors/*.yaml      what a visitor has to prove beside the link
//	  portal/*.yaml       who may sign in, and what they may see and do
//	  labels/*.json       texts of the door in place of its own, a language each
//	  templates/<name>/   message texts: <channel>.<language>.subject, .txt, .html
package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"postern/engine"
	phrases "postern/internal/labels"
	"postern/internal/render"
	"postern/internal/yamldoc"
)

// Limits of a book.
const (
	MaxSteps = 64        // entries under tasks
	MaxFiles = 20000     // files of a book
	MaxFile  = 256 << 10 // bytes of one file
	MaxBytes = 64 << 20  // bytes of all files together
)

// Options say what a book may use.
type Options struct {
	Tasks    []engine.TaskKind
	Carriers map[string]engine.Carrier // channels that workflows may use, by name
	Kinds    []string                  // of channels that there are, configured or not
	Shipped  bool                      // it is the book that comes with Postern: it does without what is not configured
	Secrets  []string                  // names of those that the configuration has; nil if they are not known here
	Calls    engine.CallRules
	KeepAll  bool     // keep a copy of every module's records: the CRM is the mirror
	Hosts    []string // to which visitors may be sent on; nil if they are not known here
	Kept     bool     // the files are those of one kept version: other workflows that it names are not among them

	Brand render.Brand // that texts speak of

	Texts     map[string]phrases.Holes // of the door by code, with the values that each holds; nil if not known here
	Languages []string                 // that the door's own texts are in
}

// Load reads and checks the book in a folder. The book is nil if there is an error among the
// diagnostics; the sources are the texts of the files they point into.
func Load(folder fs.FS, options Options) (*engine.Book, yamldoc.Diagnostics, map[string][]byte) {
	files, err := read(folder)
	if err != nil {
		return nil, yamldoc.Diagnostics{{File: ".", Severity: yamldoc.Error, Message: err.Error()}}, nil
	}
	return LoadFiles(files, options)
}

// LoadFiles is Load for files that have been read already, by path.
func LoadFiles(files map[string]string, options Options) (*engine.Book, yamldoc.Diagnostics, map[string][]byte) {
	l := &loader{
		options: options, files: files, sources: map[string][]byte{}, origin: map[string]string{},
		templates: map[string]map[string]string{}, shelved: map[string]bool{}, factors: map[string]*plannedFactor{},
		left: map[string]string{},
		book: &engine.Book{
			Modules: map[string]*engine.Module{}, Landings: map[string]*engine.Landing{}, LeftOut: map[string]string{},
		},
	}
	l.types.modules = l.book.Modules
	for name, text := range files {
		l.sources[name] = []byte(text)
		if parts := strings.SplitN(name, "/", 3); parts[0] == "templates" && len(parts) == 3 {
			if l.templates[parts[1]] == nil {
				l.templates[parts[1]] = map[string]string{}
			}
			l.templates[parts[1]][name] = text
		}
	}
	l.each("modules", l.module)
	l.checkReferences()
	l.each("portal", l.portal)
	l.each("factors", l.factor)
	l.labelFiles()
	l.shelve()
	l.misnamed()
	l.each("landings", l.landing)
	l.each(".", l.workflow)
	l.checkStarts()
	l.checkPortals()
	l.unused()
	slices.Sort(l.book.Factors)
	slices.SortFunc(l.book.Workflows, func(a, b *engine.Workflow) int { return strings.Compare(a.Name, b.Name) })
	l.diags.Sort()
	l.diags = slices.Compact(l.diags) // two steps with one template say the same of its text
	l.diags = l.diags.Silence(l.sources)
	if l.diags.Err() != nil {
		return nil, l.diags, l.sources
	}
	return l.book, l.diags, l.sources
}

// loader carries what one Load has found so far.
type loader struct {
	options   Options
	files     map[string]string            // path → text
	templates map[string]map[string]string // name → its files by path
	sources   map[string][]byte
	shelf     *render.Shelf
	shelved   map[string]bool // layouts and partials that are used
	book      *engine.Book
	types     types
	factors   map[string]*plannedFactor
	portals   []*plannedPortal
	origin    map[string]string  // "module HelpDesk", "landing ticket", "workflow x" → file
	left      map[string]string  // "factor x", "landing x", "workflow x" → the channel that it lacks
	out       []*engine.Workflow // workflows that are left out
	lacks     string             // the channel that what is being loaded lacks; "" for none
	refs      []reference        // to be checked when all modules are known
	starts    []start            // to be checked when all workflows are known
	diags     yamldoc.Diagnostics
}

func (l *loader) complain(d ...yamldoc.Diagnostic) { l.diags = append(l.diags, d...) }

// read takes in every file of the folder that belongs to a book. It looks at the size of a file before it reads it.
func read(folder fs.FS) (map[string]string, error) {
	files, total := map[string]string{}, int64(0)
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(path.Base(name), "."):
			return fs.SkipDir
		case entry.IsDir() || strings.HasPrefix(path.Base(name), ".") || !ours(name):
			return nil
		case len(files) == MaxFiles:
			return fmt.Errorf("more than %d files", MaxFiles)
		}
		info, err := fs.Stat(folder, name)
		if err != nil {
			return err
		}
		switch total += info.Size(); {
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is no file", name)
		case info.Size() > MaxFile:
			return fmt.Errorf("%s is larger than %d kB", name, MaxFile>>10)
		case total > MaxBytes:
			return fmt.Errorf("more than %d MB in all files together", MaxBytes>>20)
		}
		text, err := fs.ReadFile(folder, name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read book: %w", err)
	}
	return files, nil
}

// ours tells whether a file belongs to a book; tests stand beside the workflows and are not loaded.
func ours(name string) bool {
	if folder, _, nested := strings.Cut(name, "/"); folder == "templates" {
		return nested
	}
	if _, isLabels := languageOf(name); isLabels || onShelf(name) || meant(name) != "" {
		return true
	}
	kind := KindOf(name)
	return kind != "" && kind != "test"
}

// KindOf is what a file of a book is by its path from the book's folder: workflow, test, module, landing, factor or
// portal, each of which has a schema of that name; "" for any other file.
func KindOf(name string) string {
	folder, _, nested := strings.Cut(name, "/")
	switch {
	case !strings.HasSuffix(name, ".yaml"):
		return ""
	case nested && folder == "modules":
		return "module"
	case nested && folder == "landings":
		return "landing"
	case nested && folder == "factors":
		return "factor"
	case nested && folder == "portal":
		return "portal"
	case nested:
		return ""
	case strings.HasSuffix(name, ".test.yaml"):
		return "test"
	}
	return "workflow"
}

// meant is what a file would have to be called to be read, which looks like one of a book and is none; "" for any
// other.
func meant(name string) string {
	ending := path.Ext(name)
	stem := strings.TrimSuffix(name, ending)
	switch {
	case ending != ".yaml" && ending != ".yml":
		return ""
	case path.Dir(name) == "labels":
		return stem + ".json"
	case ending == ".yml" && KindOf(stem+".yaml") != "":
		return stem + ".yaml"
	}
	return ""
}

// misnamed warns of files that nobody would notice are not read.
func (l *loader) misnamed() {
	for name := range l.files {
		if as := meant(name); as != "" {
			l.complain(yamldoc.Diagnostic{
				File: name, Line: 1, Column: 1, Severity: yamldoc.Warning, Code: "not-read",
				Message: "this file is not read, by its name", Hint: "call it " + as,
			})
		}
	}
}

// each parses the YAML files of a folder, in order, and hands them on.
func (l *loader) each(folder string, use func(file string, root *yamldoc.Node)) {
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		if path.Dir(name) != folder || !strings.HasSuffix(name, ".yaml") || KindOf(name) == "test" {
			continue
		}
		doc, diags := yamldoc.Parse(name, l.sources[name])
		l.complain(diags...)
		if doc != nil && doc.Root().Kind() != yamldoc.Invalid {
			use(name, doc.Root())
		}
	}
}

// claim notes who has a name; the second one who wants it is told.
func (l *loader) claim(what, name, file string, at *yamldoc.Node) bool {
	key := what + " " + name
	if first, taken := l.origin[key]; taken {
		l.complain(at.Errorf("there is a %s already, in %s", key, first))
		return false
	}
	l.origin[key] = file
	return true
}

// bundle are the files that a version covers: enough to load the same thing again.
func (l *loader) bundle(names map[string]bool) map[string]string {
	files := make(map[string]string, len(names))
	for name := range names {
		files[name] = l.files[name]
	}
	return files
}

// versionOf is the hash of a bundle.
func versionOf(files map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		_, _ = fmt.Fprintf(h, "%d:%s%d:%s", len(name), name, len(files[name]), files[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// moduleFiles adds the files of a module and of every module its references lead to.
func (l *loader) moduleFiles(module *engine.Module, into map[string]bool) {
	file := l.origin["module "+module.Name]
	if into[file] || module.Name == engine.ScheduleModule {
		return
	}
	into[file] = true
	for _, field := range module.Fields {
		for _, to := range field.To {
			if m := l.book.Modules[to]; m != nil {
				l.moduleFiles(m, into)
			}
		}
	}
}
