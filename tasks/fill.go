package tasks

import (
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"strings"

	"postern/engine"
)

// Fill writes a random identifier into an empty field of the record. It is written once: a field that
// has a value keeps it. Its outputs are value, the value that stands, and filled, whether it is new.
type Fill struct {
	// Field is the text field to fill.
	Field string `yaml:"field,required"`
	// Bits is how many random bits the identifier has, from 128 to 512; 130 by default, which is 26
	// characters.
	Bits int `yaml:"bits"`
	// Prefix stands before the random part.
	Prefix string `yaml:"prefix"`
}

func fillKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "fill",
		Summary: "writes a random identifier into an empty field",
		Example: "fill: { field: cf_externalid }",
		New:     func() engine.Task { return &Fill{Bits: 130} },
	}
}

// Check sees that the field can hold the identifier.
func (f *Fill) Check(scope engine.CheckScope) {
	if f.Bits < 128 || f.Bits > 512 {
		scope.Complain("bits", "bits is from 128, below which identifiers can be guessed, to 512")
		return
	}
	if isTemplate(f.Prefix) {
		scope.Complain("prefix", "the prefix is plain text; {{ … }} is not filled in here")
	}
	field := scope.Field("field", scope.Module(), f.Field)
	if field == nil {
		return
	}
	if field.Type != engine.TypeText {
		scope.Complain("field", fmt.Sprintf("%s is of type %s; an identifier is text", f.Field, field.Type))
	}
	if n := len(f.Prefix) + (f.Bits+4)/5; field.Max > 0 && field.Max < n {
		scope.Complain("field", fmt.Sprintf("%s holds %d characters, the identifier has %d", f.Field, field.Max, n))
	}
}

// Run reads the record as it is now and asks for the identifier if the field is empty.
func (f *Fill) Run(ctx context.Context, step *engine.StepContext) error {
	record, err := step.Get(ctx, step.Ref)
	if err != nil {
		return err
	}
	if value := record.Fields.Text(f.Field); value != "" {
		step.Note("%s has a value already", f.Field)
		step.Output(engine.Fields{"value": value, "filled": false})
		step.Adopt(engine.Fields{f.Field: value})
		return nil
	}
	value, err := identifier(step.Random(), f.Bits)
	if err != nil {
		return err
	}
	value = f.Prefix + value
	step.Output(engine.Fields{"value": value, "filled": true})
	return step.Update(step.Ref, engine.Fields{f.Field: value}, engine.Fields{f.Field: ""})
}

// identifier is bits random bits, rounded up to whole characters, in lower-case base32 (RFC 4648).
func identifier(random io.Reader, bits int) (string, error) {
	chars := (bits + 4) / 5
	raw := make([]byte, (chars*5+7)/8)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("read random bits: %w", err)
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	return strings.ToLower(text[:chars]), nil
}

var (
	_ engine.Task    = (*Fill)(nil)
	_ engine.Checker = (*Fill)(nil)
)
