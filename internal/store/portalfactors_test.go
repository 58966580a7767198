package store

import (
	"testing"

	"postern/portal/portaltest"
)

func TestFactorStore(t *testing.T) {
	portaltest.TestFactorStore(t, func(t *testing.T) portaltest.FactorStore { return fresh(t) })
}
