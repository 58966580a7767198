package rig

import (
	"context"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// maxPage is how many bytes are read of a page.
const maxPage = 1 << 20

// Page is what a browser shows in the end, redirects followed.
type Page struct {
	Status int
	URL    *url.URL
	Source string
	Text   string // the source with its character references decoded
}

// Browse asks for a page as a browser does, with a form where it is a POST. The header is sent besides.
func Browse(
	ctx context.Context, client *http.Client, method, where string, form url.Values, header http.Header,
) (Page, error) {
	request, err := http.NewRequestWithContext(ctx, method, where, strings.NewReader(form.Encode()))
	if err != nil {
		return Page{}, err
	}
	maps.Copy(request.Header, header)
	request.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	response, err := client.Do(request)
	if err != nil {
		return Page{}, err
	}
	defer response.Body.Close()
	source, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	if err != nil {
		return Page{}, fmt.Errorf("read a page: %w", err)
	}
	return Page{response.StatusCode, response.Request.URL, string(source), html.UnescapeString(string(source))}, nil
}
