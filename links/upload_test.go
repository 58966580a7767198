package links_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/upload"
	"postern/links"
)

// Contents that begin as what they are.
const (
	png   = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
	pdf   = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
	eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
)

func TestUploadFromFormToCRM(t *testing.T) {
	var sealer engine.Sealer
	h := kindsHouse(t, func(c *links.DoorConfig) { sealer = c.Sealer })
	link, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, `type="file" accept="image/png,application/pdf,.png,.pdf"`,
		"One file of at most 600 kB: PNG, PDF.")
	content := png + strings.Repeat("0123456789abcdef", 32<<10) // more than one piece
	v.upload(page, map[string]string{"score": "3"}, attached{"photo", `C:\fakepath\my "cat".jpeg`, content}).
		expect(t, 200, "Saved", "my _cat.png", "Photo")
	made := h.made("Documents")
	if len(made) != 1 || made[0].Fields.Text("notes_title") != "From a customer" ||
		made[0].Fields.Text("cf_ticket") != "17x42" {
		t.Fatalf("made %+v", made)
	}
	var said struct {
		ID         engine.ID
		Name, Type string
		Size       int
	}
	if err := json.Unmarshal([]byte(made[0].Fields.Text("filename")), &said); err != nil {
		t.Fatal(err)
	}
	if said.Name != "my _cat.png" || said.Type != "image/png" || said.Size != len(content) {
		t.Errorf("the field says %+v", said)
	}
	files := upload.Files{Store: h.store, Sealer: sealer}
	file, from, err := files.Open(t.Context(), said.ID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(from)
	if err != nil || string(got) != content || file.Link != link.ID || file.Record != ticket {
		t.Errorf("read %d bytes of %+v, %v", len(got), file, err)
	}
	for _, piece := range []int{0, 1, 2} {
		sealed, err := h.store.Piece(t.Context(), said.ID, piece)
		if err != nil || bytes.Contains(sealed, []byte("0123456789abcdef")) {
			t.Errorf("piece %d can be read at rest, %v", piece, err)
		}
	}
	h.holds(map[string]string{"score": "3"})
}

