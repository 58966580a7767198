package query

import "fmt"

// SyntaxError says what of a query could not be understood, in the words of coreBOS with the place behind them.
type SyntaxError struct {
	Token    Token
	Expected string // as coreBOS names it: EQ,LT,…
	Because  string // what is wrong, where Expected cannot say it
}

// Error is one sentence. It repeats one token of the query, which the client wrote itself.
func (e *SyntaxError) Error() string {
	token := e.Token.Text
	if len(token) > maxQuoted {
		token = string([]rune(token)[:min(maxQuoted, len([]rune(token)))]) + "…"
	}
	message := fmt.Sprintf("Syntax Error on line %d: token '%s' Unexpected %s(%s)", e.Token.Line, token,
		e.Token.kind, token)
	if e.Expected != "" {
		message += ", expected one of: " + e.Expected
	}
	if e.Because != "" {
		message += ": " + e.Because
	}
	return fmt.Sprintf("%s (character %d)", message, e.Token.At)
}

// maxQuoted is how many characters of a token an error repeats.
const maxQuoted = 40

// DeniedError names a field that the viewer may not ask about, or that there is not: nobody can tell which.
type DeniedError struct {
	Attribute string // as the client wrote it
}

// Error is the sentence of coreBOS.
func (e *DeniedError) Error() string {
	return "Permission to access " + e.Attribute + " attribute denied."
}
