package facade

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/peer"
	"postern/portal/portaltest/house"
)

// The client library of coreBOS, unmodified from npm, signs in, lists, reads and changes its own tickets, and is
// refused those of others. The library is a module by its content and a plain script by its package, as bundlers
// take it; Node wants to see that at its name, so it is run from a copy.
func TestUnmodifiedClientLibrary(t *testing.T) {
	node, library := peer.WSLib(t)
	w := newWorld(t, plaintext)
	w.Put(house.Ref("HelpDesk/17x2"), nil)
	text, err := os.ReadFile(library)
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "ws-lib.mjs")
	if err := os.WriteFile(module, text, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), node, "testdata/wslib.mjs", module, w.server.URL+"/", ana, password)
	command.WaitDelay = time.Minute
	var complaints bytes.Buffer
	command.Stderr = &complaints
	got, err := command.Output()
	if err != nil {
		t.Fatalf("the client: %v\n%s", err, complaints.String())
	}
	const path = "testdata/wslib.golden"
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("what the client got differs (-golden +now):\n%s", diff)
	}
	if title := w.Fields(house.Ref("HelpDesk/17x3")).Text("description"); title != "About Globex is down" {
		t.Errorf("the ticket of another customer is now %q", title)
	}
}
