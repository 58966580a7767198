package engine

import (
	"encoding/json"
	"errors"
	"time"
)

// MaxUpload is the largest file that a visitor may send, in bytes.
const MaxUpload = 25 << 20

// ErrNoFile says that there is no such file, or no longer.
var ErrNoFile = errors.New("no such file")

// File describes what a visitor sent by a link. Its content is kept apart, sealed.
type File struct {
	ID      ID
	Link    ID
	Record  Ref    // that the link is about
	Name    string // cleaned: no path, no control characters, an ending that fits the type
	Type    string // media type, found by looking at the content
	Size    int64  // in bytes
	Created time.Time
}

// Value is what the field of a record holds of the file: id, name, size and type as JSON text, which every CRM can
// keep.
func (f File) Value() (string, error) {
	text, err := json.Marshal(map[string]any{"id": f.ID, "name": f.Name, "size": f.Size, "type": f.Type})
	return string(text), err
}

// FileTypes are the media types that a landing may take: those that can be told from a file's content.
func FileTypes() []string {
	return []string{
		"application/pdf", "application/vnd.oasis.opendocument.presentation",
		"application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.text",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip", "audio/mpeg",
		"audio/wave", "image/bmp", "image/gif", "image/heic", "image/jpeg", "image/png", "image/webp", "text/plain",
		"video/mp4", "video/webm",
	}
}
