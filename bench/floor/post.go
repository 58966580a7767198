package floor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"net/http"
	"time"
)

// flow is a visitor who passes the door.
type flow struct {
	id, visitor     [16]byte
	link            []byte
	opened, expires int64
	stored          chan error
}

// entrance answers POST /l/{token}: it finds the link by index, stores a flow for a new visitor and sends them on with
// a cookie.
type entrance struct {
	link  *sql.Stmt
	flows chan *flow
}

func (e *entrance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	digest := sha256.Sum256([]byte(r.PathValue("token")))
	now := time.Now()
	f := &flow{opened: now.UnixMilli(), expires: now.Add(time.Hour).UnixMilli(), stored: make(chan error, 1)}
	if err := e.link.QueryRowContext(r.Context(), digest[:]).Scan(&f.link); err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:])
	_, _ = rand.Read(f.id[:])
	hash := sha256.Sum256(secret[:])
	copy(f.visitor[:], hash[:])
	e.flows <- f
	if err := <-f.stored; err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "floor", Value: hex.EncodeToString(secret[:]), Path: "/", HttpOnly: true})
	w.Header().Set("Location", "/f/"+hex.EncodeToString(f.id[:]))
	w.WriteHeader(http.StatusSeeOther)
}

// store writes flows until the context ends, those that wait together in one transaction.
func (e *entrance) store(ctx context.Context, db *sql.DB) error {
	insert, err := db.PrepareContext(ctx, "INSERT INTO flows VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-e.flows:
			group := []*flow{f}
			for len(e.flows) > 0 {
				group = append(group, <-e.flows)
			}
			err := storeFlows(ctx, db, insert, group)
			for _, f := range group {
				f.stored <- err
			}
		}
	}
}

func storeFlows(ctx context.Context, db *sql.DB, insert *sql.Stmt, group []*flow) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	into := tx.StmtContext(ctx, insert)
	defer into.Close()
	for _, f := range group {
		if _, err := into.ExecContext(ctx, f.id[:], f.link, f.visitor[:], f.opened, f.expires); err != nil {
			return err
		}
	}
	return tx.Commit()
}
