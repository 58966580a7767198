package portal

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"postern/engine"
	"postern/internal/pages"
	"postern/internal/upload"
)

// Limits of what a subject may send, for each portal, whether a record keeps it or not. Megabytes are counted as they
// begin.
const (
	filesPerHour     = 60
	filesPerDay      = 300
	megabytesPerHour = 250
	megabytesPerDay  = 1000
)

// stagedLife is how long a staged file can be set: a little less than the store has its pieces.
const stagedLife = 23 * time.Hour

// Staged is a file that was taken in and belongs to no record yet.
type Staged struct {
	Value string // to set its field to
	File  engine.File
}

// Takes is what the file fields of a portal take.
func Takes() *engine.Upload { return &engine.Upload{Types: engine.FileTypes(), Max: engine.MaxUpload} }

// voucher is what the value of a staged file holds, sealed.
type voucher struct {
	File  engine.File
	Until time.Time
}

// Stage implements Records.
func (d *Desk) Stage(
	ctx context.Context, v Viewer, module, field, name string, content io.Reader,
) (Staged, error) {
	if err := takesFile(v, module, field); err != nil {
		return Staged{}, err
	}
	if err := d.admit(ctx, v); err != nil {
		return Staged{}, err
	}
	arrived, err := d.with.Intake.One(ctx, content, Takes(), name, d.with.Clock.Now(), d.Quota(v))
	throttled, much := errors.AsType[*Throttled](err)
	switch {
	case errors.Is(err, pages.ErrMalformed):
		return Staged{}, malformed(CodeFile, field)
	case much:
		return Staged{}, throttled
	case err != nil:
		return Staged{}, d.unavailable("take a file", module, err)
	case arrived.Problem != "":
		return Staged{}, unfit(CodeFile, field, arrived.Problem, arrived.Blanks...)
	}
	value, err := d.Vouch(v, module, field, arrived.File)
	return Staged{Value: value, File: arrived.File}, err
}

// Quota implements Records.
func (d *Desk) Quota(v Viewer) upload.Quota {
	subject := v.Portal.Name + ":" + v.Ref().String()
	return func(ctx context.Context, first bool) error {
		amount := "portal-upload:" + subject
		limits := []engine.Limit{
			{Key: amount, Most: megabytesPerHour, Per: time.Hour},
			{Key: amount, Most: megabytesPerDay, Per: 24 * time.Hour},
		}
		if first {
			files := "portal-files:" + subject
			limits = append(limits, engine.Limit{Key: files, Most: filesPerHour, Per: time.Hour},
				engine.Limit{Key: files, Most: filesPerDay, Per: 24 * time.Hour})
		}
		return d.within(ctx, limits)
	}
}

// Vouch implements Records.
func (d *Desk) Vouch(v Viewer, module, field string, file engine.File) (string, error) {
	if err := takesFile(v, module, field); err != nil {
		return "", err
	}
	written, err := json.Marshal(voucher{file, d.with.Clock.Now().Add(stagedLife)})
	if err != nil {
		return "", err
	}
	sealed, err := d.with.Sealer.Seal(filePurpose(v, module, field), written)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// takesFile refuses a file for a field that takes none from the viewer.
func takesFile(v Viewer, module, field string) error {
	access := v.Access(module)
	if access == nil {
		return ErrForbidden
	}
	given := access.Create != nil && slices.Contains(access.Create.Fields, field)
	if !given && !slices.Contains(access.Update, field) {
		return malformed(CodeField, readable(access, field))
	}
	if access.Module.Fields[field].Type != engine.TypeFile {
		return malformed(CodeFile, field)
	}
	return nil
}

// filePurpose is what a staged file is sealed for: nobody else can set it, nor anywhere else.
func filePurpose(v Viewer, module, field string) string {
	return "portal/file/" + v.Portal.Name + "/" + v.Ref().String() + "/" + module + "/" + field
}

// wantFile takes what Stage or Vouch returned for a file field; nothing takes the file away.
func (d *Desk) wantFile(v Viewer, w *wishes, field *engine.Field, value any) error {
	text, isText := value.(string)
	switch {
	case value == nil || value == "":
		if field.Required {
			return unfit(CodeRequired, field.Name, "error.required")
		}
		w.set[field.Name] = ""
		return nil
	case !isText:
		return malformed(CodeValue, field.Name)
	}
	var staged voucher
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		sealed, err = d.with.Sealer.Open(filePurpose(v, w.module, field.Name), sealed)
	}
	if err == nil {
		err = json.Unmarshal(sealed, &staged)
	}
	if err != nil || !d.with.Clock.Now().Before(staged.Until) {
		return unfit(CodeFile, field.Name, "error.file")
	}
	if w.set[field.Name], err = staged.File.Value(); err != nil {
		return err
	}
	w.files = append(w.files, staged.File)
	return nil
}

// File implements Records. A file that another record names in vain, and one that is not kept here, is not there.
func (d *Desk) File(ctx context.Context, v Viewer, ref engine.Ref, field string) (engine.File, io.Reader, error) {
	access := v.Access(ref.Module)
	if access == nil {
		return engine.File{}, nil, ErrForbidden
	}
	if !slices.Contains(access.Read, field) || access.Module.Fields[field].Type != engine.TypeFile {
		return engine.File{}, nil, ErrNotFound
	}
	record, err := d.find(ctx, v, access, ref.ID)
	if err != nil {
		return engine.File{}, nil, err
	}
	var named struct{ ID engine.ID }
	if json.Unmarshal([]byte(record.Fields.Text(field)), &named) != nil || named.ID.IsZero() {
		return engine.File{}, nil, ErrNotFound
	}
	file, content, err := d.with.Files.Open(ctx, named.ID)
	switch {
	case errors.Is(err, engine.ErrNoFile) || (err == nil && !belongs(file, ref)):
		return engine.File{}, nil, ErrNotFound
	case err != nil:
		return engine.File{}, nil, d.unavailable("open a file", ref.Module, err)
	}
	return file, content, nil
}

// belongs tells whether a file was sent for a record: of one that another CRM made only the module is known.
func belongs(file engine.File, ref engine.Ref) bool {
	return file.Record.Module == ref.Module && (file.Record.ID == ref.ID || file.Record.ID == "")
}
