package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows says which parts of the house the shipped code of each part may import. A part is a folder with all that is
// under it, up to a deeper part; its own packages may always import one another. A nil list means none,
// and what is not in a list is forbidden.
var arrows = map[string][]string{
	"engine":  nil,
	"schemas": nil,

	// Siblings meet in the engine only. What they share below is in internal.
	"channels":  {"engine", "internal", "internal/outcall", "schemas"},
	"links":     {"engine", "internal", "schemas"},
	"portal":    {"engine", "internal", "schemas"},
	"tasks":     {"engine", "internal", "schemas"},
	"workflows": {"engine", "internal", "schemas"},

	// The adapters fill ports, so nobody imports them but cmd. The store fills those of links and portal too.
	"internal":         {"engine", "schemas"},
	"internal/crm":     {"engine", "internal", "schemas"},
	"internal/memory":  {"engine", "internal", "schemas"},
	"internal/nats":    {"engine", "internal", "schemas"},
	"internal/outcall": {"engine", "internal", "schemas"},
	"internal/store":   {"engine", "internal", "schemas", "links", "portal"},

	// What exists for tests is imported by no shipped code.
	"bench":                {"channels", "engine", "internal/rig"},
	"engine/enginetest":    {"engine", "internal"},
	"internal/apicontract": nil,
	"internal/contract":    nil,
	"internal/peer":        nil,
	"internal/chaos":       {"engine", "internal/crm", "internal/rig"},
	"internal/rig":         nil,
	"internal/scanners":    {"internal/rig"},
	"internal/smoke":       {"internal/rig"},
	"internal/typist":      {"internal/peer"},

	"portal/portaltest": {"engine", "engine/enginetest", "internal", "internal/peer", "portal"},
	"portal/portaltest/house": {
		"engine", "engine/enginetest", "internal", "internal/crm", "internal/store", "portal",
	},

	// Stand-ins for providers, held against the providers' descriptions.
	"internal/mattermost/mattermosttest": {"engine", "internal", "internal/contract"},
	"internal/onesignal/onesignaltest":   {"engine", "internal", "internal/contract"},
	"internal/twilio/twiliotest":         {"engine", "internal", "internal/contract"},

	// The writer of the reference looks at every kind. It is a program of its own, so nothing can import it.
	"internal/generate": {"channels", "engine", "internal", "tasks"},

	// The examples of the guide are a plug-in author's code; the command knows everyone.
	"docs": {
		"channels", "engine", "engine/enginetest", "internal", "links", "portal", "schemas", "tasks", "workflows",
	},
	"cmd": {
		"channels", "docs", "engine", "internal", "internal/crm", "internal/memory", "internal/nats",
		"internal/outcall", "internal/store", "links", "portal", "schemas", "tasks", "workflows",
	},
}

// testSupport holds the packages that exist for tests and so may use any library.
var testSupport = []string{
	"bench", "bench/carry", "bench/floor", "engine/enginetest", "internal/apicontract", "internal/chaos",
	"internal/contract",
	"internal/mail/mailtest", "internal/peer", "internal/rig", "internal/scanners", "internal/smoke",
	"internal/typist",
	"portal/portaltest", "portal/portaltest/house",
}

// listed is what the go command tells of a package; paths of our own packages are relative to the module.
type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
	Module     struct {
		Path string
		Main bool
	}
}

func TestArrowsPointAtTheEngine(t *testing.T) {
	for _, complaint := range crossed(list(t)) {
		t.Error(complaint)
	}
}

func TestEachLibraryHasOneImporter(t *testing.T) {
	for _, complaint := range shared(list(t)) {
		t.Error(complaint)
	}
}

