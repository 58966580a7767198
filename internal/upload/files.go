package upload

import (
	"context"
	"fmt"
	"io"

	"postern/engine"
)

// Files gives the files that visitors sent to who may have them.
type Files struct {
	Store  Store
	Sealer engine.Sealer
}

// Open finds a file and what reads its content; engine.ErrNoFile if there is none (any more).
func (f Files) Open(ctx context.Context, id engine.ID) (engine.File, io.Reader, error) {
	file, err := f.Store.File(ctx, id)
	if err != nil {
		return engine.File{}, nil, err
	}
	return file, &unsealing{files: f, ctx: ctx, file: file}, nil
}

// unsealing reads a file piece by piece.
type unsealing struct {
	files Files
	ctx   context.Context //nolint:containedctx // it is read within the call that opened it
	file  engine.File
	next  int   // piece
	read  int64 // bytes so far
	rest  []byte
}

func (u *unsealing) Read(p []byte) (int, error) {
	for len(u.rest) == 0 {
		if u.read == u.file.Size {
			return 0, io.EOF
		}
		if err := u.open(); err != nil {
			return 0, err
		}
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// open unseals the next piece.
func (u *unsealing) open() error {
	sealed, err := u.files.Store.Piece(u.ctx, u.file.ID, u.next)
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	if u.rest, err = u.files.Sealer.Open(piecePurpose(u.file.ID, u.next), sealed); err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	if u.read += int64(len(u.rest)); u.read > u.file.Size || len(u.rest) == 0 {
		return fmt.Errorf("read file %s: its pieces do not make up %d bytes", u.file.ID, u.file.Size)
	}
	u.next++
	return nil
}
