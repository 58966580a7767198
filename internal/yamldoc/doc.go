// Package yamldoc reads the YAML files that people write by hand and turns them into plain Go structs, with complaints
// that say where and what is wrong.
//
// [Parse] accepts a small, predictable part of YAML: one document, no anchors, aliases, merge keys or tags, no key
// twice, bounded size and depth. [Decode] fills a struct from a [Node] by its `yaml` tags and collects every complaint
// instead of stopping at the first. [Print] shows them with the source line and a caret.
//
// Unquoted words hold few surprises. Only true and false are booleans (yes, no, on and off are text); only ordinary
// decimal numbers are numbers (1e3, 0x1f, 007 and +31 stay text unless a number is asked for); dates stay text.
//
// Lines and columns count from 1; columns count characters, not bytes. The package knows nothing of what the files
// mean. It is the only one that imports the YAML library, whose types do not leave it.
package yamldoc