// The rules themselves: a house with each mistake once.
func TestArrowsFindMistakes(t *testing.T) {
	house := func(path string, imports ...string) listed {
		p := listed{ImportPath: path, Imports: imports}
		p.Module.Main = true
		return p
	}
	library := listed{ImportPath: "example.org/mail/smtp"}
	library.Module.Path = "example.org/mail"

	got := crossed([]listed{
		house("attic"),
		house("engine", "tasks"),
		house("engine/enginetest", "engine"),
		house("internal/store", "links"),
		house("internal/web", "links"),
		house("links", "engine", "engine/enginetest"),
		house("tasks", "internal/web", "links", "internal/store"),
		house("tasks/more", "tasks"),
		house("workflows", "internal/peer"),
	})
	got = append(got, shared([]listed{
		library,
		house("channels", "example.org/mail/smtp"),
		house("internal/mail", "example.org/mail/smtp"),
		house("internal/smoke", "example.org/mail/smtp"),
	})...)
	for i, complaint := range got {
		got[i], _, _ = strings.Cut(complaint, ":")
	}
	want := []string{
		"attic is in no part of the house",
		"engine must not import tasks",
		"internal/web must not import links",
		"links must not import engine/enginetest",
		"tasks must not import links",
		"tasks must not import internal/store",
		"workflows must not import internal/peer",
		"example.org/mail is imported by channels and internal/mail",
	}
	if !slices.Equal(got, want) {
		t.Errorf("complaints:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// crossed returns a sentence for each import of ours against which an arrow points.
func crossed(packages []listed) (complaints []string) {
	for _, p := range packages {
		if !p.Module.Main {
			continue
		}
		from := partOf(p.ImportPath)
		if from == "" {
			complaints = append(complaints, p.ImportPath+" is in no part of the house: give it a line in arrows "+
				"(a new top-level folder needs a page in docs/decisions)")
			continue
		}
		for _, imported := range p.Imports {
			to := partOf(imported)
			if to == "" || to == from || slices.Contains(arrows[from], to) {
				continue
			}
			complaints = append(complaints, fmt.Sprintf("%s must not import %s: arrows point at engine, so put "+
				"the word or port there and let cmd bring the two together", p.ImportPath, imported))
		}
	}
	return complaints
}

// partOf returns the deepest part of the house that holds the package, or "" if it is not ours or in none.
func partOf(path string) (part string) {
	for candidate := range arrows {
		inside := path == candidate || strings.HasPrefix(path, candidate+"/")
		if inside && len(candidate) > len(part) {
			part = candidate
		}
	}
	return part
}

// shared returns a sentence for each third-party library that more than one shipped package imports.
func shared(packages []listed) (complaints []string) {
	libraryOf := make(map[string]string)
	for _, p := range packages {
		if !p.Module.Main && !p.Standard {
			libraryOf[p.ImportPath] = p.Module.Path
		}
	}
	importers := make(map[string][]string)
	for _, p := range packages {
		if !p.Module.Main || slices.Contains(testSupport, p.ImportPath) {
			continue
		}
		for _, imported := range p.Imports {
			library := libraryOf[imported]
			if library != "" && !slices.Contains(importers[library], p.ImportPath) {
				importers[library] = append(importers[library], p.ImportPath)
			}
		}
	}
	for _, library := range slices.Sorted(maps.Keys(importers)) {
		if by := importers[library]; len(by) > 1 {
			complaints = append(complaints, fmt.Sprintf("%s is imported by %s: keep it in one package, "+
				"and let the others ask that one in our own words", library, strings.Join(by, " and ")))
		}
	}
	return complaints
}

// list asks the go command for every package of the module and all that their shipped code imports.
func list(t *testing.T) (packages []listed) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps",
		"-json=ImportPath,Imports,Standard,Module", "./...")
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("read what go list says: %v", err)
		}
		packages = append(packages, relative(p))
	}
}

// relative cuts the module's name from the paths of our own packages, and keeps others apart from them.
func relative(p listed) listed {
	const module = "postern/"
	if p.Module.Main {
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
	}
	for i, imported := range p.Imports {
		p.Imports[i] = strings.TrimPrefix(imported, module)
	}
	return p
}
