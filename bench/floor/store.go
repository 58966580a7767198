package floor

import (
	"database/sql"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite", Postern's own
)

// openWriting opens a database with the pragmas of Postern's writer, one connection.
func openWriting(folder string) (*sql.DB, error) {
	db, err := open(folder, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"wal_autocheckpoint(4000)", "cache_size(-8000)")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func open(folder string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_txlock": {"immediate"}, "_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
	return sql.Open("sqlite", "file:"+filepath.Join(folder, "floor.db")+"?"+query.Encode())
}
