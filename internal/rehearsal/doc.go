// Package rehearsal runs the tests that stand beside workflows: x.test.yaml beside x.yaml. A case tells a story, what
// happens to records and what time passes, and what is expected to come of it. The story is played with the real
// engine on a clock that stands still until the story moves it: matching, gates, waits, messages, links and the door
// are those of every day. Only the outside world is played: the channels take or refuse messages as the story says,
// and web services answer what it says.
//
//   - [Parse] reads a test file and complains about all that is wrong with it at once.
//   - [Play] plays a case on a [Stage], which is made for it alone.
//   - [Coverage] counts what the cases made the workflows do.
package rehearsal
