// Package corebosimport turns the workflows of a coreBOS into the files of a book: one YAML file for each
// workflow, the texts of its messages, and module files from what the web service describes.
//
// [Read] takes in what an admin can get out of a coreBOS: the export of its workflow list, rows of its
// workflow tables as JSON or CSV, business maps, and descriptions of modules. [Convert] writes the book
// and a [Report]. Conditions and expressions are read by the rules of the original, which are not ours:
// conditions from left to right without precedence, expressions from the right; what is written keeps
// that meaning with parentheses. Where the meaning has to change, a comment at the place says what and why.
//
// A workflow of which a part cannot be said here is written too, with that part as a comment, into a file
// that ends with .off, which no book loads. Nothing is left out in silence.
//
// The tasks are stored as what PHP's serialize writes. The reader of that is our own (see [Unserialize]):
// it makes plain values, within bounds, and never runs anything.
package corebosimport
