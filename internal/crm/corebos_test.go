package crm_test

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/crm/corebostest"
)

func TestCorebos(t *testing.T) {
	enginetest.TestCRM(t, func(t *testing.T) (engine.CRM, func(engine.Record) engine.Ref) {
		played, connected := corebos(t)
		return connected, func(r engine.Record) engine.Ref { return seed(t, played, r) }
	})
}

// corebos plays a coreBOS and connects to it.
func corebos(t *testing.T) (*corebostest.Player, *crm.Corebos) {
	t.Helper()
	played, err := corebostest.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(played)
	connected := connect(t, server.URL)
	t.Cleanup(server.Close) // after the connections of the client are gone
	t.Cleanup(func() { _ = connected.Close() })
	return played, connected
}

// connect makes the adapter for a CRM at an address.
func connect(t *testing.T, address string) *crm.Corebos {
	t.Helper()
	config := crm.Defaults()
	config.Kind, config.URL, config.User = crm.KindCorebos, address, corebostest.Admin.Name
	config.AccessKey = keyFile(t, corebostest.Admin.AccessKey)
	connected, err := crm.NewCorebos(config)
	if err != nil {
		t.Fatal(err)
	}
	return connected
}

// seed puts a record into the played CRM as it would be there without us.
func seed(t *testing.T, played *corebostest.Player, r engine.Record) engine.Ref {
	t.Helper()
	fields := map[string]string{}
	for name, value := range r.Fields {
		fields[name] = fmt.Sprint(value)
	}
	ref, err := played.Seed(r.Module, fields)
	if err != nil {
		t.Fatal(err)
	}
	if r.Deleted {
		if err := played.Delete(ref); err != nil {
			t.Fatal(err)
		}
	}
	return ref
}

// keyFile keeps an access key in a file.
func keyFile(t *testing.T, key string) engine.Secret {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return engine.Secret{File: path}
}

var quiet = log.New(io.Discard, "", 0)

// A create brings what coreBOS would refuse or fill in by itself.
func TestCorebosCreateFills(t *testing.T) {
	played, connected := corebos(t)
	account, err := played.Seed("Accounts", map[string]string{"accountname": "Acme"})
	if err != nil {
		t.Fatal(err)
	}
	given := engine.Fields{
		"lastname": "O'Brien", "donotcall": true, "account_id": account.ID, "support_end_date": "2030-12-31",
	}
	made, err := connected.Create(t.Context(), engine.Create{
		Module: "Contacts", Fields: given, KeyField: "department", Key: "k",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"assigned_user_id": corebostest.Admin.ID, "birthday": "", "support_end_date": "2030-12-31", "donotcall": "1",
		"account_id": account.ID, "department": "k",
	} {
		if got := made.Fields[name]; got != want {
			t.Errorf("field %s is %v, want %q", name, got, want)
		}
	}
}

// What coreBOS would pass over without a word is refused before anything is asked of it.
func TestCorebosRefusesWhatIsLost(t *testing.T) {
	played, connected := corebos(t)
	ref, err := played.Seed("HelpDesk", map[string]string{"ticket_title": "Lost key", "ticketstatus": "Open"})
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]engine.Fields{
		"no such field":   {"no_such_field": "x"},
		"only the CRM's":  {"ticket_no": "TT1"},
		"too long":        {"cf_externalid": strings.Repeat("é", 65)},
		"no single value": {"ticket_title": map[string]any{"a": "b"}},
	} {
		write := engine.Write{Ref: ref, Patch: engine.Patch{Set: set}}
		if err := connected.Update(t.Context(), write); !engine.IsPermanent(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := len(played.Written()); n != 0 {
		t.Errorf("the CRM wrote %d times", n)
	}
}

// The database compares without regard to case; an external id is meant exactly.
func TestCorebosFindsExactly(t *testing.T) {
	played, connected := corebos(t)
	if _, err := played.Seed("HelpDesk", map[string]string{"cf_externalid": "EXT-1", "ticketstatus": "Open"}); err != nil {
		t.Fatal(err)
	}
	if found, err := connected.Find(t.Context(), "HelpDesk", "cf_externalid", "ext-1", 1); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := connected.Find(t.Context(), "HelpDesk", "cf_externalid", `a\b`, 1); !engine.IsPermanent(err) {
		t.Errorf("a value that breaks the query: %v", err)
	}
}
