package corebosimport

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnserialize(t *testing.T) {
	for blob, want := range map[string]any{
		`N;`:                            nil,
		`b:1;`:                          true,
		`b:0;`:                          false,
		`i:-12;`:                        int64(-12),
		`d:0.5;`:                        0.5,
		`d:1.0E+25;`:                    1e25,
		`s:0:"";`:                       "",
		`s:5:"Zoë!";`:                   "Zoë!",
		`s:5:"a";b:";`:                  `a";b:`,
		`E:10:"Suit:Clubs";`:            "Suit:Clubs",
		`a:0:{}`:                        []any{},
		`a:2:{i:0;s:1:"a";i:1;i:2;}`:    []any{"a", int64(2)},
		`a:1:{i:7;N;}`:                  map[string]any{"7": nil},
		`a:1:{s:4:"days";i:-3;}`:        map[string]any{"days": int64(-3)},
		`a:2:{i:0;s:1:"x";i:1;R:2;}`:    []any{"x", "x"},
		"O:4:\"Task\":1:{s:1:\"a\";N;}": &Object{Class: "Task", Fields: map[string]any{"a": nil}},
		"O:1:\"T\":2:{s:4:\"\x00T\x00p\";i:1;s:4:\"\x00*\x00q\";b:1;}": &Object{
			Class: "T", Fields: map[string]any{"p": int64(1), "q": true},
		},
	} {
		got, err := Unserialize(blob)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", blob, err, diff)
		}
	}
}

func TestUnserializeSaysWhereItFails(t *testing.T) {
	for blob, want := range map[string]string{
		``:                                     `byte 0: the value is cut off`,
		`x`:                                    `byte 0: "x" begins no value`,
		`i:1;i:2;`:                             `byte 4: the value ends here, but there is more`,
		`i:one;`:                               `byte 2: expected a whole number`,
		`d:NAN;`:                               `byte 2: expected a finite number`,
		`a:1:{i:0;s:9:"abc";}`:                 `byte 9: a text of 9 bytes is announced, which is more than there is`,
		`a:1:{i:0;s:3:"Zoë";}`:                 `byte 9: the text that begins here has not the 3 bytes it announces; was the file converted to another character set?`,
		`a:2:{i:0;N;}`:                         `byte 11: expected "s:"`,
		`a:99999999:{}`:                        `byte 11: 99999999 entries are announced, which is more than 10000`,
		`a:-1:{}`:                              `byte 5: -1 entries are announced, which is more than 10000`,
		`a:1:{i:0;R:1;}`:                       `byte 9: a value that holds itself is not read`,
		`a:2:{i:0;a:0:{}i:1;R:2;}`:             `byte 19: a reference to an array or object is not read`,
		`R:3;`:                                 `byte 0: this refers to value 3, which there is not`,
		`C:3:"Bad":3:{abc}`:                    `byte 0: objects with a format of their own are not read`,
		strings.Repeat("a:1:{i:0;", 40):        `byte 297: arrays and objects are nested more than 32 deep`,
		`s:1:"` + strings.Repeat("x", MaxBlob): `byte 1048576: the value is longer than 1024 kB`,
	} {
		_, err := Unserialize(blob)
		var at *BlobError
		if !errors.As(err, &at) || err.Error() != want {
			t.Errorf("%.40q: %v\nwant %s", blob, err, want)
		}
	}
}

func TestUnserializeBoundsItems(t *testing.T) {
	list := "a:5000:{" + strings.Repeat("i:0;N;", 5000) + "}"
	_, err := Unserialize("a:3:{i:0;" + list + "i:1;" + list + "i:2;" + list + "}")
	if err == nil || !strings.Contains(err.Error(), "more than 10000 values") {
		t.Errorf("15,000 values: %v", err)
	}
}

func FuzzUnserialize(f *testing.F) {
	f.Add(`O:11:"VTEmailTask":3:{s:7:"summary";s:4:"Mail";s:6:"active";b:1;s:7:"trigger";a:1:{s:4:"days";i:3;}}`)
	f.Add(`a:2:{i:0;s:1:"x";i:1;R:2;}`)
	f.Add("O:1:\"T\":1:{s:4:\"\x00*\x00q\";d:1.5E-3;}")
	f.Fuzz(func(t *testing.T, blob string) {
		v, err := Unserialize(blob)
		var at *BlobError
		switch {
		case err == nil:
			if n := count(v); n > MaxBlobItems+MaxBlob/4 {
				t.Errorf("%d values came out", n)
			}
		case !errors.As(err, &at):
			t.Errorf("the error has no place: %v", err)
		case at.Offset < 0 || at.Offset > len(blob) || at.Message == "":
			t.Errorf("the place %d is outside of %d bytes: %v", at.Offset, len(blob), err)
		}
	})
}

// count walks a whole value, which would not end if one held itself.
func count(v any) int {
	n := 1
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			n += count(item)
		}
	case map[string]any:
		for _, item := range v {
			n += count(item)
		}
	case *Object:
		n += count(v.Fields)
	}
	return n
}
