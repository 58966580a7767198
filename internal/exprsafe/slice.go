package exprsafe

// cut is x[from:to] of a list or, by characters, of a text. Bounds beyond the ends are the ends;
// negative ones count from the end, null ones are the ends.
func cut(r *run, args []any) (any, error) {
	switch x := args[0].(type) {
	case nil:
		return noValue()
	case []any:
		from, to, err := bounds(args, len(x))
		if err != nil {
			return nil, err
		}
		return x[from:to:to], nil
	case string:
		if err := r.spend(len(x)); err != nil {
			return nil, err
		}
		runes := []rune(x)
		from, to, err := bounds(args, len(runes))
		if err != nil {
			return nil, err
		}
		return string(runes[from:to]), nil
	}
	return nil, faultf("expected text or a list, this gives %s", kindOf(args[0]))
}

// bounds reads the from and to of a cut; from is never beyond to.
func bounds(args []any, length int) (from, to int, err error) {
	limits := [2]int{0, length}
	for i, arg := range args[1:] {
		if arg == nil {
			continue
		}
		n, ok := whole(arg)
		if !ok {
			return 0, 0, fault("the bounds of [from:to] are whole numbers")
		}
		if n < 0 {
			n += length
		}
		limits[i] = min(max(n, 0), length)
	}
	return min(limits[0], limits[1]), limits[1], nil
}
