package links_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// dump is every row of every table, but for those that are left out, by table.
func (h *house) dump(except ...string) map[string]string {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.folder, "postern.db")+"?mode=ro")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	tables := map[string]string{}
	for _, row := range h.rows(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		name := row[0]
		if slices.Contains(except, name) {
			continue
		}
		var text strings.Builder
		for _, cells := range h.rows(db, fmt.Sprintf("SELECT * FROM %q", name)) {
			fmt.Fprintln(&text, strings.Join(cells, "|"))
		}
		tables[name] = text.String()
	}
	return tables
}

// rows is what a query finds, each value as its text: bytes as they are.
func (h *house) rows(db *sql.DB, query string) (found [][]string) {
	h.t.Helper()
	rows, err := db.QueryContext(h.t.Context(), query)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		h.t.Fatal(err)
	}
	for rows.Next() {
		cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			h.t.Fatal(err)
		}
		line := make([]string, len(cells))
		for i, cell := range cells {
			line[i] = cell.String
		}
		found = append(found, line)
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return found
}
