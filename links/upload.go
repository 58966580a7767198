package links

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"

	"postern/engine"
)

// pieceSize is how much of a file is held in memory, sealed and stored at a time.
const pieceSize = 256 << 10

// stage reads a file piece by piece. What it is, is told from its content; one that is refused is not stored.
func (d *Door) stage(c *call, p passage, from io.Reader, upload *engine.Upload, name string) (*arrival, error) {
	ids, err := d.newIDs(c, 1)
	if err != nil {
		return nil, unreadableError{err}
	}
	a := &arrival{file: engine.File{ID: ids[0], Link: p.link.ID, Record: p.link.Record, Created: c.now}}
	s := stager{door: d, call: c, arrival: a, upload: upload, sum: sha256.New()}
	if err := s.read(from, name); err != nil {
		return a, err
	}
	s.sum.Sum(a.sum[:0])
	return a, nil
}

// stager takes one file in.
type stager struct {
	*arrival
	door   *Door
	call   *call
	upload *engine.Upload
	sum    hash.Hash
	pieces int
}

func (s *stager) read(from io.Reader, name string) error {
	piece := make([]byte, pieceSize)
	for {
		n, err := io.ReadFull(from, piece)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			_, err = from.Read(make([]byte, 1)) // tells the end of the file from a body that was cut off
		}
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return err
		}
		if s.pieces == 0 {
			s.look(piece[:n], name)
		}
		if err := s.take(piece[:n]); err != nil {
			return err
		}
		if ended {
			return nil
		}
	}
}

// look decides by the beginning of the content whether the file is one of those that are taken.
func (s *stager) look(head []byte, name string) {
	kind := sniff(head)
	switch {
	case len(head) == 0:
		s.problem = "error.file.empty"
	case !slices.Contains(s.upload.Types, kind):
		s.problem, s.blanks = "error.file.type", []any{"Types", listed(typeNames(s.upload.Types))}
	default:
		s.file.Type, s.file.Name = kind, cleanName(name, kind)
	}
}

// take seals and stores a piece, unless the file is refused: then what is left of it is only read to its end.
func (s *stager) take(piece []byte) error {
	s.file.Size += int64(len(piece))
	if s.problem == "" && s.file.Size > s.upload.Max {
		s.problem, s.blanks = "error.file.large", []any{"Max", sizeText(s.upload.Max)}
	}
	if s.problem != "" || len(piece) == 0 {
		return nil
	}
	s.sum.Write(piece)
	sealed, err := s.door.with.Sealer.Seal(piecePurpose(s.file.ID, s.pieces), piece)
	if err == nil {
		err = s.door.with.Store.Stage(s.call.Context(), s.file.ID, s.pieces, sealed, s.call.now)
	}
	if err != nil {
		return unreadableError{fmt.Errorf("take a file: %w", err)}
	}
	s.pieces++
	return nil
}

// piecePurpose binds a sealed piece to its place, so that pieces cannot be exchanged.
func piecePurpose(file engine.ID, piece int) string {
	return "file/" + file.String() + "/" + strconv.Itoa(piece)
}

// sizeText writes a size for people: 5 MB, 500 kB.
func sizeText(bytes int64) string {
	if bytes >= 1<<20 {
		return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', -1, 64) + " MB"
	}
	return strconv.FormatFloat(float64(bytes)/(1<<10), 'f', -1, 64) + " kB"
}
