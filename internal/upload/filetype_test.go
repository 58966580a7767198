package upload

import (
	"strings"
	"testing"
	"unicode/utf8"

	"postern/engine"
)

func TestNamesAreCleaned(t *testing.T) {
	for name, want := range map[string]string{
		"photo.png":                     "photo.png",
		"Foto del día.PNG":              "Foto del día.png",
		"../../etc/passwd":              "passwd.png",
		`..\..\windows\system32\a.exe`:  "a.png",
		"/etc/cron.d/x.png":             "x.png",
		"a.png/":                        "a.png",
		"....png":                       "file.png",
		".htaccess":                     "file.png",
		"a.php\x00.png":                 "a.php.png",
		"evil\u202egnp.exe":             "evilgnp.png",
		"a\r\nSet-Cookie: x=1.png":      "a  Set-Cookie_ x=1.png",
		"CON.png":                       "file.png",
		"lpt1.tar.png":                  "file.png",
		"":                              "file.png",
		"%2e%2e%2fa.png":                "2e_2e_2fa.png",
		"<script>alert(1)</script>.png": "script.png",
		"-rf.png":                       "rf.png",
		"broken \xff\xfe.png":           "broken.png",
		strings.Repeat("ü", 300):        strings.Repeat("ü", 76) + ".png",
	} {
		got := cleanName(name, "image/png")
		if got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
		if again := cleanName(got, "image/png"); again != got {
			t.Errorf("%q becomes %q when it is cleaned again", got, again)
		}
	}
}

func TestSniff(t *testing.T) {
	zip := func(name, content string) string { return "PK\x03\x04" + strings.Repeat("\x00", 26) + name + content }
	for want, head := range map[string]string{
		"application/pdf": "%PDF-1.4", "application/zip": zip("a.txt", "x"), "image/jpeg": "\xff\xd8\xff\xe0",
		"image/heic": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "text/plain": "Just words, ü", "image/gif": "GIF89a",
		"image/webp": "RIFF\x00\x00\x00\x00WEBPVP8 ", "audio/mpeg": "ID3\x03", "video/webm": "\x1a\x45\xdf\xa3",
		"application/vnd.oasis.opendocument.text": zip("mimetype", "application/vnd.oasis.opendocument.text"),
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document": zip(
			"[Content_Types].xml", "word/document.xml"),
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": zip(
			"[Content_Types].xml", "xl/workbook.xml"),
	} {
		if got := sniff([]byte(head)); got != want {
			t.Errorf("%q is %q, want %q", head, got, want)
		}
	}
	for _, head := range []string{
		"<svg></svg>", "\xef\xbb\xbf <html>", "<?xml version='1.0'?><svg/>", "MZ\x90\x00", "\x7fELF\x02", "text \x00",
		"\x00\x00\x00\x00",
	} {
		if got := sniff([]byte(head)); got != "" {
			t.Errorf("%q is %q, want nothing that is taken", head, got)
		}
	}
}

// Every type that a landing may take has an ending for its files.
func TestEveryTypeHasAnEnding(t *testing.T) {
	for _, kind := range engine.FileTypes() {
		if len(endings[kind]) == 0 {
			t.Errorf("%s has no ending", kind)
		}
	}
	if len(endings) != len(engine.FileTypes()) {
		t.Errorf("%d types with endings, %d that may be taken", len(endings), len(engine.FileTypes()))
	}
}

func FuzzCleanName(f *testing.F) {
	f.Add("../a.png")
	f.Fuzz(func(t *testing.T, name string) {
		got := cleanName(name, "image/png")
		if !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00\r\n") || len([]rune(got)) > maxName ||
			!strings.HasSuffix(got, ".png") || strings.HasPrefix(got, ".") {
			t.Errorf("%q becomes %q", name, got)
		}
	})
}
