package facade

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/portal/portaltest/house"
)

var update = flag.Bool("update", false, "write what is answered now into the golden files")

// exchange is a recorded request with its answer.
type exchange struct {
	Name    string
	Request struct {
		Method      string
		Query, Form map[string]string
	}
	Response struct {
		Status int
		Body   string
	}
}

func exchanges(t *testing.T) (all []exchange) {
	t.Helper()
	file, err := os.Open("testdata/exchanges.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// All recorded exchanges of a coreBOS portal are replayed, and what differs is in the golden file, with its reason.
func TestRecorded(t *testing.T) {
	const path = "testdata/replay.golden"
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var now strings.Builder
	reasons := reasonsOf(string(golden))
	r := newReplay(t)
	for _, e := range exchanges(t) {
		different := r.play(e)
		fmt.Fprintf(&now, "%s\n", e.Name)
		if len(different) == 0 {
			now.WriteString("  the same\n")
		}
		if len(different) > 0 {
			if reasons[e.Name] == "" {
				t.Errorf("%s differs without a reason in %s:\n%s", e.Name, path, strings.Join(different, "\n"))
			}
			fmt.Fprintf(&now, "  because %s\n", reasons[e.Name])
		}
		for _, line := range different {
			fmt.Fprintf(&now, "  %s\n", line)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(now.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(golden), now.String()); diff != "" {
		t.Errorf("the differences are others (-golden +now):\n%s", diff)
	}
}

// reasonsOf are the reasons that somebody wrote into the golden file, by the name of the exchange.
func reasonsOf(golden string) map[string]string {
	reasons, name := map[string]string{}, ""
	for line := range strings.Lines(golden) {
		line = strings.TrimSuffix(line, "\n")
		if reason, is := strings.CutPrefix(line, "  because "); is {
			reasons[name] = reason
		} else if !strings.HasPrefix(line, " ") {
			name = line
		}
	}
	return reasons
}

// replay is Zoe of Acme, with what was hers in the recorded CRM.
type replay struct {
	*world
	session string
	ids     []string // the recorded id of a record that was made, and ours, in turn
}

// passwords are in place of the recorded ones, which are too short for us.
var passwords = map[string]string{
	"rgql604e": "rgql604e-and-more", "Sesame-Open-1": "Sesame-Open-Sesame-1", "Sesame-Open-2": "Sesame-Open-Sesame-2",
}

func newReplay(t *testing.T) *replay {
	t.Helper()
	w := newWorld(t, plaintext)
	w.Portals[house.Customers] = recordedPortal(w.Portals[house.Customers])
	seedRecorded(t, w)
	zoe := engine.Ref{Module: "Contacts", ID: "12x8614"}
	w.setPassword(house.Customers, zoe, passwords["rgql604e"])
	r := &replay{world: w}
	r.session = w.session("zoe@acme.example", passwords["rgql604e"])
	return r
}

// play asks as the recorded client did and returns how the answer differs. Its session is ours, and stands in the
// header, since it is taken from no address.
func (r *replay) play(e exchange) []string {
	values, session := url.Values{}, ""
	for name, value := range e.Request.Query {
		values.Set(name, value)
	}
	for name, value := range e.Request.Form {
		values.Set(name, value)
	}
	if values.Has("sessionName") {
		session = r.session
		values.Del("sessionName")
	}
	for _, name := range []string{"password", "current_password"} {
		if longer := passwords[values.Get(name)]; longer != "" {
			values.Set(name, longer)
		}
	}
	ours := strings.NewReplacer(r.ids...)
	for name := range values {
		values.Set(name, ours.Replace(values.Get(name)))
	}
	var got reply
	if e.Request.Method == http.MethodGet {
		got = r.ask(e.Request.Method, "/webservice.php?"+values.Encode(), session, nil)
	} else {
		got = r.ask(e.Request.Method, "/webservice.php", session, strings.NewReader(values.Encode()))
	}
	if renamed := got.Info["sessionName"]; renamed != "" {
		r.session = renamed
	}
	var was, is any
	if e.Response.Body != "" {
		if err := json.Unmarshal([]byte(e.Response.Body), &was); err != nil {
			r.T.Fatal(err)
		}
	}
	if values.Get("operation") == "create" && got.Success {
		made, _ := was.(map[string]any)["result"].(map[string]any)
		r.ids = append(r.ids, made["id"].(string), got.object(r.T)["id"].(string))
	}
	recorded := slices.Clone(r.ids)
	slices.Reverse(recorded)
	recorded = append(recorded, r.session, "a session")
	if err := json.Unmarshal([]byte(strings.NewReplacer(recorded...).Replace(got.Body)), &is); err != nil {
		r.T.Fatal(err)
	}
	d := difference{}
	if got.Status != e.Response.Status {
		d.add("~", "status", fmt.Sprintf("%d, here %d", e.Response.Status, got.Status))
	}
	d.compare("", was, is)
	return d.lines()
}

// difference collects how two answers differ, by path; places of a list are one path.
type difference struct {
	order []string
	count map[string]int
	about map[string]string
}

func (d *difference) add(sign, path, about string) {
	if d.count == nil {
		d.count, d.about = map[string]int{}, map[string]string{}
	}
	key := sign + " " + strings.TrimPrefix(path, ".")
	if d.count[key] == 0 {
		d.order, d.about[key] = append(d.order, key), about
	}
	d.count[key]++
}

func (d *difference) lines() (lines []string) {
	slices.Sort(d.order)
	for _, key := range d.order {
		line := key
		if d.count[key] > 1 {
			line += fmt.Sprintf(" (%d)", d.count[key])
		}
		if d.about[key] != "" {
			line += ": " + d.about[key]
		}
		lines = append(lines, line)
	}
	return lines
}

// drawn are values that are other ones each time.
var drawn = []string{
	".result.token", ".result.serverTime", ".result.expireTime", ".result.sessionName",
	".moreinfo.sessionName", ".result[].createdtime", ".result.createdtime",
}

func (d *difference) compare(path string, was, is any) {
	switch a := was.(type) {
	case map[string]any:
		b, ok := is.(map[string]any)
		if !ok {
			break
		}
		for _, name := range sortedKeys(a, b) {
			x, before := a[name]
			y, now := b[name]
			switch at := path + "." + name; {
			case !now:
				d.add("-", at, short(x))
			case !before:
				d.add("+", at, short(y))
			default:
				d.compare(at, x, y)
			}
		}
		return
	case []any:
		b, ok := is.([]any)
		if !ok {
			break
		}
		d.compareLists(path+"[]", a, b)
		return
	}
	if !cmp.Equal(was, is) && !slices.Contains(drawn, path) {
		d.add("~", path, short(was)+", here "+short(is))
	}
}

// compareLists compares what has the same name, id or place.
func (d *difference) compareLists(path string, was, is []any) {
	left := map[string]any{}
	for i, x := range is {
		left[keyOf(i, x)] = x
	}
	for i, x := range was {
		key := keyOf(i, x)
		y, ok := left[key]
		delete(left, key)
		if !ok {
			d.add("-", path, short(x))
			continue
		}
		d.compare(path, x, y)
	}
	for _, key := range sortedKeys(left, nil) {
		d.add("+", path, short(left[key]))
	}
}

func keyOf(place int, x any) string {
	switch x := x.(type) {
	case string:
		return x
	case map[string]any:
		for _, name := range []string{"id", "name", "value"} {
			if key, ok := x[name].(string); ok {
				return key
			}
		}
	}
	return fmt.Sprint(place)
}

func sortedKeys(a, b map[string]any) (names []string) {
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// short is a value on one short line; what is drawn at random is left out.
func short(v any) string {
	text, err := marshal(v)
	if err != nil {
		return "?"
	}
	if runes := []rune(string(text)); len(runes) > 100 {
		return string(runes[:100]) + "…"
	}
	return string(text)
}
