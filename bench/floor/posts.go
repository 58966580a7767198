package floor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// Posts sends SMS as Twilio's API takes them: a form over HTTP with a login, and a look at the answer.
func Posts(ctx context.Context, config Config) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	var next atomic.Int64
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for n := next.Add(1); n <= int64(config.Events) && ctx.Err() == nil; n = next.Add(1) {
				if err := postOne(ctx, client, config.API, int(n)); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	<-ctx.Done()
	return causeOf(ctx)
}

// account at the provider.
const account = "AC0123456789abcdef0123456789abcdef"

func postOne(ctx context.Context, client *http.Client, api string, n int) error {
	form := url.Values{
		"To": {"+34600123456"}, "From": {"+34911000111"}, "Body": {fmt.Sprintf("Hello,\n\nwe have your ticket "+
			"TT-%06d: Printer %d is out of paper\n\nIs it resolved? Tell us here:\nhttp://127.0.0.1:8480/l/%s\n",
			n, n, randomID())},
	}
	path := "/2010-04-01/Accounts/" + account + "/Messages.json"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, api+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(account, "0123456789abcdef0123456789abcdef")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct{ Sid, Status string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if response.StatusCode != http.StatusCreated || answer.Sid == "" {
		return fmt.Errorf("the provider answered %s", response.Status)
	}
	return nil
}
