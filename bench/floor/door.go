package floor

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"
)

// links is how many the floor's database holds.
const links = 10_000

// Door serves GET /l/{token} with two look-ups by index, the link by the hash of its token and the record by its key,
// and a page of Size bytes from a template; and POST /l/{token} with one look-up and one row that it stores. The tokens
// are 0000000000000000000001 and so on.
func Door(ctx context.Context, config Config) error {
	writing, err := openWriting(config.Folder)
	if err != nil {
		return err
	}
	if err := fillDoor(ctx, writing); err != nil {
		return err
	}
	defer writing.Close()
	reading, err := open(config.Folder, "query_only(1)")
	if err != nil {
		return err
	}
	defer reading.Close()
	reading.SetMaxOpenConns(2 * runtime.NumCPU())
	reading.SetMaxIdleConns(2 * runtime.NumCPU())
	e := &entrance{flows: make(chan *flow, groupSize)}
	if e.link, err = reading.PrepareContext(ctx, "SELECT id FROM links WHERE key_id = 'a' AND digest = ?"); err != nil {
		return err
	}
	d := &door{page: template.Must(template.New("page").Parse(pageOf(config.Size)))}
	const look = "SELECT module, record, expires, uses FROM links WHERE key_id = 'a' AND digest = ?"
	d.link, err = reading.PrepareContext(ctx, look)
	if err != nil {
		return err
	}
	d.record, err = reading.PrepareContext(ctx, "SELECT fields FROM records WHERE module = ? AND id = ?")
	if err != nil {
		return err
	}
	storing := make(chan error, 1)
	go func() { storing <- e.store(ctx, writing) }()
	mux := http.NewServeMux()
	mux.Handle("GET /l/{token}", d)
	mux.Handle("POST /l/{token}", e)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	listener, err := net.Listen("tcp", config.Listen)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return <-storing
}

// Token is the token of one of the door's links, from 1 to 10,000.
func Token(n int) string { return fmt.Sprintf("%022d", n%links+1) }

func fillDoor(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(ctx, `
		CREATE TABLE links (
			id BLOB PRIMARY KEY, key_id TEXT NOT NULL, digest BLOB NOT NULL, landing TEXT NOT NULL,
			version TEXT NOT NULL, module TEXT NOT NULL, record TEXT NOT NULL, masked TEXT NOT NULL,
			expires INTEGER NOT NULL, uses INTEGER NOT NULL, UNIQUE (key_id, digest)
		) STRICT, WITHOUT ROWID;
		CREATE TABLE flows (
			id BLOB PRIMARY KEY, link BLOB NOT NULL REFERENCES links, visitor BLOB NOT NULL,
			opened INTEGER NOT NULL, expires INTEGER NOT NULL
		) STRICT, WITHOUT ROWID;
		CREATE INDEX flows_expires ON flows (expires);
		CREATE TABLE records (
			module TEXT NOT NULL, id TEXT NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (module, id)
		) STRICT;`)
	if err != nil {
		return err
	}
	fields := fmt.Sprintf(`{"ticket_no":"TT-000001","ticket_title":%q}`, strings.Repeat("x", 300))
	for n := range links {
		digest := sha256.Sum256([]byte(Token(n)))
		_, err := tx.ExecContext(ctx, "INSERT INTO links VALUES (?, 'a', ?, 'ticket', ?, 'HelpDesk', ?, ?, ?, 20)",
			digest[:16], digest[:], strings.Repeat("v", 22), fmt.Sprint("17x", n), "z…@acme.example",
			time.Now().Add(time.Hour).UnixMilli())
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO records VALUES ('HelpDesk', ?, ?)", fmt.Sprint("17x", n), fields)
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// pageOf is a template whose page has about this many bytes, with a handful of values in it.
func pageOf(size int) string {
	const values = "<p>{{.Module}} {{.Record}}: {{.Uses}}</p>\n<form method=post><button>{{.Module}}</button></form>\n"
	return "<!doctype html>\n" + values + strings.Repeat("x", max(0, size-len(values)-15))
}

type door struct {
	link, record *sql.Stmt
	page         *template.Template
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	digest := sha256.Sum256([]byte(r.PathValue("token")))
	var link struct {
		Module, Record string
		Expires, Uses  int64
	}
	err := d.link.QueryRowContext(r.Context(), digest[:]).Scan(&link.Module, &link.Record, &link.Expires, &link.Uses)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	var fields string
	if err := d.record.QueryRowContext(r.Context(), link.Module, link.Record).Scan(&fields); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = d.page.Execute(w, link)
}
