// Package scram proves passwords without keeping or, where the browser can, sending them: SCRAM-SHA-256 of RFC 5802 and
// RFC 7677. What is kept is a [Verifier]: who steals it can neither sign in with it nor read the password from it.
//
// A conversation has two messages each way. What the server must remember between them is an [Exchange], plain text
// that any node can go on with: the messages themselves are written, read and judged by github.com/xdg-go/scram.
package scram
