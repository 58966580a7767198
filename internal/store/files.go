package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// unkept is how long pieces stay that no act has kept: longer than any upload takes.
const unkept = 24 * time.Hour

// Stage implements upload.Store.
func (s *Store) Stage(ctx context.Context, file engine.ID, piece int, sealed []byte, at time.Time) error {
	const insert = "INSERT INTO file_pieces (file, number, sealed, at) VALUES (?, ?, ?, ?)"
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{insert, []any{ident(file), piece, sealed, instant(at)}})
	})
	if err != nil {
		return fmt.Errorf("store piece %d of file %s: %w", piece, file, err)
	}
	return nil
}

// Discard implements upload.Store.
func (s *Store) Discard(ctx context.Context, file engine.ID) error {
	const drop = `DELETE FROM file_pieces WHERE file = ?1 AND NOT EXISTS (SELECT 1 FROM files WHERE id = ?1)`
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{drop, []any{ident(file)}})
	})
	if err != nil {
		return fmt.Errorf("forget file %s: %w", file, err)
	}
	return nil
}

// keepFiles makes staged pieces files.
func (t *tx) keepFiles(ctx context.Context, files []engine.File) error {
	const insert = `INSERT INTO files (id, link, module, record, name, type, size, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	for _, f := range files {
		err := t.run(ctx, call{insert, []any{
			ident(f.ID), ident(f.Link), f.Record.Module, f.Record.ID, f.Name, f.Type, f.Size, instant(f.Created),
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// File implements upload.Store.
func (s *Store) File(ctx context.Context, id engine.ID) (engine.File, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	file := engine.File{ID: id}
	const query = "SELECT link, module, record, name, type, size, created FROM files WHERE id = ?"
	err := s.reads.get(ctx, query, []any{ident(id)}, []any{
		(*ident)(&file.Link), &file.Record.Module, &file.Record.ID, &file.Name, &file.Type, &file.Size,
		(*instant)(&file.Created),
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return engine.File{}, engine.ErrNoFile
	case err != nil:
		return engine.File{}, fmt.Errorf("read file %s: %w", id, err)
	}
	return file, nil
}

// Piece implements upload.Store.
func (s *Store) Piece(ctx context.Context, file engine.ID, piece int) ([]byte, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var sealed []byte
	const query = "SELECT sealed FROM file_pieces WHERE file = ? AND number = ?"
	err := s.reads.get(ctx, query, []any{ident(file), piece}, []any{&sealed})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, engine.ErrNoFile
	case err != nil:
		return nil, fmt.Errorf("read piece %d of file %s: %w", piece, file, err)
	}
	return sealed, nil
}

// What removes files that are too old, and pieces that nobody kept. A bite is small because pieces are large.
const (
	fileBite = 20
	oldFiles = `DELETE FROM files WHERE id IN (SELECT id FROM files WHERE id < ? ORDER BY id LIMIT ?)`
	// Without their file, pieces are as good as never kept.
	lostPieces = `DELETE FROM file_pieces WHERE file IN (SELECT DISTINCT file FROM file_pieces
		WHERE file < ? AND NOT EXISTS (SELECT 1 FROM files WHERE id = file) LIMIT ?)`
)
