package exprsafe

import (
	"slices"
	"testing"
)

func TestOperands(t *testing.T) {
	for src, want := range map[string][]string{
		`record.a`:                       {`record.a`},
		` a && b `:                       {`a`, `b`},
		`a || b && c or d and e`:         {`a`, `b`, `c`, `d`, `e`},
		`(a > 1 && !(b || c))`:           {`a > 1`, `b`, `c`},
		`(a) && (b)`:                     {`a`, `b`},
		`a in ["x && y"] && f(b || c)`:   {`a in ["x && y"]`, `f(b || c)`},
		`any(list, .a && .b) || not (c)`: {`any(list, .a && .b)`, `c`},
		`!a && -b < 1`:                   {`!a`, `-b < 1`},
		`a ? b || c : d`:                 {`a ? b || c : d`},
		`a /* || */ && 'b || c'`:         {`a /* || */`, `'b || c'`},
	} {
		if got := Operands(src); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
	}
}
