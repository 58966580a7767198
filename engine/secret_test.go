package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/engine"
)

func TestReveal(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"good": "s3cret \r\n", "empty": "", "blank": "\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("A_SECRET", "s3cret")
	t.Setenv("NO_SECRET", "")
	for name, test := range map[string]struct {
		secret engine.Secret
		want   string
		wrong  string // what the error says
	}{
		"none":              {engine.Secret{}, "", ""},
		"variable":          {engine.Secret{Env: "A_SECRET"}, "s3cret", ""},
		"empty variable":    {engine.Secret{Env: "NO_SECRET"}, "", "NO_SECRET is not set"},
		"file":              {engine.Secret{File: "good"}, "s3cret ", ""},
		"absolute file":     {engine.Secret{File: filepath.Join(folder, "good")}, "s3cret ", ""},
		"empty file":        {engine.Secret{File: "empty"}, "", filepath.Join(folder, "empty") + " is empty"},
		"only a line break": {engine.Secret{File: "blank"}, "", filepath.Join(folder, "blank") + " is empty"},
		"no file":           {engine.Secret{File: "gone"}, "", filepath.Join(folder, "gone")},
		"both":              {engine.Secret{Env: "A_SECRET", File: "good"}, "", "not both"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.secret.In(folder).Reveal()
			if got != test.want || (err == nil) != (test.wrong == "") {
				t.Fatalf("got %q, %v", got, err)
			}
			if err != nil && (!strings.Contains(err.Error(), test.wrong) || strings.Contains(err.Error(), "s3cret")) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
