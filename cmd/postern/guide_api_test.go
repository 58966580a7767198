package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/engine"
	"postern/internal/peer"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// Each command of the page about the API works as it stands there, one after the other.
func TestGuideToTheAPI(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("the commands of the guide are of curl, which is not here")
	}
	page := guidePage(t, "api.md")
	h := newAPIHouse(t, func(c *config) {
		c.Book = t.TempDir()
		if err := writeTicketBook(c.Book); err != nil {
			t.Fatal(err)
		}
	})
	h.expect(202, "POST", "/events", `{"specversion":"1.0","id":"1","source":"crm","type":"record.created",
		"subject":"HelpDesk/17x1","data":{"record":{"ticket_no":"TT1","ticket_title":"Lamp","ticketstatus":"Open"}}}`,
		"Content-Type", "application/cloudevents+json")
	h.await("HelpDesk/17x1")
	server := httptest.NewServer(h.handler)
	defer server.Close()
	token, ran := "", map[string]int{}
	for _, block := range shellBlock.FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(block[1], "curl") {
			continue
		}
		command := exec.CommandContext(t.Context(), "sh", "-c", block[1])
		command.Env = append(os.Environ(), "DOOR="+server.URL, "KEY="+everything, "TOKEN="+token, "PATH="+filepath.Dir(curl)+":/bin:/usr/bin")
		out, err := command.Output()
		var answer map[string]any
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatalf("%s answers %s: %v", block[1], out, err)
		}
		if err != nil || answer["code"] != nil {
			t.Errorf("%s answers %s, %v", block[1], out, err)
		}
		if url, ok := answer["url"].(string); ok {
			ran["made"]++
			token = url[strings.LastIndex(url, "/")+1:]
		}
		if answer["active"] == true && answer["record"] == "HelpDesk/17x1" {
			ran["checked"]++
		}
		if answer["revoked"] == 1.0 {
			ran["revoked"]++
		}
	}
	if ran["made"] != 1 || ran["checked"] != 1 || ran["revoked"] != 1 {
		t.Errorf("the commands did %v", ran)
	}
	guideConfigurations(t, page, 1)
}

// The whole page of the guide is served from another host and used, first freely, then with a code.
func TestGuideToAFrontEnd(t *testing.T) {
	text := guidePage(t, "frontend.md")
	guideConfigurations(t, text, 1)
	_, page, _ := strings.Cut(text, "```html\n")
	page, _, found := strings.Cut(page, "```")
	if !found {
		t.Fatal("the guide has no page")
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	}))
	defer front.Close()
	h := newAPIHouse(t, func(c *config) { c.Web.Origins = []string{front.URL} })
	h.ticket()
	door := httptest.NewServer(h.handler)
	defer door.Close()
	page = strings.ReplaceAll(page, "https://go.acme.example", door.URL)

	browser, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox)...)
	defer stop()
	tab, closeTab := chromedp.NewContext(browser)
	defer closeTab()
	if err := chromedp.Do(tab, chromedp.EmulateViewport(360, 740)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	open := func(landing string) {
		t.Helper()
		made := h.expect(201, "POST", "/api/links", `{"landing":"`+landing+`","record":"Tickets/1"}`)
		url := made["url"].(string)
		at := front.URL + "/?" + landing + "#" + url[strings.LastIndex(url, "/")+1:]
		if err := chromedp.Do(ctx, chromedp.Navigate(at)); err != nil {
			t.Fatal(err)
		}
	}
	open("ticket")
	press(ctx, t, "Continue")
	shows(ctx, t, "Ticket Stuck door")
	enter(ctx, t, "Door mended")
	press(ctx, t, "Save")
	shows(ctx, t, "Door mended")
	records, err := h.crm.Get(t.Context(), engine.Ref{Module: "Tickets", ID: "1"})
	if err != nil || records[0].Fields.Text("name") != "Door mended" {
		t.Errorf("the record is %v, %v", records, err)
	}
	open("secured")
	press(ctx, t, "Continue")
	enter(ctx, t, "471126")
	press(ctx, t, "Continue")
	shows(ctx, t, "Close it")
}

// press waits for a button with a label and presses it.
func press(ctx context.Context, t *testing.T, label string) {
	t.Helper()
	soonTrue(ctx, t, `(b => (b?.click(), !!b))([...document.querySelectorAll("button")].find(b => b.textContent === "`+label+`"))`)
}

// enter writes into the first field that takes text.
func enter(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	soonTrue(ctx, t, `(i => (i && (i.value = "`+text+`"), !!i))(document.querySelector("input:not([type=checkbox])"))`)
}

// shows waits until the page has a text.
func shows(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	soonTrue(ctx, t, `document.body.innerText.includes("`+text+`")`)
}

func soonTrue(ctx context.Context, t *testing.T, script string) {
	t.Helper()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		if err == nil && ok {
			return
		}
		if ctx.Err() != nil {
			text, _ := chromedp.Run(context.WithoutCancel(ctx), chromedp.Evaluate[string]("document.body.innerText"))
			t.Fatalf("%s stays false on %q: %v", script, text, err)
		}
	}
}

func guidePage(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/guide/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// guideConfigurations loads the configurations that a page shows.
func guideConfigurations(t *testing.T, page string, want int) {
	t.Helper()
	blocks := yamlBlock.FindAllStringSubmatch(page, -1)
	if len(blocks) != want {
		t.Errorf("the page has %d configurations, want %d", len(blocks), want)
	}
	for _, block := range blocks {
		path := filepath.Join(t.TempDir(), "postern.yaml")
		if err := os.WriteFile(path, []byte(block[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadConfig(path); err != nil {
			t.Errorf("%s\n%v", block[1], err)
		}
	}
}

// The guide begins with the shipped book, and what lint says of it.
func TestGuideCountsTheShippedBook(t *testing.T) {
	var said bytes.Buffer
	command := rootCommand()
	command.SetArgs([]string{"lint"})
	command.SetOut(&said)
	if err := command.Execute(); err != nil {
		t.Fatal(err)
	}
	if line := strings.TrimSpace(said.String()); !strings.Contains(guidePage(t, "README.md"), "\n"+line+"\n") {
		t.Errorf("the guide does not say what lint does: %s", line)
	}
}
