package upload

import (
	"bytes"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"

	"postern/engine"
)

// endings are the usual endings of file names by media type, the first the best.
var endings = map[string][]string{
	"application/pdf": {".pdf"}, "application/zip": {".zip"}, "audio/mpeg": {".mp3"}, "audio/wave": {".wav"},
	"application/vnd.oasis.opendocument.presentation":                           {".odp"},
	"application/vnd.oasis.opendocument.spreadsheet":                            {".ods"},
	"application/vnd.oasis.opendocument.text":                                   {".odt"},
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": {".pptx"},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         {".xlsx"},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   {".docx"},
	"image/bmp": {".bmp"}, "image/gif": {".gif"}, "image/heic": {".heic", ".heif"}, "image/jpeg": {".jpg", ".jpeg"},
	"image/png": {".png"}, "image/webp": {".webp"}, "text/plain": {".txt", ".csv", ".md"},
	"video/mp4": {".mp4", ".m4v"}, "video/webm": {".webm"},
}

// sniff tells a file's media type from the beginning of its content, never from its name; "" for one that is none of
// engine.FileTypes. Text that begins like markup is none: an SVG or a page must not pass for something harmless.
func sniff(head []byte) string {
	kind, _, _ := mime.ParseMediaType(http.DetectContentType(head))
	switch {
	case kind == "application/zip":
		kind = packed(head)
	case isHEIC(head):
		kind = "image/heic"
	case kind == "text/plain" && (looksLikeMarkup(head) || bytes.IndexByte(head, 0) >= 0):
		return ""
	}
	if !slices.Contains(engine.FileTypes(), kind) {
		return ""
	}
	return kind
}

// packed tells the documents that are zip files from other ones: by the file that an OpenDocument file begins with, or
// by the folders of an Office Open XML one.
func packed(head []byte) string {
	const first = 30 // bytes of a local file header before its name (APPNOTE 4.3.7)
	if rest := head[min(first, len(head)):]; bytes.HasPrefix(rest, []byte("mimetype")) {
		for _, kind := range engine.FileTypes() {
			if bytes.HasPrefix(rest[len("mimetype"):], []byte(kind)) {
				return kind
			}
		}
	}
	if bytes.Contains(head, []byte("[Content_Types].xml")) {
		for folder, ending := range map[string]string{"word/": ".docx", "xl/": ".xlsx", "ppt/": ".pptx"} {
			if bytes.Contains(head, []byte(folder)) {
				return kindOf(ending)
			}
		}
	}
	return "application/zip"
}

// kindOf is the media type of an ending.
func kindOf(ending string) string {
	for kind, known := range endings {
		if slices.Contains(known, ending) {
			return kind
		}
	}
	return ""
}

// isHEIC tells the pictures of telephones by their brand (ISO/IEC 23008-12 annex B).
func isHEIC(head []byte) bool {
	return len(head) >= 12 && string(head[4:8]) == "ftyp" &&
		slices.Contains([]string{"heic", "heix", "heim", "heis", "mif1", "msf1"}, string(head[8:12]))
}

func looksLikeMarkup(head []byte) bool {
	text := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	return bytes.HasPrefix(bytes.TrimSpace(text), []byte("<"))
}

// TypeNames are media types as people know them: by their usual ending.
func TypeNames(kinds []string) []string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind
		if known := endings[kind]; len(known) > 0 {
			names[i] = strings.ToUpper(known[0][1:])
		}
	}
	return names
}

// Accept lists media types and the endings of such files, as HTML has it.
func Accept(kinds []string) string {
	accept := slices.Clone(kinds)
	for _, kind := range kinds {
		accept = append(accept, endings[kind]...)
	}
	return strings.Join(accept, ",")
}

const maxName = 80 // characters of a file's name

// cleanName makes a name that is safe to show and to store of the one that a visitor's browser sent: no folders, no
// characters that cannot be seen or that other systems read as something else, and an ending that fits the content.
func cleanName(name, kind string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`<>:"|?*%/`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r): // controls, and what turns the direction of writing
			return -1
		}
		return r
	}, name)
	known := endings[kind]
	ending := path.Ext(name)
	stem := strings.Trim(strings.TrimSuffix(name, ending), ". _-~")
	if ending = strings.ToLower(ending); !slices.Contains(known, ending) {
		ending = known[0]
	}
	if stem == "" || reserved(stem) {
		stem = "file"
	}
	if runes := []rune(stem); len(runes) > maxName-len(ending) {
		stem = strings.TrimRight(string(runes[:maxName-len(ending)]), ". ")
	}
	return stem + ending
}

// reserved tells names that Windows takes for devices, whatever their ending.
func reserved(stem string) bool {
	first, _, _ := strings.Cut(strings.ToUpper(stem), ".")
	switch first {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(first) == 4 && (strings.HasPrefix(first, "COM") || strings.HasPrefix(first, "LPT"))
}
