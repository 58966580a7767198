package links_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// zeros is a body of so many bytes that nobody holds in memory.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// squeezed is a form of 10 MB in some ten kilobytes.
func squeezed(t *testing.T) io.Reader {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.Copy(w, io.MultiReader(strings.NewReader("ticket_title="), zeros(10<<20))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func fields(n int) string {
	var form strings.Builder
	for i := range n {
		fmt.Fprintf(&form, "f%d=x&", i)
	}
	return form.String() + "ticket_title=flooded"
}

// T86: what is too much is refused before it costs anything, and nothing comes of it.
func TestT86FloodsAreRefused(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	form := v.open(address).path
	const plain = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		body     func() io.Reader
		kind     string
		encoding string
		length   int64 // -1 for one that is not told
		status   []int
	}{
		"10 MB":            {func() io.Reader { return zeros(10 << 20) }, plain, "", 10 << 20, []int{413}},
		"10 MB, untold":    {func() io.Reader { return zeros(10 << 20) }, plain, "", -1, []int{413}},
		"1,000 parameters": {func() io.Reader { return strings.NewReader(fields(1000)) }, plain, "", -1, []int{400}},
		// Nothing is unpacked: to the door it is a form of strange characters, in which no field is.
		"a gzip bomb":    {func() io.Reader { return squeezed(t) }, plain, "gzip", -1, []int{200, 400}},
		"another type":   {func() io.Reader { return strings.NewReader(`{"ticket_title":"x"}`) }, "text/plain", "", -1, []int{400}},
		"deep nesting":   {func() io.Reader { return strings.NewReader("a" + strings.Repeat("[a]", 9000) + "=x") }, plain, "", -1, []int{200, 400}},
		"half an escape": {func() io.Reader { return strings.NewReader("ticket_title=%f") }, plain, "", -1, []int{400}},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for _, path := range []string{form, form + "/resolve"} {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+path, test.body())
				if err != nil {
					t.Fatal(err)
				}
				request.ContentLength = test.length
				request.Header.Set("Content-Type", test.kind)
				if test.encoding != "" {
					request.Header.Set("Content-Encoding", test.encoding)
				}
				response, err := v.client.Do(request)
				if err != nil {
					continue // cut off while it was still being sent, which is as good
				}
				response.Body.Close()
				ok := path != form && response.StatusCode == 409 // nothing of it was read: the page is shown again
				for _, status := range test.status {
					ok = ok || response.StatusCode == status
				}
				if !ok {
					t.Errorf("POST %s answered %s", path, response.Status)
				}
			}
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
				t.Errorf("it took %d bytes of memory", grown)
			}
		})
	}
	if len(h.events()) != 0 {
		t.Error("a flood had an effect")
	}
	h.holds(map[string]string{"ticket_title": "Printer on fire", "ticketstatus": "Open"})
	v.get(form).expect(t, 200, "TT42")
}
