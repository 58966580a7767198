package store

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"postern/engine"

	"modernc.org/sqlite" // the driver "sqlite", in pure Go
)

// functions tells the driver, once, of functions of ours that statements may call: what SQL would compare in another
// way than expressions do. It knows them by name for all databases of the process, hence the prefix.
//
//	postern_test(operation, type, value, operand…)  1 or 0, or NULL where it cannot be compared
//	postern_key(type, value)                        what a value is sorted by
//	postern_fold(value)                             its text without case; NULL for lists and objects
//
// A value is JSON, as fields -> path gives it. Indexes are made of what postern_fold gives, so that it must not change.
var functions = sync.OnceValue(func() error {
	return errors.Join(
		sqlite.RegisterDeterministicScalarFunction("postern_test", -1, testValue),
		sqlite.RegisterDeterministicScalarFunction("postern_key", 2, sortKey),
		sqlite.RegisterDeterministicScalarFunction("postern_fold", 1, foldText),
	)
})

var errArguments = errors.New("a function was called with other arguments than it takes")

func testValue(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	if len(args) < 3 {
		return nil, errArguments
	}
	op, isOp := args[0].(string)
	kind, isKind := args[1].(string)
	if !isOp || !isKind {
		return nil, errArguments
	}
	plain, err := plainValue(args[2])
	if err != nil {
		return nil, err
	}
	p := engine.Predicate{Op: engine.PredicateOp(op), Values: make([]engine.Operand, len(args)-3)}
	for i, value := range args[3:] {
		if bytes, ok := value.([]byte); ok && len(bytes) > 0 {
			value = string(bytes[1:])
		}
		p.Values[i].Value = value
	}
	var field *engine.Field
	if kind != "" {
		field = &engine.Field{Type: engine.FieldType(kind)}
	}
	switch holds, known := p.Compare(field, plain); {
	case !known:
		return nil, nil
	case holds:
		return int64(1), nil
	}
	return int64(0), nil
}

func sortKey(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	kind, ok := args[0].(string)
	if !ok {
		return nil, errArguments
	}
	plain, err := plainValue(args[1])
	if err != nil {
		return nil, err
	}
	field := engine.Field{Type: engine.FieldType(kind)}
	return field.SortKey(plain), nil
}

func foldText(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	plain, err := plainValue(args[0])
	text, single := engine.PlainText(plain)
	if err != nil || !single {
		return nil, err
	}
	return engine.Fold(text), nil
}

// plainValue is a value of a record's JSON. Most are texts without anything escaped, which need no decoder.
func plainValue(arg driver.Value) (any, error) {
	if arg == nil {
		return nil, nil
	}
	written, ok := arg.(string)
	if !ok {
		return nil, errArguments
	}
	if n := len(written); n >= 2 && written[0] == '"' && !strings.Contains(written, `\`) {
		return written[1 : n-1], nil
	}
	var value any
	decoder := json.NewDecoder(strings.NewReader(written))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("read a value of a record: %w", err)
	}
	return value, nil
}
