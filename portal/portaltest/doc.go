// Package portaltest holds what the tests of the portal share: the suites of its ports, which every store runs.
package portaltest
