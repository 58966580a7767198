package rest

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"postern/engine"
	"postern/internal/upload"
	"postern/portal"
)

// stagedBody is a file that was taken in and belongs to no record yet.
type stagedBody struct {
	Value string `json:"value"` // what the field is set to, by this viewer within a day
	Name  string `json:"name"`
	Size  int64  `json:"size"`
	Type  string `json:"type"`
}

// stage takes in the content of a file, which is the body as it is; ?name= is what it is called.
func (a *API) stage(c *call) (answer, error) {
	name := c.URL.Query().Get("name")
	if name == "" || len(name) > 255 {
		return answer{}, about(errParameter, "name")
	}
	if c.ContentLength > engine.MaxUpload {
		return answer{}, errTooLarge
	}
	upload.GiveTime(http.NewResponseController(c.w))
	module, field := c.PathValue("module"), c.PathValue("field")
	content := http.MaxBytesReader(c.w, c.Body, engine.MaxUpload+1<<20)
	staged, err := a.with.Desk.Stage(c.Context(), c.viewer, module, field, name, content)
	if refusal, ok := errors.AsType[*portal.Refusal](err); ok && refusal.Status == http.StatusUnprocessableEntity {
		return answer{}, about(err, "body")
	} else if ok {
		return answer{}, about(err, "field") // of the path
	}
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusCreated, body: stagedBody{
		Value: staged.Value, Name: staged.File.Name, Size: staged.File.Size, Type: staged.File.Type,
	}}, nil
}

// file sends the file of a field, to be kept and never to be opened in the page: it may be somebody else's.
func (a *API) file(c *call) (answer, error) {
	file, content, err := a.with.Desk.File(c.Context(), c.viewer, recordOf(c), c.PathValue("field"))
	if err != nil {
		return answer{}, err
	}
	header := c.w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.Name}))
	header.Set("Content-Length", strconv.FormatInt(file.Size, 10))
	if _, err := io.Copy(c.w, content); err != nil {
		a.with.Logger.ErrorContext(c.Context(), "a file cannot be sent", "file", file.ID.String(), "error", err)
		panic(http.ErrAbortHandler) //nolint:forbidigo // how a handler ends a response: the client sees that it is cut
	}
	return answer{sent: true}, nil
}
