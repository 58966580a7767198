package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// pageTime is how long the clicker waits for a click to lead somewhere.
const pageTime = 5 * time.Second

// press clicks a button that is in the page, whatever the form thinks of its fields: the first, or the first that was
// not clicked in this tab. It returns the words on it, "" where there is none.
const press = `(every => {
	document.documentElement.dataset.left = 'soon';
	const clicked = new Set(JSON.parse(sessionStorage.clicked || '[]'));
	const all = [...document.querySelectorAll('button, input[type=submit], [role=button], a.button')];
	const name = it => location.pathname + ' ' + (it.innerText || it.value);
	const it = every ? all.find(it => !clicked.has(name(it))) : all[0];
	if (!it) return '';
	clicked.add(name(it));
	sessionStorage.clicked = JSON.stringify([...clicked]);
	if (it.form) it.form.noValidate = true;
	setTimeout(() => it.click());
	return it.innerText || it.value || '?';
})`

// walk is how far a clicker came.
type walk struct {
	pages   []string // paths of those it saw behind the door
	flow    string   // the last one it was in; "" for none
	cookies []*http.Cookie
}

// clicks goes from the door of a link on, click by click, until there is nothing more to click on.
func clicks(ctx context.Context, link string, most int, every bool) (w walk, err error) {
	if err := chromedp.Do(ctx, chromedp.Navigate(link)); err != nil {
		return w, err
	}
	for range most {
		pressed, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("%s(%t)", press, every)))
		if err != nil {
			return w, fmt.Errorf("click: %w", err)
		}
		if pressed == "" || !turned(ctx) {
			break
		}
		at, err := chromedp.Run(ctx, chromedp.Location())
		if err != nil {
			return w, err
		}
		where, err := url.Parse(at)
		if err != nil {
			return w, err
		}
		w.pages = append(w.pages, where.Path)
		parts := strings.Split(where.Path, "/")
		if len(parts) > 2 && slices.Contains([]string{"f", "r", "c"}, parts[1]) {
			w.flow = parts[2]
		}
	}
	w.cookies, err = cookiesOf(ctx)
	return w, err
}

// turned waits until another document is there in place of the one that was clicked in.
func turned(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	const there = `document.readyState == 'complete' && !document.documentElement.dataset.left`
	for ctx.Err() == nil {
		if is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](there)); err == nil && is {
			return true
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
	return false
}

// cookiesOf are the tab's cookies.
func cookiesOf(ctx context.Context) (cookies []*http.Cookie, err error) {
	err = chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		got, err := cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{})
		for _, c := range got.Cookies {
			cookies = append(cookies, &http.Cookie{Name: c.Name, Value: c.Value})
		}
		return err
	}))
	return cookies, err
}
