package links

import (
	"context"
	"fmt"
	"testing"

	"postern/engine"
)

func TestKeptLandingsAreBounded(t *testing.T) {
	k := kept{compile: func(_ context.Context, name, version string) (*engine.Landing, error) {
		return &engine.Landing{Name: name, Version: version}, nil
	}}
	for i := range 2*maxKept + 1 {
		version := fmt.Sprint(i)
		landing, err := k.landing(t.Context(), engine.Link{Landing: "ticket", LandingVersion: version})
		if err != nil || landing.Version != version {
			t.Fatalf("version %s is %+v, %v", version, landing, err)
		}
	}
	if len(k.landings) > maxKept {
		t.Errorf("%d landings are kept", len(k.landings))
	}
}
