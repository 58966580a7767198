package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"postern/engine"
	"postern/portal"
)

// besides is a change in a portal of a ticket that had a status, with what is told besides.
func (r *remote) besides(status string) portal.Change {
	r.t.Helper()
	now := r.clock.Now()
	event := engine.Event{
		ID: "besides", Source: engine.Source, Type: engine.PortalAddressChanged, Subject: "Contacts/12x1", Time: now,
		Data: json.RawMessage(`{"portal":"customers"}`),
	}
	written, err := event.MarshalJSON()
	if err != nil {
		r.t.Fatal(err)
	}
	ask := engine.Ask{Write: &engine.Write{
		Ref: r.ref, Besides: []json.RawMessage{written}, Patch: engine.Patch{
			Set: engine.Fields{"description": "new"}, Expect: engine.Fields{"ticketstatus": status},
		}, Origin: engine.Origin{
			EventID: engine.ID{8}, Source: engine.Source, Actor: "portal:Contacts/12x1", At: now,
		},
	}}
	return portal.Change{
		ID: engine.ID{5}, At: now, Ask: ask,
		Effect: engine.NewEffect(engine.ID{6}, engine.ID{5}, ask, engine.DefaultRetry(), now),
		Deed:   engine.Deed{At: now, Kind: engine.DeedPortalUpdated, Actor: "test", Subject: r.ref.String()},
	}
}

// What is told besides a write to another CRM is told when it stands, whether the CRM tells the write itself or not,
// and not at all where it is refused.
func TestWhatIsToldBesidesAWrite(t *testing.T) {
	for _, test := range []struct {
		status string // that the change expects; it is Open
		echoes bool
		want   []string
	}{
		{"Open", true, []string{engine.PortalAddressChanged}},
		{"Open", false, []string{engine.PortalAddressChanged, engine.RecordUpdated}},
		{"Closed", true, []string{engine.PortalFailed}},
		{"Closed", false, []string{engine.PortalFailed}},
	} {
		t.Run(fmt.Sprintf("%s, echoes %v", test.status, test.echoes), func(t *testing.T) {
			r := newRemote(t, test.echoes)
			if _, err := r.store.Commit(t.Context(), r.besides(test.status)); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, event := range r.ownEvents(len(test.want)) {
				got = append(got, event.Type)
			}
			if slices.Sort(got); !slices.Equal(got, test.want) {
				t.Errorf("told %q, want %q", got, test.want)
			}
		})
	}
}
