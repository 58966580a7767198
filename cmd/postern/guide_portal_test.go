package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// demoSays is what a demo says, while it says it.
type demoSays struct {
	text strings.Builder
	lock sync.Mutex
}

func (s *demoSays) Write(b []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.text.Write(b)
}

func (s *demoSays) find(pattern *regexp.Regexp) string {
	s.lock.Lock()
	defer s.lock.Unlock()
	if found := pattern.FindStringSubmatch(s.text.String()); found != nil {
		return found[1]
	}
	return ""
}

// runDemo lets a demo run until the test ends, and returns its address once people can sign in.
func runDemo(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	said, ended := &demoSays{}, make(chan error, 1)
	go func() { ended <- demo(ctx, said, said, "127.0.0.1:0", t.TempDir()) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	base, letIn := regexp.MustCompile(`Inbox +(http://localhost:\d+)/inbox`), regexp.MustCompile(`people .* (can sign in)`)
	for limit := time.Now().Add(2 * time.Minute); time.Now().Before(limit); <-tick.C {
		if said.find(letIn) != "" {
			return said.find(base)
		}
	}
	t.Fatal("nobody is let in to the demo")
	return ""
}

// The commands of the page about a portal's API work as they stand there, one after the other, beside a demo.
func TestGuideToAPortalsAPI(t *testing.T) {
	for _, tool := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the commands of the guide are of %s, which is not here", tool)
		}
	}
	blocks := shellBlock.FindAllStringSubmatch(guidePage(t, "portal-api.md"), -1)
	base := runDemo(t)
	script := "set -e\ncurl() { command curl --fail-with-body \"$@\"; }\n"
	for _, block := range blocks {
		script += strings.ReplaceAll(block[1], "http://localhost:8480", base)
	}
	command := exec.CommandContext(t.Context(), "sh", "-c", script)
	command.Dir = t.TempDir()
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s\nanswers %s: %v", script, out, err)
	}
	decoder, answers := json.NewDecoder(strings.NewReader(string(out))), []map[string]any{}
	for decoder.More() {
		var answer map[string]any
		if err := decoder.Decode(&answer); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		answers = append(answers, answer)
	}
	for i, want := range []string{"subject", "makes_passkeys", "uri", "total", "etag", "etag", "etag"} {
		if i >= len(answers) || answers[i][want] == nil {
			t.Fatalf("answer %d has no %s: %s", i, want, out)
		}
	}
	patched, _ := answers[5]["fields"].(map[string]any)
	filed, _ := answers[6]["fields"].(map[string]any)
	if file, _ := filed["filename"].(map[string]any); patched["description"] != "It drips now" ||
		file["name"] != "note.txt" || len(answers) != 7 {
		t.Errorf("at last %s", out)
	}
}

func TestGuideToAPortalForCorebosClients(t *testing.T) {
	guideConfigurations(t, guidePage(t, "portal-corebos.md"), 1)
}
