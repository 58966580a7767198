package engine_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/keys"
)

// trail is an audit in memory, for a test to tamper with.
type trail struct {
	engine.AuditStore
	deeds []engine.Deed
	seals []engine.Seal
}

func (a *trail) Deeds(_ context.Context, _ int64, take func(engine.Deed) error) error {
	for _, d := range a.deeds {
		if err := take(d); err != nil {
			return err
		}
	}
	return nil
}

func (a *trail) Seals(context.Context) ([]engine.Seal, error) { return a.seals, nil }

// newTrail is an audit of ten deeds with seals under the fourth and the eighth.
func newTrail(signer engine.Signer) *trail {
	a := &trail{}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var hash []byte
	for seq := int64(1); seq <= 10; seq++ {
		d := engine.Deed{Seq: seq, At: at, Kind: "run.cancelled", Actor: "operator:anna", Subject: fmt.Sprint("run:", seq)}
		d.Hash = d.Chained(hash)
		hash = d.Hash
		a.deeds = append(a.deeds, d)
		if seq%4 == 0 {
			s := engine.Seal{Seq: seq, At: at, Hash: hash}
			s.Signature = signer.Sign(s.Message())
			a.seals = append(a.seals, s)
		}
	}
	return a
}

func TestTamperedAudit(t *testing.T) {
	root, err := keys.Create(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := keys.NewSigner(root)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		tamper func(*trail)
		want   string
	}{
		"untouched":         {func(*trail) {}, ""},
		"before a seal":     {func(a *trail) { a.deeds = a.deeds[4:] }, ""},
		"all but the seals": {func(a *trail) { a.deeds = a.deeds[8:] }, ""},
		"a changed entry":   {func(a *trail) { a.deeds[5].Actor = "operator:eve" }, "entry 6 was changed"},
		"a left out entry":  {func(a *trail) { a.deeds = slices.Delete(a.deeds, 2, 3) }, "entry 3 is missing"},
		"swapped entries": {func(a *trail) {
			a.deeds[2].Subject, a.deeds[3].Subject = a.deeds[3].Subject, a.deeds[2].Subject
		}, "entry 3 was changed"},
		"a new beginning": {func(a *trail) { a.deeds = a.deeds[2:] }, "entries before 3 are missing"},
		"a cut end":       {func(a *trail) { a.deeds = a.deeds[:6] }, "entries after 6 are missing"},
		"a forged seal":   {func(a *trail) { a.seals[1].Signature[3] ^= 1 }, "the seal under entry 8 is not signed"},
		"a chain made anew": {func(a *trail) {
			a.deeds[0].Detail = "another"
			var hash []byte
			for i := range a.deeds {
				a.deeds[i].Hash = a.deeds[i].Chained(hash)
				hash = a.deeds[i].Hash
			}
		}, "entry 4 is not the one that was sealed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newTrail(signer)
			test.tamper(a)
			report, err := engine.VerifyAudit(t.Context(), a, signer)
			if err != nil || !strings.HasPrefix(report.Fault, test.want) || test.want == "" && report.Fault != "" {
				t.Errorf("found %q, want %q (%v)", report.Fault, test.want, err)
			}
		})
	}
}
