package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"postern/engine"
	"postern/portal"
)

// What is told besides a write to another CRM is told when it stands, whether the CRM tells the write itself or not, and
// not at all where it is refused.
func TestWhatIsToldBesidesAWrite(t *testing.T) {
	for _, echoes := range []bool{true, false} {
		for found, want := range map[string][]string{
			"Open":   {engine.PortalAddressChanged, engine.RecordUpdated},
			"Closed": {engine.PortalFailed}, // somebody else was faster
		} {
			t.Run(fmt.Sprintf("%s, echoes %v", found, echoes), func(t *testing.T) {
				r := newRemote(t, echoes)
				now := r.clock.Now()
				event := engine.Event{
					ID: "besides", Source: engine.Source, Type: engine.PortalAddressChanged, Subject: "Contacts/12x1", Time: now,
					Data: json.RawMessage(`{"portal":"customers"}`),
				}
				written, err := event.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				write := &engine.Write{
					Ref: r.ref, Besides: []json.RawMessage{written}, Patch: engine.Patch{
						Set: engine.Fields{"description": "new"}, Expect: engine.Fields{"ticketstatus": found},
					}, Origin: engine.Origin{EventID: engine.ID{8}, Source: engine.Source, Actor: "portal:Contacts/12x1", At: now},
				}
				change := portal.Change{ID: engine.ID{5}, At: now, Ask: engine.Ask{Write: write}}
				change.Effect = engine.NewEffect(engine.ID{6}, change.ID, change.Ask, engine.DefaultRetry(), now)
				change.Deed = engine.Deed{At: now, Kind: engine.DeedPortalUpdated, Actor: "test", Subject: r.ref.String()}
				if _, err := r.store.Commit(t.Context(), change); err != nil {
					t.Fatal(err)
				}
				if echoes {
					want = slices.DeleteFunc(slices.Clone(want), func(kind string) bool { return kind == engine.RecordUpdated })
				}
				var got []string
				for _, event := range r.ownEvents(len(want)) {
					got = append(got, event.Type)
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("told %q, want %q", got, want)
				}
			})
		}
	}
}