func TestT71FilesThatAreRefused(t *testing.T) {
	h := kindsHouse(t)
	link, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	svg := `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	for name, test := range map[string]struct{ file, content, want string }{
		"of another type": {
			"a.png", "GIF89a\x01\x00\x01\x00",
			"Files of this kind cannot be taken. Please choose one of these: PNG, PDF.",
		},
		"a page": {
			"a.png", "<!DOCTYPE html><script>alert(1)</script>", "Files of this kind cannot be taken.",
		},
		"an SVG":              {"a.png", svg, "Files of this kind cannot be taken."},
		"an SVG with a head":  {"a.svg", `<?xml version="1.0"?>` + svg, "Files of this kind cannot be taken."},
		"a program":           {"a.png", "MZ\x90\x00\x03", "Files of this kind cannot be taken."},
		"the test virus":      {"a.png", eicar, "Files of this kind cannot be taken."},
		"one with its ending": {"a.pdf", "plain text", "Files of this kind cannot be taken."},
		"nothing":             {"a.png", "", "This file is empty."},
		"too large": {
			"a.png", png + strings.Repeat("x", 600<<10),
			"This file is too large. Please choose one of at most 600 kB.",
		},
		"much too large": {"a.png", png + strings.Repeat("x", 3<<20), "This file is too large."},
	} {
		t.Run(name, func(t *testing.T) {
			again := v.upload(page, map[string]string{"comment": "Look at it"},
				attached{"photo", test.file, test.content})
			again.expect(t, 422, test.want, `href="#field-photo"`, `value="Look at it"`)
		})
	}
	if uses := h.link(link).Uses; uses != 0 || len(h.eventsOf(engine.RecordCreated)) != 0 || h.pieces() != 0 {
		t.Errorf("%d uses, %d pieces left behind", uses, h.pieces())
	}
	// Nobody asked for a file under these names, and the others stay within their limits all the same.
	v.upload(page, nil, attached{"comment", "a.png", png}, attached{"secret", "a.png", png}).
		expect(t, 200, "nothing was changed")
	v.upload(page, nil, attached{"photo", "a.png", png}, attached{"photo", "b.png", png}).
		expect(t, 400, "Nothing was saved")
	v.upload(page, map[string]string{"comment": strings.Repeat("x", 70<<10)}).expect(t, 413, "Nothing was saved")
	v.upload(page, nil, attached{"photo", "a.png", png + strings.Repeat("x", 27<<20)}).expect(t, 413, "smaller file")
	if h.pieces() != 0 {
		t.Errorf("%d pieces left behind", h.pieces())
	}
}

func TestUploadThatIsNoForm(t *testing.T) {
	h := kindsHouse(t)
	_, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	for kind, body := range map[string]string{
		"multipart/form-data": "x",
		"multipart/form-data; boundary=a": "--a\r\n" +
			"Content-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\r\n" + png,
		"multipart/form-data; boundary=b": "--b\r\n" +
			strings.Repeat("X-Long: "+strings.Repeat("y", 1000)+"\r\n", 2000),
		"multipart/form-data; boundary=" + "\"\"": "--",
	} {
		request, err := http.NewRequestWithContext(t.Context(), "POST", h.url+page.path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", kind)
		if reply := v.do(request); reply.status != 400 {
			t.Errorf("%s with %.80q: status %d", kind, body, reply.status)
		}
	}
	if h.pieces() != 0 {
		t.Errorf("%d pieces left behind", h.pieces())
	}
	// A landing without files takes no such form.
	_, other := h.mint("ticket")
	v.upload(v.open(other), map[string]string{"ticket_title": "x"}).expect(t, 400)
}

func TestOneFileFromADoubleClick(t *testing.T) {
	h := kindsHouse(t)
	link, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			v.upload(page, nil, attached{"photo", "a.pdf", pdf + strings.Repeat("x", 300<<10)}).expect(t, 200, "Sent")
		})
	}
	group.Wait()
	if made := h.made("Documents"); len(made) != 1 || h.link(link).Uses != 1 || h.pieces() != 2 {
		t.Errorf("%d documents, %d uses, %d pieces", len(made), h.link(link).Uses, h.pieces())
	}
}

func TestFilesAreForgotten(t *testing.T) {
	var sealer engine.Sealer
	h := kindsHouse(t, func(c *links.DoorConfig) { sealer = c.Sealer })
	_, address := h.mint("kinds")
	v := h.visitor()
	v.upload(v.open(address), nil, attached{"photo", "a.png", png}).expect(t, 200, "Sent")
	var said struct{ ID engine.ID }
	if err := json.Unmarshal([]byte(h.made("Documents")[0].Fields.Text("filename")), &said); err != nil {
		t.Fatal(err)
	}
	stray, err := engine.NewID(h.clock.Now(), bytes.NewReader(make([]byte, 10)))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.Stage(t.Context(), stray, 0, []byte("x"), h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	keep := engine.DefaultRetention()
	for _, step := range []struct {
		after  time.Duration
		pieces int
	}{{23 * time.Hour, 2}, {25 * time.Hour, 1}, {keep.Files - time.Hour, 1}, {keep.Files + time.Hour, 0}} {
		if _, err := h.store.Forget(t.Context(), keep, h.clock.Now().Add(step.after)); err != nil {
			t.Fatal(err)
		}
		if got := h.pieces(); got != step.pieces {
			t.Errorf("%d pieces after %v, want %d", got, step.after, step.pieces)
		}
	}
	_, _, err = upload.Files{Store: h.store, Sealer: sealer}.Open(t.Context(), said.ID)
	if !errors.Is(err, engine.ErrNoFile) {
		t.Errorf("a file that is forgotten: %v", err)
	}
}

// Pieces that were exchanged or cut off are no file.
func TestFilesThatWereTamperedWith(t *testing.T) {
	var sealer engine.Sealer
	kindsHouse(t, func(c *links.DoorConfig) { sealer = c.Sealer })
	id := engine.ID{9}
	first, _ := sealer.Seal("file/"+id.String()+"/0", []byte("first"))
	second, _ := sealer.Seal("file/"+id.String()+"/1", []byte("second"))
	for name, pieces := range map[string][][]byte{
		"exchanged": {second, first}, "cut off": {first},
		"changed": {first, append(bytes.Clone(second[:len(second)-1]), 'x')},
	} {
		t.Run(name, func(t *testing.T) {
			files := upload.Files{Store: kept{pieces: pieces, size: 11}, Sealer: sealer}
			_, from, err := files.Open(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(from); err == nil {
				t.Errorf("read %q", got)
			}
		})
	}
}

// kept is a store with one file.
type kept struct {
	upload.Store
	pieces [][]byte
	size   int64
}

func (k kept) File(_ context.Context, id engine.ID) (engine.File, error) {
	return engine.File{ID: id, Size: k.size}, nil
}

func (k kept) Piece(_ context.Context, _ engine.ID, piece int) ([]byte, error) {
	if piece >= len(k.pieces) {
		return nil, engine.ErrNoFile
	}
	return k.pieces[piece], nil
}

// pieces counts what is stored of files.
func (h *house) pieces() (n int) {
	h.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.folder, "postern.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(h.t.Context(), "SELECT count(*) FROM file_pieces").Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}
