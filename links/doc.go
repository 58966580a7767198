// Package links makes the links that messages carry and answers at the door they open.
//
// A link is a permission: one record, one landing, until a time, for a number of effects. Its address holds a token
// that the sender derives from the link's id and that the door looks up by a keyed hash; neither the database nor a
// log ever holds the token itself.
//
// The way through:
//
//	GET  /l/<token>         the door: nothing of the record, no effect, one button
//	POST /l/<token>         opens a flow, bound to the visitor's browser by a cookie
//	GET  /f/<flow>          the record: what the landing shows and lets change
//	GET  /f/<flow>/<action> what an action would change, and one button
//	POST /f/<flow>…         the act: one commit, then on to
//	GET  /r/<flow>          the receipt
//
// Beside it, GET /u/<sealed> asks whether messages should end, and POST ends them (RFC 8058).
//
// GET and HEAD never change anything, whoever sends them: mail scanners and link previews follow links too. No page
// needs a script, and none is sent.
package links
