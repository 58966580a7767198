package upload

import (
	"context"
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

// piecesPerMegabyte is after how many of them the quota is asked again.
const piecesPerMegabyte = 1 << 20 / pieceSize

// stage reads a file piece by piece. What it is, is told from its content; one that is refused is not stored.
func (i *Intake) stage(
	ctx context.Context, c Coming, from io.Reader, upload *engine.Upload, name string,
) (*Arrival, error) {
	id, err := engine.NewID(c.Now, i.random)
	if err != nil {
		return nil, unreadableError{err}
	}
	a := &Arrival{File: engine.File{ID: id, Link: c.Link, Record: c.Record, Created: c.Now}}
	s := stager{intake: i, coming: c, Arrival: a, upload: upload, sum: sha256.New()}
	if err := s.read(ctx, from, name); err != nil {
		return a, err
	}
	s.sum.Sum(a.Sum[:0])
	return a, nil
}

// stager takes one file in.
type stager struct {
	*Arrival
	intake *Intake
	coming Coming
	upload *engine.Upload
	sum    hash.Hash
	pieces int
}

func (s *stager) read(ctx context.Context, from io.Reader, name string) error {
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
		if err := s.take(ctx, piece[:n]); err != nil {
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
		s.Problem = "error.file.empty"
	case !slices.Contains(s.upload.Types, kind):
		s.Problem, s.Blanks = "error.file.type", []any{"Types", Listed(TypeNames(s.upload.Types))}
	default:
		s.File.Type, s.File.Name = kind, cleanName(name, kind)
	}
}

// take seals and stores a piece, unless the file is refused: then what is left of it is only read to its end.
func (s *stager) take(ctx context.Context, piece []byte) error {
	s.File.Size += int64(len(piece))
	if s.Problem == "" && s.File.Size > s.upload.Max {
		s.Problem, s.Blanks = "error.file.large", []any{"Max", SizeText(s.upload.Max)}
	}
	if s.Problem != "" || len(piece) == 0 {
		return nil
	}
	if quota := s.coming.Quota; quota != nil && s.pieces%piecesPerMegabyte == 0 {
		if err := quota(ctx, s.pieces == 0); err != nil {
			return unreadableError{err}
		}
	}
	s.sum.Write(piece)
	sealed, err := s.intake.sealer.Seal(piecePurpose(s.File.ID, s.pieces), piece)
	if err == nil {
		err = s.intake.store.Stage(ctx, s.File.ID, s.pieces, sealed, s.coming.Now)
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

// SizeText writes a size for people: 5 MB, 500 kB.
func SizeText(bytes int64) string {
	if bytes >= 1<<20 {
		return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', -1, 64) + " MB"
	}
	return strconv.FormatFloat(float64(bytes)/(1<<10), 'f', -1, 64) + " kB"
}
