package exprsafe

import (
	"math"
	"strconv"
)

// Numbers are float64, which cannot hold most decimal fractions: 0.1 + 0.2 is a little more than 0.3 to
// them. So +, -, *, % and ** round their result to the decimals that it has on paper. What they give is exact
// as long as it has at most 15 digits, which is enough for cents up to ten trillion; beyond that the
// first 15 digits are right. A quotient has no end on paper, and is rounded where one asks for it.

// paper is how many digits float64 holds of any decimal number.
const paper = 15

// decimalWork is what rounding a result costs beside callWork, in units of work.
const decimalWork = 64

// decimals rounds x, the sum, difference, product, remainder or power of a and b, to the decimals it has
// on paper.
func (r *run) decimals(operator string, x, a, b float64) (float64, error) {
	if x == math.Trunc(x) && a == math.Trunc(a) && b == math.Trunc(b) {
		return x, nil
	}
	if err := r.spend(decimalWork); err != nil {
		return 0, err
	}
	n := max(places(a), places(b))
	switch operator {
	case "*":
		n = places(a) + places(b)
	case "%":
		x = remainder(x, a, b, n)
	case "**", "^":
		if b != math.Trunc(b) || b < 0 || b > paper {
			return x, nil
		}
		n = places(a) * int(b)
	}
	if n > paper || math.Abs(x) >= math.Pow10(paper-n) {
		return x, nil
	}
	return strconv.ParseFloat(strconv.FormatFloat(x, 'f', n, 64), 64)
}

// remainder is x, that of a by b, computed of whole numbers if they are small enough: for float64, three
// times 0.1 does not fit into 0.3.
func remainder(x, a, b float64, n int) float64 {
	if n > paper {
		return x
	}
	scale := math.Pow10(n)
	wholeA, wholeB := math.Round(a*scale), math.Round(b*scale)
	if math.Abs(wholeA) > exact || math.Abs(wholeB) > exact || wholeB == 0 {
		return x
	}
	return math.Mod(wholeA, wholeB) / scale
}

// places is how many decimals a number is written with; more than paper for one with an exponent.
func places(x float64) int {
	if x == math.Trunc(x) {
		return 0
	}
	var buffer [32]byte
	digits := strconv.AppendFloat(buffer[:0], math.Abs(x), 'e', -1, 64) // d.ddde±dd
	for i := len(digits) - 1; i > 0; i-- {
		if digits[i] != 'e' {
			continue
		}
		exponent, err := strconv.Atoi(string(digits[i+1:]))
		if err != nil {
			break
		}
		return max(max(i-2, 0)-exponent, 0) // without the d and the point
	}
	return paper + 1
}
