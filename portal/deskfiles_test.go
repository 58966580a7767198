package portal_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

const pdf = "%PDF-1.7 a small one"

func TestFilesOfRecords(t *testing.T) {
	w := house.New(t)
	ctx, ana, bob := t.Context(), w.Viewer(house.Customers, house.Ana), w.Viewer(house.Customers, house.Bob)
	ref := house.Ref("HelpDesk/17x1")
	stage := func(v portal.Viewer, module, field, name, content string) (portal.Staged, error) {
		return w.Desk.Stage(ctx, v, module, field, name, strings.NewReader(content))
	}
	staged, err := stage(ana, "HelpDesk", "attachment", "../photo.exe", pdf)
	if err != nil || staged.File.Name != "photo.pdf" || staged.File.Type != "application/pdf" {
		t.Fatalf("staged %+v: %v", staged, err)
	}
	set := engine.Fields{"attachment": staged.Value}
	refused(t, "a file that somebody else staged", func() error {
		_, err := w.Desk.Update(ctx, bob, house.Ref("HelpDesk/17x3"), set, "")
		return err
	}, 422, portal.CodeFile, "attachment")
	if _, err := w.Desk.Update(ctx, ana, ref, set, ""); err != nil {
		t.Fatal(err)
	}
	file, content, err := w.Desk.File(ctx, ana, ref, "attachment")
	if err != nil {
		t.Fatal(err)
	}
	read, err := io.ReadAll(content)
	if err != nil || string(read) != pdf || file.Name != "photo.pdf" {
		t.Errorf("read %q of %+v: %v", read, file, err)
	}
	refused(t, "a file that is kept already", func() error {
		_, err := w.Desk.Update(ctx, ana, house.Ref("HelpDesk/17x2"), set, "")
		return err
	}, 422, portal.CodeFile, "")
	made, err := stage(ana, "HelpDesk", "attachment", "a.txt", "words")
	if err != nil {
		t.Fatal(err)
	}
	done, err := w.Desk.Create(ctx, ana, "HelpDesk", engine.Fields{"ticket_title": "x", "attachment": made.Value}, "")
	if err != nil {
		t.Fatal(err)
	}
	if file, _, err := w.Desk.File(ctx, ana, done.Ref, "attachment"); err != nil || file.Name != "a.txt" {
		t.Errorf("file of a new record %+v: %v", file, err)
	}
	// A record of Bob's that names Ana's file does not give it to him.
	w.Put(house.Ref("HelpDesk/17x3"), engine.Fields{"attachment": w.Fields(ref).Text("attachment")})
	for _, of := range []string{"HelpDesk/17x3", "HelpDesk/17x1"} {
		if _, _, err := w.Desk.File(ctx, bob, house.Ref(of), "attachment"); !errors.Is(err, portal.ErrNotFound) {
			t.Errorf("Bob reads the file of %s: %v", of, err)
		}
	}
	if _, err := w.Desk.Update(ctx, ana, ref, engine.Fields{"attachment": nil}, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Desk.File(ctx, ana, ref, "attachment"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("after it was taken away: %v", err)
	}
}

func TestFilesThatAreNotTaken(t *testing.T) {
	w := house.New(t)
	ctx, ana := t.Context(), w.Viewer(house.Customers, house.Ana)
	for name, tc := range map[string]struct {
		field, content string
		status         int
		code, of       string
	}{
		"a page":            {"attachment", "<html>", 422, portal.CodeFile, "attachment"},
		"nothing":           {"attachment", "", 422, portal.CodeFile, "attachment"},
		"a field of text":   {"description", pdf, 400, portal.CodeFile, "description"},
		"a hidden field":    {"secret", pdf, 400, portal.CodeField, ""},
		"a field of no use": {"ticketstatus", pdf, 400, portal.CodeField, "ticketstatus"},
	} {
		refused(t, name, func() error {
			_, err := w.Desk.Stage(ctx, ana, "HelpDesk", tc.field, "a.pdf", strings.NewReader(tc.content))
			return err
		}, tc.status, tc.code, tc.of)
	}
	_, err := w.Desk.Stage(ctx, ana, "Assets", "file", "a", strings.NewReader(pdf))
	if !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("a module without a policy: %v", err)
	}
	ref := house.Ref("HelpDesk/17x1")
	for name, value := range map[string]string{"made up": `{"id":"1"}`, "another text": "AAAA"} {
		refused(t, name, func() error {
			_, err := w.Desk.Update(ctx, ana, ref, engine.Fields{"attachment": value}, "")
			return err
		}, 422, portal.CodeFile, "attachment")
	}
	staged, err := w.Desk.Stage(ctx, ana, "HelpDesk", "attachment", "a.pdf", strings.NewReader(pdf))
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(23 * time.Hour)
	refused(t, "staged yesterday", func() error {
		_, err := w.Desk.Update(ctx, ana, ref, engine.Fields{"attachment": staged.Value}, "")
		return err
	}, 422, portal.CodeFile, "attachment")
}
