package store

import (
	"testing"

	"postern/engine"
)

func TestOverInSQL(t *testing.T) {
	db := fresh(t)
	for _, state := range engine.DeliveryStates() {
		var over bool
		const query = "SELECT " + deliveryOver + " FROM (SELECT ? AS state)"
		if err := db.reads.get(t.Context(), query, []any{string(state)}, []any{&over}); err != nil {
			t.Fatal(err)
		}
		if over != state.Over() {
			t.Errorf("%s is over in SQL: %v", state, over)
		}
	}
}
