package exprsafe

import (
	"math"
	"strconv"
	"strings"
)

// numberFunctions work with numbers as people write them: in decimals, with a point.
func numberFunctions() []function {
	one, number := []Kind{Number}, "number"
	return []function{
		{
			name: "number", args: "text", params: []Kind{Any}, result: Number,
			summary: "reads a number from text; fails where it is none",
			example: `number("12.50") == 12.5`, call: parseNumber,
		},
		{
			name: "isNumber", args: "value", params: []Kind{Any}, result: Bool,
			summary: "whether it is a number, or text that number() reads",
			example: `isNumber("12.50") && !isNumber("12,50")`, call: isNumber,
		},
		{
			name: "int", args: number, params: one, result: Number, summary: "the number without its decimals",
			example: `int(12.9) == 12`, call: onNumber(math.Trunc),
		},
		{
			name: "abs", args: number, params: one, result: Number, summary: "the number without its sign",
			example: `abs(-3) == 3`, call: onNumber(math.Abs),
		},
		{
			name: "ceil", args: number, params: one, result: Number, summary: "the next whole number upwards",
			example: `ceil(1.2) == 2`, call: onNumber(math.Ceil),
		},
		{
			name: "floor", args: number, params: one, result: Number, summary: "the next whole number downwards",
			example: `floor(1.8) == 1`, call: onNumber(math.Floor),
		},
		{
			name: "round", args: "number, digits?", params: []Kind{Number, Number}, optional: 1, result: Number,
			summary: "rounds half away from zero, to 0–15 digits",
			example: `round(2.345, 2) == 2.35`, call: round,
		},
		{
			name: "sqrt", args: number, params: one, result: Number, summary: "the square root",
			example: `sqrt(9) == 3`,
			call:    func(_ *run, args []any) (any, error) { return finite(math.Sqrt(amount(args[0]))) },
		},
		{
			name: "log", args: "number, base?", params: []Kind{Number, Number}, optional: 1, result: Number,
			summary: "the logarithm, natural if no base is given",
			example: `log(1000, 10) == 3`, call: logarithm,
		},
		{
			name: "distance", args: "latitude, longitude, latitude, longitude",
			params: []Kind{Number, Number, Number, Number}, result: Number,
			summary: "kilometres along the surface of the earth between two places, in degrees",
			example: `round(distance(52.37, 4.89, 40.42, -3.7)) == 1481`, call: greatCircle,
		},
	}
}

// onNumber makes an operation of a function of one number, whose whole results become ints again.
func onNumber(f func(float64) float64) operation {
	return func(_ *run, args []any) (any, error) { return shortest(f(amount(args[0])), true), nil }
}

// parseNumber reads a text written with a point and without separators; the empty text is null.
func parseNumber(_ *run, args []any) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		if args[0] == nil || kindOf(args[0]) == Number {
			return args[0], nil
		}
		return nil, faultf("number expects text or a number, this gives %s", kindOf(args[0]))
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return noValue()
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, fault("the text is not a number")
	}
	return shortest(x, true), nil
}

// isNumber is false for null and the empty text.
func isNumber(r *run, args []any) (any, error) {
	switch kindOf(args[0]) {
	case Number:
		return true, nil
	case Text:
		v, err := parseNumber(r, args)
		return err == nil && v != nil, nil
	}
	return false, nil
}

// round rounds half away from zero, as people do, to 0–15 digits after the point.
func round(_ *run, args []any) (any, error) {
	x := amount(args[0])
	digits := 0
	if len(args) == 2 {
		n, ok := whole(args[1])
		if !ok || n < 0 || n > 15 {
			return nil, fault("round takes 0 to 15 digits")
		}
		digits = n
	}
	rounded, err := roundTo(x, digits)
	if err != nil {
		return nil, err
	}
	return shortest(rounded, true), nil
}

// roundTo rounds the shortest decimal form, which is the number that was meant: 2.345 is stored a
// little below it.
func roundTo(x float64, digits int) (float64, error) {
	text := strconv.FormatFloat(math.Abs(x), 'f', -1, 64)
	point := strings.IndexByte(text, '.')
	if point < 0 || len(text)-point-1 <= digits {
		return x, nil
	}
	kept, err := strconv.ParseFloat(text[:point+1+digits], 64)
	if err != nil {
		return 0, fault("the number is too large")
	}
	if text[point+1+digits] >= '5' {
		kept, err = strconv.ParseFloat(strconv.FormatFloat(kept+math.Pow10(-digits), 'f', digits, 64), 64)
		if err != nil {
			return 0, fault("the number is too large")
		}
	}
	return math.Copysign(kept, x), nil
}

// logarithm of a whole power of its base is exact.
func logarithm(_ *run, args []any) (any, error) {
	x := amount(args[0])
	if len(args) == 1 {
		return finite(math.Log(x))
	}
	switch base := amount(args[1]); base {
	case 2:
		return finite(math.Log2(x))
	case 10:
		return finite(math.Log10(x))
	default:
		return finite(math.Log(x) / math.Log(base))
	}
}

// earth is the mean radius of the earth in kilometres.
const earth = 6371.0088

// greatCircle is the distance by the haversine formula, which is right to half a percent.
func greatCircle(_ *run, args []any) (any, error) {
	var radians [4]float64
	for i, arg := range args {
		most := []float64{90, 180}[i%2]
		if radians[i] = amount(arg); math.Abs(radians[i]) > most {
			return nil, faultf("a %s is from %g to %g degrees", []string{"latitude", "longitude"}[i%2], -most, most)
		}
		radians[i] *= math.Pi / 180
	}
	half := func(a, b float64) float64 { s := math.Sin((b - a) / 2); return s * s }
	h := half(radians[0], radians[2]) + math.Cos(radians[0])*math.Cos(radians[2])*half(radians[1], radians[3])
	return finite(2 * earth * math.Asin(min(1, math.Sqrt(h))))
}
