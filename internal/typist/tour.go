package typist

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Exhibit is a page as it was sent to somebody, to be looked at again.
type Exhibit struct {
	Name   string
	Status int
	Header http.Header
	Text   string
}

// tourTabs is how many exhibits of a tour are looked at at once, and tourLook how long each may take at most.
const (
	tourTabs = 2
	tourLook = 2 * time.Minute
)

// Tour opens every exhibit in a tab, some of them at the same time, with the headers that were sent with it, and has it
// looked at. What exhibits load, such as a stylesheet, comes from the site.
func Tour(
	browser context.Context, t *testing.T, site http.Handler, exhibits []Exhibit,
	look func(context.Context, Exhibit) error,
) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/exhibit/"))
		if err != nil {
			site.ServeHTTP(w, r)
			return
		}
		maps.Copy(w.Header(), exhibits[number].Header)
		w.WriteHeader(exhibits[number].Status)
		_, _ = w.Write([]byte(exhibits[number].Text))
	}))
	defer server.Close()
	next := make(chan int, len(exhibits))
	for number := range exhibits {
		next <- number
	}
	close(next)
	var tabs sync.WaitGroup
	defer tabs.Wait()
	for range tourTabs {
		tabs.Go(func() {
			tab, closeTab := chromedp.NewContext(browser)
			defer closeTab()
			// The first call opens the tab; a deadline on it would close it again.
			if err := chromedp.Do(tab, chromedp.EmulateViewport(360, 740)); err != nil {
				t.Error(err)
				return
			}
			for number := range next {
				address := server.URL + "/exhibit/" + strconv.Itoa(number)
				if err := looked(tab, address, exhibits[number], look); err != nil {
					t.Errorf("%s: %v", exhibits[number].Name, err)
				}
			}
		})
	}
}

func looked(tab context.Context, address string, e Exhibit, look func(context.Context, Exhibit) error) error {
	ctx, cancel := context.WithTimeout(tab, tourLook)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		return err
	}
	return look(ctx, e)
}
