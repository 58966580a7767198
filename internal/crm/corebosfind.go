package crm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"postern/engine"
)

// pageRows is how many records one query of a list asks for: a quarter of a second's work for the CRM.
const pageRows = 100

// Find asks by a query and keeps the rows that have exactly the value: the database compares without regard to case.
func (c *Corebos) Find(ctx context.Context, module, field string, value any, limit int) ([]engine.Record, error) {
	records, err := c.find(ctx, module, field, value, limit)
	if err != nil {
		return nil, fmt.Errorf("find records of %s by %s: %w", module, field, err)
	}
	return records, nil
}

func (c *Corebos) find(ctx context.Context, module, field string, value any, limit int) ([]engine.Record, error) {
	text, err := findable(value, limit)
	if err != nil || text == "" {
		return nil, err
	}
	m, err := c.module(ctx, module, field)
	if err != nil {
		return nil, err
	}
	literal, err := m.literal(field, value)
	if err != nil {
		return nil, err
	}
	query := fmt.Sprintf("select * from %s where %s=%s limit %d;", m.name, field, literal, engine.MaxFound)
	rows, err := c.query(ctx, query)
	if err != nil {
		return nil, err
	}
	found := m.having(rows, module, field, value)
	return found[:min(limit, len(found))], nil
}

func (c *Corebos) query(ctx context.Context, query string) (rows []answered, err error) {
	err = c.call(ctx, request{operation: "query", values: map[string]string{"query": query}}, &rows)
	return rows, err
}

// having are the rows that are records of the module and have exactly a value; of field "" all of them.
func (m *module) having(rows []answered, module, field string, value any) []engine.Record {
	var found []engine.Record
	for _, row := range rows {
		record := row.record(module)
		wanted := engine.Fields{field: value}
		if field == "" {
			wanted = nil
		}
		if _, differs := m.differs(record.Fields, wanted); !differs && m.has(record.ID) {
			found = append(found, record)
		}
	}
	return found
}

// List asks for the records after the last one that it gave, by the number in their ids, which is their order. A record
// whose owner is no user any more cannot be read by a query, and the list ends there with the CRM's refusal.
func (c *Corebos) List(ctx context.Context, listing engine.Listing) (engine.Page, error) {
	if err := listable(listing); err != nil {
		return engine.Page{}, err
	}
	page, err := c.list(ctx, listing)
	if err != nil {
		return engine.Page{}, fmt.Errorf("list records of %s: %w", listing.Module, err)
	}
	return page, nil
}

func (c *Corebos) list(ctx context.Context, l engine.Listing) (engine.Page, error) {
	var fields []string
	if l.Field != "" {
		fields = []string{l.Field}
	}
	m, err := c.module(ctx, l.Module, fields...)
	if err != nil {
		return engine.Page{}, err
	}
	conditions, none, err := m.conditions(l)
	if err != nil || none {
		return engine.Page{}, err
	}
	limit := min(l.Limit, pageRows)
	query := fmt.Sprintf("select * from %s%s order by id limit %d;", m.name, conditions, limit)
	rows, err := c.query(ctx, query)
	if err != nil {
		return engine.Page{}, err
	}
	last, err := m.ordered(rows, l.After)
	if err != nil {
		return engine.Page{}, err
	}
	page := engine.Page{Records: m.having(rows, l.Module, l.Field, l.Value)}
	if len(rows) >= limit {
		page.Next = last
	}
	return page, nil
}

// conditions is the where of a list; none tells that no record can be meant.
func (m *module) conditions(l engine.Listing) (where string, none bool, err error) {
	var all []string
	if l.After != "" {
		if !m.has(l.After) {
			return "", false, engine.Permanent(fmt.Errorf("%q is no place in a list of %s", l.After, l.Module))
		}
		all = append(all, "id>'"+l.After+"'")
	}
	if l.Field != "" {
		text, _ := engine.PlainText(l.Value)
		if text == "" || (m.fields[l.Field].kind == "reference" && !idForm.MatchString(text)) {
			return "", true, nil // the CRM refuses to look for what is no id
		}
		literal, err := m.literal(l.Field, l.Value)
		if err != nil {
			return "", false, err
		}
		all = append(all, l.Field+"="+literal)
	}
	if len(all) == 0 {
		return "", false, nil
	}
	return " where " + strings.Join(all, " and "), false, nil
}

// ordered is the id of the last row. Rows out of order, or before the place they were asked for from, would let a list
// lose records or never end: a CRM that answers so is not one that lists can be read from.
func (m *module) ordered(rows []answered, after string) (last string, err error) {
	last = after
	for _, row := range rows {
		id, _ := row["id"].(string)
		if !m.has(id) || (last != "" && number(id) <= number(last)) {
			return "", engine.Permanent(errors.New("the CRM does not answer in the order of ids that was asked for"))
		}
		last = id
	}
	return last, nil
}

// number is what stands after the x of an id.
func number(id string) int64 {
	_, digits, _ := strings.Cut(id, "x")
	n, _ := strconv.ParseInt(digits, 10, 64) // ids that has knows are digits
	return n
}
