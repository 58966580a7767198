package qr_test

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"postern/internal/qr"
)

// dots is how many pixels a module gets in the picture that is read.
const dots = 4

// A code as the terminal shows it is read by a reader that is not ours, and is small enough for one.
func TestT91CodeIsRead(t *testing.T) {
	for text, width := range map[string]int{
		"HTTPS://GO.ACME.EXAMPLE/L/ABCDEFGHIJKLMNOPQRSTUVWXYZ2":                 29 + 8, // version 3, with a margin of 4 on each side
		"https://go.acme.example/l/abcdefghijklmnopqrstuvwxyz2":                 33 + 8, // lower case needs a version more
		"HTTPS://" + strings.Repeat("A", 28) + "/L/ABCDEFGHIJKLMNOPQRSTUVWXYZ2": 33 + 8,
	} {
		drawn, err := qr.Draw(text)
		if err != nil {
			t.Fatal(err)
		}
		picture := pictureOf(t, drawn)
		if got := picture.Bounds().Dx() / dots; got != width {
			t.Errorf("%s is %d modules wide, want %d", text, got, width)
		}
		bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
		if err != nil {
			t.Fatal(err)
		}
		read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
		if err != nil || read.GetText() != text {
			t.Errorf("read %v, %v; want %s", read, err, text)
		}
	}
	if _, err := qr.Draw(strings.Repeat("a", 4000)); err == nil {
		t.Error("a text that no code can hold was drawn")
	}
}

// pictureOf is what a terminal shows: a character is one module wide and two high.
func pictureOf(t *testing.T, drawn string) *image.Gray {
	t.Helper()
	var rows [][]rune
	for line := range strings.Lines(drawn) {
		line, begins := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "\x1b[38;5;16;48;5;231m")
		line, ends := strings.CutSuffix(line, "\x1b[0m")
		if !begins || !ends {
			t.Fatalf("a line without its colours: %q", line)
		}
		rows = append(rows, []rune(line))
	}
	picture := image.NewGray(image.Rect(0, 0, len(rows[0])*dots, len(rows)*2*dots))
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			cell := rows[y/dots/2][x/dots]
			upper := y/dots%2 == 0
			dark := cell == '█' || (upper && cell == '▀') || (!upper && cell == '▄')
			if !dark {
				picture.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	return picture
}
