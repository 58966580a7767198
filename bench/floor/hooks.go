package floor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// poster hands messages to a web service over connections that it uses again. Nil does nothing.
type poster struct {
	url    string
	client *http.Client
}

func newPoster(url string) *poster {
	if url == "" {
		return nil
	}
	return &poster{url: url, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}}
}

// message is what Postern's own document has for the bench's book.
type message struct {
	Delivery  string `json:"delivery"`
	Record    string `json:"record"`
	Recipient string `json:"recipient"`
	Language  string `json:"language"`
	Text      string `json:"text"`
	Link      string `json:"link"`
}

// post writes the message that the bench's book writes.
func (p *poster) post(ctx context.Context, r record) error {
	if p == nil {
		return nil
	}
	link := "http://127.0.0.1:8480/l/" + randomID()
	m := message{
		Delivery: randomID(), Record: r.ID, Recipient: r.Email, Language: "en", Link: link,
		Text: "Ticket " + r.Number + ": " + r.Title + "\n" + link + "\n",
	}
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", m.Delivery)
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the web service answered %s", response.Status)
	}
	return nil
}
