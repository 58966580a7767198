package portal_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

// dump is every value of the tables whose name is like a pattern, as a thief of the database has them.
func (p people) dump(like string) (values [][]byte) {
	p.T.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.Folder, "postern.db")+"?mode=ro")
	if err != nil {
		p.T.Fatal(err)
	}
	defer db.Close()
	tables := column(p.T, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '"+like+"'")
	for _, table := range tables {
		for _, name := range column(p.T, db, "SELECT name FROM pragma_table_info('"+string(table)+"')") {
			query := fmt.Sprintf("SELECT %s FROM %s WHERE %[1]s IS NOT NULL", name, table)
			values = append(values, column(p.T, db, query)...)
		}
	}
	return values
}

func column(t testing.TB, db *sql.DB, query string) (values [][]byte) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var value []byte
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}
