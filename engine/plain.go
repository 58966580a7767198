package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Plain turns a value an expression or a form gave into the plain form a record keeps, checked
// against the field: its type, its options, its length. The error is a sentence for the person who
// gave the value.
func (f *Field) Plain(v any) (any, error) {
	if v == nil || v == "" {
		if f.Required {
			return nil, fmt.Errorf("%s must not be empty", f.Name)
		}
		return "", nil
	}
	plain, err := f.plain(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return plain, nil
}

func (f *Field) plain(v any) (any, error) {
	switch f.Type {
	case TypeInteger:
		n, err := wholeNumber(v)
		return numberText(n), err
	case TypeNumber, TypeDecimal, TypeCurrency:
		n, err := number(v)
		return numberText(n), err
	case TypeBoolean:
		return boolean(v)
	case TypeDate:
		return instantText(v, time.DateOnly)
	case TypeDateTime:
		return instantText(v, time.RFC3339)
	case TypeMultiPicklist:
		return f.options(v)
	}
	return f.text(v)
}

func (f *Field) text(v any) (any, error) {
	text, err := f.view(v)
	if err != nil {
		return nil, err
	}
	s, _ := text.(string)
	switch {
	case !utf8.ValidString(s):
		return nil, fmt.Errorf("holds broken UTF-8")
	case len(s) > MaxText || (f.Max > 0 && utf8.RuneCountInString(s) > f.Max):
		return nil, fmt.Errorf("is longer than %d characters", f.longest())
	case f.Type == TypePicklist && len(f.Options) > 0 && !slices.Contains(f.Options, s):
		return nil, fmt.Errorf("%q is not one of %s", clip(s), strings.Join(f.Options, ", "))
	case f.Type == TypeEmail && !isAddress(s):
		return nil, errors.New("is no email address")
	}
	return s, nil
}

// isAddress tells whether a text can be one email address, without a name beside it. Whether it exists
// only its server knows.
func isAddress(text string) bool {
	at := strings.LastIndexByte(text, '@')
	apart := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(",;<>", r)
	}
	return at > 0 && at < len(text)-1 && !strings.ContainsFunc(text, apart)
}

func (f *Field) longest() int {
	if f.Max > 0 {
		return f.Max
	}
	return MaxText
}

func (f *Field) options(v any) (any, error) {
	items, err := list(v)
	if err != nil {
		return nil, err
	}
	chosen, _ := items.([]any)
	for _, item := range chosen {
		if len(f.Options) > 0 && !slices.Contains(f.Options, fmt.Sprint(item)) {
			return nil, fmt.Errorf("%q is not one of %s", clip(fmt.Sprint(item)), strings.Join(f.Options, ", "))
		}
	}
	return chosen, nil
}

func numberText(n any) any {
	switch n := n.(type) {
	case int:
		return json.Number(strconv.Itoa(n))
	case float64:
		return json.Number(strconv.FormatFloat(n, 'f', -1, 64))
	}
	return n
}

func instantText(v any, layout string) (any, error) {
	t, err := instant(v)
	if err != nil {
		return nil, err
	}
	at, _ := t.(time.Time)
	return at.Format(layout), nil
}
