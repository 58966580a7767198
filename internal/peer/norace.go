//go:build !race

package peer

// Race tells whether the race detector watches, which slows everything down about tenfold: what a test counts in
// hundreds of thousands it then counts in fewer.
const Race = false
