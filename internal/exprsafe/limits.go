package exprsafe

// What an expression may cost. Each limit is checked where it first can be, the first three before
// anything recurses; beyond a limit an expression is refused or fails, and nothing is ever cut short.
const (
	// MaxSource is the length of one expression in bytes.
	MaxSource = 4 << 10
	// MaxNesting is how deep brackets, prefix operators, conditions and powers may lie in one another.
	// The parser recurses on each of them and a stack that overflows ends the process.
	MaxNesting = 50
	// MaxNodes is the number of nodes of the parsed expression.
	MaxNodes = 300
	// MaxPattern is the size of a pattern of "matches" in steps of its machine, repetitions unrolled.
	MaxPattern = 250
	// MaxParts is the number of {{ … }} in one text, whose source may have MaxText bytes.
	MaxParts = 200

	// MaxText is the length in bytes of a text that is read or made.
	MaxText = 64 << 10
	// MaxList is the number of items of a list, a range or a map that is read or made.
	MaxList = 1000
	// MaxEntries is the number of values within one value, all levels counted.
	MaxEntries = 10_000
	// MaxDepth is how deep lists and maps may lie in one another within one value.
	MaxDepth = 32
	// MaxWork bounds one evaluation, or all of one text: the bytes that it looks at or makes, where an
	// item of a list counts as itemBytes, a byte that is made as makeWork, and a byte under a pattern as
	// patternWork for each step of the pattern. The largest pattern can still read the longest text once.
	// Reaching the bound takes a fraction of a second (see TestWorst) and at most MaxWork/makeWork bytes
	// of memory.
	MaxWork = 32 << 20
	// MaxMemory is the number of list items that the virtual machine may create in one evaluation.
	MaxMemory = 100_000
)

const (
	itemBytes   = 16 // what an item of a list takes beside its text
	makeWork    = 4  // of a byte that is made
	patternWork = 2
	callWork    = 16 // of a call of ours beside what it looks at
	nodeWork    = 4  // of a node under a predicate, for each item
)
