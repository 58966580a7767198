package engine

import (
	"slices"
	"testing"
)

func TestDeliveryStates(t *testing.T) {
	ranked := []DeliveryState{
		DeliveryAccepted, DeliverySent, DeliveryUndelivered, DeliveryDelivered, DeliveryRead, DeliveryBounced,
		DeliveryComplained,
	}
	for i, state := range ranked {
		if state.Rank() != i+1 || !state.Taken() || !state.Over() {
			t.Errorf("%s has rank %d, taken %v, over %v", state, state.Rank(), state.Taken(), state.Over())
		}
	}
	for _, state := range DeliveryStates() {
		if slices.Contains(ranked, state) {
			continue
		}
		if state.Rank() != 0 || state.Taken() || state.Over() != (state == DeliveryRejected) {
			t.Errorf("%s has rank %d, taken %v, over %v", state, state.Rank(), state.Taken(), state.Over())
		}
	}
}
