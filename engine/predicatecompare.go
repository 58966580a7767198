package engine

// Compare holds a comparison with constants against one plain value, for a store that reads the value by itself; see
// Holds. Without a field the value is null: the path leads nowhere. It is not known where the value is not of its
// field's type or cannot be compared: then neither the comparison nor its negation holds.
func (p Predicate) Compare(field *Field, plain any) (holds, known bool) {
	return p.compareWith(datum{field, plain})
}
