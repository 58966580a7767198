package yamldoc

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// specimen is a made-up kind of file with one field of each sort.
type specimen struct {
	Name   string            `yaml:"name,required"`
	On     []trigger         `yaml:"on,one"`
	Via    []string          `yaml:"via"`
	Tasks  []task            `yaml:"tasks"`
	Active bool              `yaml:"active"`
	Port   uint16            `yaml:"port"`
	Level  int8              `yaml:"level"`
	Ratio  float64           `yaml:"ratio"`
	Wait   time.Duration     `yaml:"wait"`
	Labels map[string]string `yaml:"labels"`
	Note   *string           `yaml:"note"`
	Colour colour            `yaml:"colour"`
	Extra  any               `yaml:"extra"`
}

type trigger struct {
	Event  string `yaml:"event,required"`
	Module string `yaml:"module"`
}

type task struct {
	If     string  `yaml:"if"`
	Notify *notify `yaml:"notify"`
}

type notify struct {
	To       string `yaml:"to,required"`
	Template string `yaml:"template,required"`
}

// colour is a leaf type with rules of its own.
type colour string

func (c *colour) UnmarshalYAMLDoc(n *Node) Diagnostics {
	for _, known := range []string{"orange", "purple"} {
		if n.Text() == known {
			*c = colour(known)
			return nil
		}
	}
	return Diagnostics{n.Unknown("colour", []string{"orange", "purple"})}
}

// The archive holds pairs of files: a mistake as `x.yaml` and all that is printed about it as `x.want`.
func TestMistakesAreExplained(t *testing.T) {
	path := filepath.Join("testdata", "mistakes.txtar")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	comment, files := splitArchive(string(content))
	if len(files) < 2*30 {
		t.Errorf("only %d cases", len(files)/2)
	}
	rewritten := comment
	for i := 0; i+1 < len(files); i += 2 {
		mistake, want := files[i], files[i+1]
		t.Run(mistake.name, func(t *testing.T) {
			got := explain(t, mistake.name, []byte(mistake.text))
			rewritten += mistake.marker() + mistake.text + want.marker() + got
			if diff := cmp.Diff(want.text, got); diff != "" && !*update {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if *update {
		if err := os.WriteFile(path, []byte(rewritten), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// archived is one file of a txtar archive: a marker line `-- name --` and the text up to the next one.
type archived struct{ name, text string }

func (a archived) marker() string { return "-- " + a.name + " --\n" }

func splitArchive(content string) (comment string, files []archived) {
	for line := range strings.Lines(content) {
		name, isMarker := strings.CutPrefix(line, "-- ")
		name, ends := strings.CutSuffix(name, " --\n")
		switch {
		case isMarker && ends:
			files = append(files, archived{name: name})
		case len(files) == 0:
			comment += line
		default:
			files[len(files)-1].text += line
		}
	}
	return comment, files
}

// explain prints what Parse and Decode say about a specimen.
func explain(t *testing.T, name string, text []byte) string {
	t.Helper()
	doc, diags := Parse(name, text)
	if doc != nil {
		diags = append(diags, Decode(doc.Root(), &specimen{})...)
	}
	var out bytes.Buffer
	if err := Print(&out, diags, map[string][]byte{name: text}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
