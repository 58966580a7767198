package corebosimport

import (
	"encoding/base64"
	"strings"
	"testing"

	"postern/internal/yamldoc"
)

const exported = `{"moduleName":"HelpDesk","description":"One","executionCondition":"1","test":"",` +
	`"tasks":["O:11:\"VTDummyTask\":1:{s:7:\"summary\";s:4:\"Rest\";}"]}`

// The forms in which an admin gets workflows out of a coreBOS.
func TestRead(t *testing.T) {
	rows := `[{"workflow_id":"7","module_name":"HelpDesk","summary":"One","execution_condition":"1"}]`
	tasks := `[{"task_id":"2","workflow_id":"7","executionorder":"2","task":"O:11:\"VTEmailTask\":0:{}"},` +
		`{"task_id":"1","workflow_id":"7","executionorder":"1","task":"O:11:\"VTDummyTask\":0:{}"}]`
	blob := `O:11:""VTDummyTask"":1:{s:7:""summary"";s:5:""Re;st"";}`
	for name, files := range map[string][]string{
		"an export":              {exported},
		"exports one by one":     {exported + "\n" + exported},
		"a byte order mark":      {"\ufeff" + exported},
		"rows":                   {rows, strings.ReplaceAll(tasks, "VTEmailTask", "VTDummyTask")},
		"rows in one file":       {`{"workflows":` + rows + `,"tasks":` + tasks + `}`},
		"a web service's answer": {`{"success":true,"result":` + rows + `}`, tasks},
		"phpMyAdmin": {`[{"type":"header","version":"5"},{"type":"table","name":"com_vtiger_workflows","data":` + rows +
			`},{"type":"table","name":"com_vtiger_workflowtasks","data":` + tasks + `}]`},
		"CSV": {
			"workflow_id;module_name;summary;execution_condition\n7;HelpDesk;One;1\n",
			"task_id,workflow_id,executionorder,task\n1,7,1,\"" + blob + "\"\n",
		},
		"tabs":              {"workflow_id\tmodule_name\tsummary\texecution_condition\n7\tHelpDesk\tOne\t1\n", tasks},
		"the list's export": {"workflow_id,module_name,summary\n" + base64.StdEncoding.EncodeToString([]byte(exported)) + ",HelpDesk,One\n"},
		"through HTML":      {strings.ReplaceAll(exported, `\"`, "&quot;")},
	} {
		var list []File
		for i, text := range files {
			list = append(list, File{Name: string(rune('a' + i)), Text: []byte(text)})
		}
		export, err := Read(list)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		o := export.workflows[0]
		if o.module != "HelpDesk" || o.title != "One" || o.trigger != "1" || len(o.tasks) == 0 ||
			o.tasks[0].class != "VTDummyTask" || len(export.skipped) > 0 {
			t.Errorf("%s reads as %+v, left out %v", name, o, export.skipped)
		}
	}
}

