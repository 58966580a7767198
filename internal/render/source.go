package render

import (
	"cmp"
	"sort"
	"strings"
	"unicode/utf8"
)

// file is one file of a book as it was written.
type file struct{ path, text string }

// source is a text that was put together of files, and knows of each byte where it comes from.
type source struct {
	text string
	from []stretch // sorted by at; the first one begins at 0
}

// stretch is a piece of a source.
type stretch struct {
	at    int // where it begins in the source
	file  *file
	pos   int  // where in the file it begins
	still bool // it stands there for what is written at pos, and is not that itself
}

func newSource(f *file) *source {
	return &source{text: f.text, from: []stretch{{file: f}}}
}

// origin is the file that a byte of the source comes from, and where it stands there.
func (s *source) origin(at int) (f *file, pos int) {
	i := sort.Search(len(s.from), func(i int) bool { return s.from[i].at > at }) - 1
	found := s.from[max(i, 0)]
	if found.still {
		return found.file, found.pos
	}
	return found.file, min(found.pos+at-found.at, len(found.file.text))
}

// still tells whether a byte is no part of any file, but was put there.
func (s *source) still(at int) bool {
	i := sort.Search(len(s.from), func(i int) bool { return s.from[i].at > at }) - 1
	return s.from[max(i, 0)].still
}

// offset is the byte that the words of Go's templates name by a line from 1 and a column in bytes from 0.
func (s *source) offset(line, column int) int {
	at := 0
	for ; line > 1; line-- {
		end := strings.IndexByte(s.text[at:], '\n')
		if end < 0 {
			break
		}
		at += end + 1
	}
	return min(at+max(column, 0), len(s.text))
}

// place is a byte of a file as line and column from 1.
func place(text string, pos int) (line, column int) {
	before := text[:min(pos, len(text))]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// patchwork puts a source together.
type patchwork struct {
	text strings.Builder
	from []stretch
}

// piece adds a part of another source.
func (p *patchwork) piece(s *source, begin, end int) {
	if begin >= end {
		return
	}
	base := p.text.Len() - begin
	first := sort.Search(len(s.from), func(i int) bool { return s.from[i].at > begin }) - 1
	for _, part := range s.from[max(first, 0):] {
		if part.at >= end {
			break
		}
		cut := max(begin-part.at, 0)
		part.at += base + cut
		if !part.still {
			part.pos += cut
		}
		p.from = append(p.from, part)
	}
	p.text.WriteString(s.text[begin:end])
}

// insert adds a text that stands for what is at a byte of another source.
func (p *patchwork) insert(text string, s *source, at int) {
	if text == "" {
		return
	}
	f, pos := s.origin(at)
	p.from = append(p.from, stretch{at: p.text.Len(), file: f, pos: pos, still: true})
	p.text.WriteString(text)
}

func (p *patchwork) source(of *source) *source {
	if len(p.from) == 0 {
		return &source{from: []stretch{{file: of.from[0].file, still: true}}}
	}
	return &source{text: p.text.String(), from: p.from}
}

// edit replaces a part of a source by a text.
type edit struct {
	begin, end int
	text       string
	from       int // where the text comes from, if from elsewhere than where it is put
}

// with is the source after edits, which are sorted and do not overlap.
func (s *source) with(edits []edit) *source {
	if len(edits) == 0 {
		return s
	}
	var p patchwork
	at := 0
	for _, e := range edits {
		p.piece(s, at, e.begin)
		p.insert(e.text, s, cmp.Or(e.from, e.begin))
		at = e.end
	}
	p.piece(s, at, len(s.text))
	return p.source(s)
}
