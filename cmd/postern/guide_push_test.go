package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"postern/internal/onesignal"
)

// The pages about mails and notifications show configurations that are read, and the body that event streams must have.
func TestGuideOfNotifications(t *testing.T) {
	yaml := regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```")
	for name, channel := range map[string]string{"email.md": "email", "push.md": "push", "webpush.md": "webpush"} {
		page, err := os.ReadFile("../../docs/guide/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range yaml.FindAllStringSubmatch(string(page), -1) {
			if !strings.Contains(found[1], "channels:") {
				continue
			}
			path := filepath.Join(t.TempDir(), "postern.yaml")
			text := found[1]
			if strings.HasPrefix(text, "   ") { // within a list
				text = regexp.MustCompile("(?m)^   ").ReplaceAllString(text, "")
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := loadConfig(path)
			if err != nil || len(c.Channels) != 1 || c.Channels[0].Key.Text() != channel {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
		}
		stream := regexp.MustCompile("(?m)^   ").ReplaceAllString(string(page), "")
		if name == "push.md" && !strings.Contains(stream, "```liquid\n"+onesignal.StreamTemplate+"```") {
			t.Error("push.md shows another body for event streams")
		}
	}
}
