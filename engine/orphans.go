package engine

import (
	"context"
	"fmt"
)

// adoptOrphans decides on what a former owner was sending when it stopped, before anything is sent:
// nobody can tell whether it left.
func (e *Engine) adoptOrphans(ctx context.Context) error {
	orphans, err := e.Store.Orphans(ctx)
	if err != nil {
		return fmt.Errorf("find what was being sent: %w", err)
	}
	for _, o := range orphans {
		d, now := o.Delivery, e.Clock.Now()
		d.State, d.Reason, d.Slot = DeliveryUnknown, "the engine stopped while this was being sent; it may have left", 0
		d.Attempts++ // the try began, and a message that ends the process at each try must not be tried for ever
		d.note(now, "%s", d.Reason)
		if err := e.Store.Settle(ctx, Settle{Fence: e.fences[d.Partition], Delivery: d}); err != nil {
			return fmt.Errorf("settle what was being sent: %w", err)
		}
	}
	if len(orphans) > 0 {
		e.Logger.Warn("deliveries were being sent when the engine stopped: they may have left", "unknown", len(orphans))
	}
	return nil
}
