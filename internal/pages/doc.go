// Package pages is what all pages of the product have in common, whichever part of it they belong to: the address they
// begin with, the brand, the layout and stylesheet, the files beside them, the headers that protect them, and how their
// forms are read. A part brings its own pages as a [Set] of templates, each of which defines "main" and may replace
// "head", "top" and "foot" of the layout.
package pages
