package pages

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"

	"postern/engine"
	"postern/internal/upload"
)

// fileText is what a file is called for people: what a field holds of it is JSON, or whatever the CRM writes.
func fileText(value string) string {
	var said struct {
		Name string `json:"name"`
		Size int64  `json:"size"`
	}
	if json.Unmarshal([]byte(value), &said) != nil || said.Name == "" {
		return value
	}
	if said.Size < 1<<20 {
		return fmt.Sprintf("%s (%d kB)", said.Name, (said.Size+1023)>>10)
	}
	return fmt.Sprintf("%s (%.1f MB)", said.Name, float64(said.Size)/(1<<20))
}

// sendFile sends the file of a field, always to be kept and never to be shown by the browser: whoever sent it wrote it.
func sendFile(c *call) (answer, error) {
	access, err := c.access()
	if err != nil {
		return answer{}, err
	}
	ref := engine.Ref{Module: access.Module.Name, ID: c.PathValue("id")}
	file, content, err := c.pages.with.Desk.File(c.Context(), c.viewer, ref, c.PathValue("field"))
	if err != nil {
		return answer{}, err
	}
	return answer{write: func(w http.ResponseWriter) {
		upload.GiveTime(c.control)
		w.Header().Set("Content-Type", file.Type)
		disposition := mime.FormatMediaType("attachment", map[string]string{"filename": file.Name})
		w.Header().Set("Content-Disposition", disposition)
		w.Header().Set("Content-Length", fmt.Sprint(file.Size))
		if c.Method == http.MethodHead {
			return
		}
		if _, err := io.Copy(w, content); err != nil {
			c.pages.with.Logger.WarnContext(c.Context(), "file could not be sent to its end", "error", err)
			panic(http.ErrAbortHandler) //nolint:forbidigo // cuts the answer off: no part passes for the whole
		}
	}}, nil
}
