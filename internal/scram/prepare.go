package scram

import (
	"errors"
	"unicode/utf8"

	"github.com/xdg-go/stringprep"
)

// ErrText is why a password or a name is none: it holds characters that are never typed, such as control characters.
var ErrText = errors.New("it has characters that it cannot have")

// spaces are all written as the one that keyboards have (RFC 4013, 2.1).
var spaces = stringprep.Mapping{
	0x00a0: {' '}, 0x1680: {' '}, 0x2000: {' '}, 0x2001: {' '}, 0x2002: {' '}, 0x2003: {' '}, 0x2004: {' '},
	0x2005: {' '}, 0x2006: {' '}, 0x2007: {' '}, 0x2008: {' '}, 0x2009: {' '}, 0x200a: {' '}, 0x200b: {' '},
	0x202f: {' '}, 0x205f: {' '}, 0x3000: {' '},
}

// saslprep is the profile of RFC 4013, but that it takes characters which Unicode 3.2 did not know yet: people have
// them on their keyboards. Its Prepare gives two spellings of one text the same bytes.
var saslprep = stringprep.Profile{
	Mappings:  []stringprep.Mapping{stringprep.TableB1, spaces},
	Normalize: true,
	Prohibits: []stringprep.Set{
		stringprep.TableC1_2, stringprep.TableC2_1, stringprep.TableC2_2, stringprep.TableC3, stringprep.TableC4,
		stringprep.TableC5, stringprep.TableC6, stringprep.TableC7, stringprep.TableC8, stringprep.TableC9,
	},
	CheckBiDi: true,
}

// folded is saslprep without regard to case, for names (RFC 3454, table B.2).
var folded = stringprep.Profile{
	Mappings:  []stringprep.Mapping{stringprep.TableB1, spaces, stringprep.TableB2},
	Normalize: true,
	Prohibits: saslprep.Prohibits,
}

// Prepare is a password as it is hashed, however it was typed: SASLprep (RFC 4013). Its only error is ErrText.
func Prepare(password string) (string, error) { return prepare(saslprep, password) }

// Fold is a name that is the same for all its spellings. Its only error is ErrText.
func Fold(name string) (string, error) { return prepare(folded, name) }

func prepare(profile stringprep.Profile, text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", ErrText
	}
	prepared, err := profile.Prepare(text)
	if err != nil { // it would tell the character
		return "", ErrText
	}
	return prepared, nil
}
