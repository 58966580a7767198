package portal_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal/portaltest/house"
)

// moved are what is told of new addresses.
func moved(t *testing.T, w *house.World) (told []map[string]string) {
	t.Helper()
	for _, event := range w.Events() {
		if event.Type != engine.PortalAddressChanged {
			continue
		}
		data := map[string]string{"subject": event.Subject}
		if err := json.Unmarshal(event.Data, &data); err != nil {
			t.Fatal(err)
		}
		told = append(told, data)
	}
	return told
}

func TestAddressBeforeIsToldOfANewOne(t *testing.T) {
	w := house.New(t)
	before := w.Fields(house.Ana).Text("email")
	change := func(set engine.Fields) error {
		t.Helper()
		_, err := w.Desk.Update(t.Context(), w.Viewer(house.Customers, house.Ana), house.Ana, set, "")
		return err
	}
	for _, same := range []engine.Fields{
		{"phone": "+34600000001"}, {"email": before}, {"email": strings.ToUpper(before)}, {"email": before},
	} {
		if err := change(same); err != nil || len(moved(t, w)) != 0 {
			t.Errorf("%v is told as %v, %v", same, moved(t, w), err)
		}
	}
	w.Advance(time.Second)
	if err := change(engine.Fields{"email": "no address"}); err == nil || len(moved(t, w)) != 0 {
		t.Errorf("what was refused is told as %v, %v", moved(t, w), err)
	}
	events := len(w.Events())
	if err := change(engine.Fields{"email": "ana@new.example", "phone": "+34600000002"}); err != nil {
		t.Fatal(err)
	}
	told := moved(t, w)
	if len(told) != 1 || told[0]["subject"] != house.Ana.String() || told[0]["portal"] != house.Customers ||
		told[0]["name"] != "ana@new.example" || told[0]["old_name"] != before || told[0]["old_address"] != before ||
		told[0]["label"] == "" || told[0]["url"] != house.Base+"/portal/"+house.Customers+"/" {
		t.Errorf("told %v", told)
	}
	kinds := []string{}
	for _, event := range w.Events()[events:] {
		kinds = append(kinds, event.Type)
	}
	if want := []string{engine.RecordUpdated, engine.PortalAddressChanged}; !slices.Equal(kinds[len(kinds)-2:], want) {
		t.Errorf("told %v", kinds)
	}
	since, err := w.Store.LinksSince(t.Context(), house.Customers, house.Ana)
	if err != nil || !since.Equal(w.Clock.Now()) {
		t.Errorf("links of before %v are over, %v", since, err)
	}
}