func TestReadTellsWhatItLeavesOut(t *testing.T) {
	export, err := Read([]File{{Name: "a.json", Text: []byte(exported + `{"task_id":"1","workflow_id":"9","task":"N;"}
{"colour":"red"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	want := "a.json, value 3\na.json, value 2: a task of workflow 9, which is in none of the files"
	if got := strings.Join(export.skipped, "\n"); got != want {
		t.Errorf("left out:\n%s\nwant:\n%s", got, want)
	}
	for text, want := range map[string]string{
		"{\"moduleName\":": "x: the JSON is cut off at the end",
		`[]`:               "there is no workflow in it",
		`{"a":[{"b":1}]}`:  "there is no workflow in it",
		"":                 "x: read the names of the columns: EOF",
	} {
		if _, err := Read([]File{{Name: "x", Text: []byte(text)}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// A task that cannot be read is kept as such.
func TestBrokenTask(t *testing.T) {
	text := strings.Replace(exported, `s:4:`, `s:9:`, 1)
	export, err := Read([]File{{Name: "x", Text: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	book := Convert(export, Modules{}, Options{Zone: "UTC", Language: "en"})
	want := "The task of an unknown kind: its settings cannot be read: byte 36: a text of 9 bytes is announced, " +
		"which is more than there is."
	if got := book.Report.Workflows[0]; got.Status != Partly || got.File != "one.yaml.off" || got.Missing[0] != want {
		t.Errorf("%+v", got)
	}
}

// Whatever is written is read again as the same.
func TestYAMLIsReadAgain(t *testing.T) {
	texts := []string{
		"plain", "two words", "", " ", "a: b", "a #b", "#a", "- a", "-a", "true", "No", "on", "010", "1e3", "12", "1.5",
		"2026-01-01", "{{ record.a }}", "[a]", "a, b", "it's", `say "x"`, `back\slash`, "line\nline", "line\n  in\n\nline",
		"end\n", "\ttab", "ünï", "€ 5", "a:", ":a", "!x", "&x", "*x", "%x", "@x", "`x`", "?", "? a", "|", ">", "=", "~",
		"null", "19x5", "0x1f", "a\u00a0b", "\u2028", "'", `"`, "a\r\nb", "x: {y}", "}", "]", "{", "record.a == \"b\"",
	}
	for _, text := range texts {
		root := mapping(pair("a", text), entry{"b", list(scalar(text))}, entry{"c", mapping(pair("d", text))},
			entry{"e", expression(said{text: text})}, entry{text + "k", scalar("v")})
		doc, diags := yamldoc.Parse("x", []byte(root.write()))
		if diags.Err() != nil {
			t.Errorf("%q is written as\n%s%v", text, root.write(), diags)
			continue
		}
		r := doc.Root()
		for where, n := range map[string]*yamldoc.Node{
			"block": r.Get("a"), "list": r.Get("b").Items()[0], "flow": r.Get("c").Get("d"), "expression": r.Get("e"),
		} {
			if text != "true" && text != "false" && (n.Text() != text || n.Kind() != yamldoc.Text) {
				t.Errorf("%q in a %s is read as %s %q:\n%s", text, where, n.Kind(), n.Text(), root.write())
			}
		}
		if r.Get(text+"k") == nil {
			t.Errorf("%q as a key is lost:\n%s", text, root.write())
		}
	}
}

func TestLongConditionsAreFolded(t *testing.T) {
	long := strings.Repeat(`record.a == "x && y" && (record.b contains "|| z" || record.c) && `, 5) + "record.d"
	text := mapping(entry{"if", expression(said{text: long})}).write()
	doc, diags := yamldoc.Parse("x", []byte(text))
	if diags.Err() != nil || doc.Root().Get("if").Text() != long {
		t.Errorf("%v\n%s", diags, text)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > 120 {
			t.Errorf("a line has %d characters: %s", len(line), line)
		}
	}
}

func TestPlainText(t *testing.T) {
	for source, want := range map[string]string{
		`<p>Hello&nbsp;<b>Zoë</b>,</p><p>see <a href="https://x.example/?a=1&amp;b=2">this page</a>.<br/>Bye</p>`: "Hello Zoë,\n\nsee this page: https://x.example/?a=1&b=2.\nBye",
		`<ul><li>one</li><li>two</li></ul>`: "- one\n- two",
		`<style>p { color: red }</style><!-- no --><table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>`: "a b\nc",
		`<a href='https://x.example'>https://x.example</a>`:                                                         "https://x.example",
		`1 &lt; 2`: "1 < 2",
	} {
		if got := plainText(source); got != want {
			t.Errorf("%s\n got %q\nwant %q", source, got, want)
		}
	}
	if got := chatText("<p><strong>Now</strong> <em>really</em></p>"); got != "*Now* _really_" {
		t.Errorf("for a chat: %q", got)
	}
}

func TestPieces(t *testing.T) {
	var got []string
	for _, p := range piecesOf(`a $b $(c : (D) e) $(general : (__VtigerMeta__) date) ` +
		`$(general : (__WorkflowFunction__) concat('(', x)) $5 $ $$f $Accounts-name$ $(Çx.y) $(broken`) {
		switch {
		case p.source == "":
			got = append(got, p.plain)
		case p.expr != "":
			got = append(got, "expr "+p.expr)
		case p.meta != "":
			got = append(got, "meta "+p.meta)
		case p.route.name != "":
			got = append(got, "route "+p.route.field+"."+p.route.module+"."+p.route.name)
		default:
			got = append(got, "name "+p.other+"."+p.name)
		}
	}
	want := "a |name .b| |route c.D.e| |meta date| |expr concat('(', x)| |name .5| $ $|name .f| |name Accounts.name| |name .x.y| $(broken"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("\n got %s\nwant %s", text, want)
	}
}
