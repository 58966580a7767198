package links_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"postern/links"
)

// A front end sends a file with its form, is told what is wrong with one in its own words, and gets the receipt.
func TestUploadAsData(t *testing.T) {
	h := kindsHouse(t)
	_, address := h.mint("kinds")
	v := h.visitor()
	_, next, _ := v.asks("POST", address, "")
	path, _ := next["next"].(string)
	_, record, _ := v.asks("GET", path, "")
	form, _ := record["form"].(map[string]any)
	seen, _ := form["seen"].(string)
	if form["files"] != true || seen == "" {
		t.Fatalf("the form is %v", form)
	}
	send := func(seen, name, content string) (int, map[string]any) {
		t.Helper()
		var body bytes.Buffer
		parts := multipart.NewWriter(&body)
		_ = parts.WriteField("~seen", seen)
		_ = parts.WriteField("score", "3")
		part, err := parts.CreateFormFile("photo", name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte(content))
		_ = parts.Close()
		status, got, _ := v.asks("POST", path, body.String(), "Content-Type", parts.FormDataContentType())
		return status, got
	}
	status, got := send(seen, "a.png", "no picture at all")
	problem := ""
	form, _ = got["form"].(map[string]any)
	controls, _ := form["controls"].([]any)
	for _, c := range controls {
		if control, _ := c.(map[string]any); control["name"] == "photo" {
			problem, _ = control["problem"].(string)
		}
	}
	if status != http.StatusUnprocessableEntity || problem == "" {
		t.Errorf("a file of another kind is %d %v", status, got)
	}
	if status, got := send("", "a.png", png); status != http.StatusConflict {
		t.Errorf("without what was seen it is %d %v", status, got)
	}
	if made := h.made("Documents"); len(made) != 0 || h.pieces() != 0 {
		t.Errorf("what was refused made %+v and left %d pieces", made, h.pieces())
	}
	status, next = send(seen, "a.png", png)
	if status != http.StatusOK || next["page"] != "next" {
		t.Fatalf("the file is %d %v", status, next)
	}
	if made := h.made("Documents"); len(made) != 1 || !strings.Contains(made[0].Fields.Text("filename"), `"a.png"`) {
		t.Errorf("made %+v", made)
	}
	if _, receipt, _ := v.asks("GET", next["next"].(string), ""); receipt["page"] != "receipt" {
		t.Errorf("the receipt is %v", receipt)
	}
}

// The second link, from a mail, comes as data too: in the same browser it proves, in another it gives a code, which the
// first one types. Looking changes nothing.
func TestMailedLinkAsData(t *testing.T) {
	for name, same := range map[string]bool{"in the same browser": true, "in another": false} {
		t.Run(name, func(t *testing.T) {
			h := factorHouse(t, byMail, func(c *links.DoorConfig) { c.Origins = []string{frontEnd} })
			_, address := h.mint("ticket", h.delivered)
			v := h.visitor()
			secret := ""
			ask := func(method, path, body string) map[string]any {
				t.Helper()
				headers := []string{"Origin", frontEnd}
				if secret != "" {
					headers = append(headers, "Postern-Visitor", secret)
				}
				status, got, _ := v.asks(method, path, body, headers...)
				if status != http.StatusOK {
					t.Fatalf("%s %s is %d %v", method, path, status, got)
				}
				if made, ok := got["visitor"].(string); ok {
					secret = made
				}
				return got
			}
			record := ask("POST", address, "")["next"].(string)
			challenge := ask("GET", record, "")["next"].(string)
			ask("POST", challenge, `{"do":"send"}`)
			h.settle()
			mail := h.lastMail()
			for range 2 {
				if page := ask("GET", mail, ""); page["page"] != "mail" || page["heading"] == "" {
					t.Fatalf("the second link is %v", page)
				}
			}
			if page := ask("GET", challenge, ""); page["page"] != "challenge" {
				t.Fatalf("after a look at it: %v", page)
			}
			if same {
				ask("POST", mail, `{}`)
			} else {
				_, carry, _ := h.visitor().asks("POST", mail, `{}`, "Origin", frontEnd)
				code, _ := carry["code"].(string)
				if carry["page"] != "carry" || len(code) != 6 {
					t.Fatalf("in another browser it is %v", carry)
				}
				ask("POST", challenge, `{"do":"check","code":"`+code+`"}`)
			}
			if page := ask("GET", record, ""); page["page"] != "record" {
				t.Errorf("with the proof it is %v", page)
			}
			status, got, _ := v.asks("GET", "/m/a"+strings.Repeat("b", 26), "", "Origin", frontEnd)
			if status != http.StatusNotFound || code(got) != "unknown" {
				t.Errorf("an unknown one is %d %v", status, got)
			}
		})
	}
}
