package portal_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"postern/engine"
	"postern/internal/upload"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// pieces is a store of files that knows which are staged.
type pieces struct {
	upload.Store
	staged map[engine.ID]int
}

func (p *pieces) Stage(ctx context.Context, file engine.ID, piece int, sealed []byte, at time.Time) error {
	p.staged[file]++
	return p.Store.Stage(ctx, file, piece, sealed, at)
}

func (p *pieces) Discard(ctx context.Context, file engine.ID) error {
	delete(p.staged, file)
	return p.Store.Discard(ctx, file)
}

func quotaWorld(t *testing.T) (*house.World, *pieces) {
	kept := &pieces{staged: map[engine.ID]int{}}
	w := house.New(t, func(c *portal.DeskConfig) {
		kept.Store = c.Files.Store
		c.Intake = upload.NewIntake(kept, c.Sealer, rand.Reader, c.Logger)
	})
	return w, kept
}

func throttled(err error) bool {
	much, ok := errors.AsType[*portal.Throttled](err)
	return ok && much.Wait > 0
}

// A subject may send so many megabytes in an hour, whatever becomes of them, and nobody else waits for that.
func TestNobodyFillsTheDisk(t *testing.T) {
	w, kept := quotaWorld(t)
	ctx, ana := t.Context(), w.Viewer(house.Customers, house.Ana)
	send := func(v portal.Viewer, content string) error {
		_, err := w.Desk.Stage(ctx, v, "HelpDesk", "attachment", "a.txt", strings.NewReader(content))
		return err
	}
	large := strings.Repeat("words and words ", 5<<20/2/16) // two megabytes and a half
	if err := send(ana, large); err != nil {
		t.Fatal(err)
	}
	quota := w.Desk.Quota(ana) // as forms ask it
	for n := 4; n <= 250; n++ {
		if err := quota(ctx, false); err != nil {
			t.Fatalf("megabyte %d: %v", n, err)
		}
	}
	if err := quota(ctx, false); !throttled(err) {
		t.Errorf("megabyte 251 of an hour: %v", err)
	}
	if err := send(ana, "one more"); !throttled(err) || len(kept.staged) != 1 {
		t.Errorf("a further file: %v; %d are staged", err, len(kept.staged))
	}
	if err := send(w.Viewer(house.Customers, house.Bob), "his own"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	w.Advance(time.Hour)
	if err := send(ana, "an hour later"); err != nil {
		t.Error(err)
	}
}

func TestNobodySendsFilesWithoutEnd(t *testing.T) {
	w, _ := quotaWorld(t)
	ana := w.Viewer(house.Customers, house.Ana)
	send := func() error {
		w.Advance(2 * time.Second)
		_, err := w.Desk.Stage(t.Context(), ana, "HelpDesk", "attachment", "a.txt", strings.NewReader("words"))
		return err
	}
	for n := range 60 {
		if err := send(); err != nil {
			t.Fatalf("file %d: %v", n+1, err)
		}
	}
	if err := send(); !throttled(err) {
		t.Errorf("the 61st file of an hour: %v", err)
	}
}

// What was cut off, or is too large, leaves nothing behind.
func TestUnfinishedFilesAreForgotten(t *testing.T) {
	w, kept := quotaWorld(t)
	ana := w.Viewer(house.Customers, house.Ana)
	begun := strings.Repeat("words and words ", 1<<20/16)
	cut := io.MultiReader(strings.NewReader(begun), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err := w.Desk.Stage(t.Context(), ana, "HelpDesk", "attachment", "a.txt", cut)
	if err == nil || len(kept.staged) != 0 {
		t.Errorf("cut off: %v; %d files are staged", err, len(kept.staged))
	}
}

// What is committed is told as done even where it cannot be read back: who heard of an error would do it again.
func TestWhatIsDoneIsDone(t *testing.T) {
	crm := &crowded{}
	w := house.New(t, func(c *portal.DeskConfig) {
		crm.CRM, c.CRM = c.CRM, crm
		c.Store = &shutting{DeskStore: c.Store, then: func() { crm.err = errors.New("gone") }}
	})
	ana := w.Viewer(house.Customers, house.Ana)
	done, err := w.Desk.Create(t.Context(), ana, "HelpDesk", engine.Fields{"ticket_title": "Once"}, "")
	if err != nil || done.Ref.ID == "" || done.Row != nil || w.Fields(done.Ref).Text("ticket_title") != "Once" {
		t.Errorf("made %+v: %v", done, err)
	}
}

// shutting is a store that does something once a change is committed.
type shutting struct {
	portal.DeskStore
	then func()
}

func (s *shutting) Commit(ctx context.Context, change portal.Change) (portal.Outcome, error) {
	outcome, err := s.DeskStore.Commit(ctx, change)
	s.then()
	return outcome, err
}
