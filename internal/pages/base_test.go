package pages

import (
	"strings"
	"testing"
)

func TestParseBase(t *testing.T) {
	tests := map[string]struct{ want, problem string }{
		"https://go.acme.example":       {want: "https://go.acme.example"},
		"https://GO.acme.example:8443/": {want: "https://go.acme.example:8443"},
		"http://localhost:8080":         {want: "http://localhost:8080"},
		"http://127.0.0.1:1":            {want: "http://127.0.0.1:1"},
		"http://[::1]:1":                {want: "http://[::1]:1"},
		"http://go.acme.example":        {problem: "plain http is only for this machine"},
		"http://localhost.evil.example": {problem: "plain http is only for this machine"},
		"ftp://go.acme.example":         {problem: "must begin with https"},
		"https://go.acme.example/x":     {problem: "must end after the host"},
		"https://me@go.acme.example":    {problem: "must end after the host"},
		"https://go.acme.example?x=1":   {problem: "must end after the host"},
		"go.acme.example":               {problem: "is not like"},
		"https://:80":                   {problem: "is not like"},
		"":                              {problem: "is not like"},
	}
	for text, test := range tests {
		base, err := ParseBase(text)
		switch {
		case test.problem == "" && (err != nil || base.String() != test.want):
			t.Errorf("%q: got %q, %v", text, base, err)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%q: got %v, want %q", text, err, test.problem)
		}
	}
}
