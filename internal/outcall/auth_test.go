package outcall_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/outcall/outcalltest"
)

func TestAuth(t *testing.T) {
	for _, c := range []struct {
		auth         engine.CallAuth
		header, want string
	}{
		{engine.CallAuth{Kind: engine.AuthBearer}, "Authorization", "Bearer " + secretValue},
		{
			engine.CallAuth{Kind: engine.AuthBasic, User: "joe"},
			"Authorization",
			"Basic " + base64.StdEncoding.EncodeToString([]byte("joe:"+secretValue)),
		},
		{engine.CallAuth{Kind: engine.AuthHeader, Name: "X-Api-Key"}, "X-Api-Key", secretValue},
	} {
		tr := newTrial(t, nil)
		call := tr.to(http.MethodPost, "/")
		c.auth.Secret = "rates"
		call.Auth = &c.auth
		if _, err := tr.Call(t.Context(), call); err != nil {
			t.Fatal(err)
		}
		if got := tr.service.Requests()[0].Header.Get(c.header); got != c.want {
			t.Errorf("%s: %q, want %q", c.auth.Kind, got, c.want)
		}
		tr.write("changed") // it is read each time
		if _, err := tr.Call(t.Context(), call); err != nil ||
			strings.Contains(tr.service.Requests()[1].Header.Get(c.header), secretValue) {
			t.Errorf("%s: the former secret was sent: %v", c.auth.Kind, err)
		}
	}
}

// The signature is what a receiver computes by RFC 9421 from what it received.
func TestSignature(t *testing.T) {
	tr := newTrial(t, nil)
	call := tr.to(http.MethodPost, "/v1/a%2Fb?x=1&y=%26")
	call.Auth = &engine.CallAuth{Kind: engine.AuthHMAC, Secret: "rates", KeyID: "postern-1"}
	if _, err := tr.Call(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	got := tr.service.Requests()[0]
	digest := sha256.Sum256([]byte(got.Body))
	wantDigest := "sha-256=:" + base64.StdEncoding.EncodeToString(digest[:]) + ":"
	if got.Header.Get("Content-Digest") != wantDigest {
		t.Errorf("digest %s, want %s", got.Header.Get("Content-Digest"), wantDigest)
	}
	params := `("@method" "@authority" "@path" "@query" "content-digest" "content-type" "idempotency-key")` +
		`;created=1700000000;keyid="postern-1";alg="hmac-sha256"`
	if got.Header.Get("Signature-Input") != "postern="+params {
		t.Errorf("input %s", got.Header.Get("Signature-Input"))
	}
	path, query, _ := strings.Cut(got.URI, "?")
	base := fmt.Sprintf("\"@method\": %s\n\"@authority\": %s\n\"@path\": %s\n\"@query\": ?%s\n\"content-digest\": %s\n"+
		"\"content-type\": %s\n\"idempotency-key\": %s\n\"@signature-params\": %s", got.Method, got.Host, path, query,
		wantDigest, got.Header.Get("Content-Type"), got.Header.Get("Idempotency-Key"), params)
	mac := hmac.New(sha256.New, []byte(secretValue))
	mac.Write([]byte(base))
	want := "postern=:" + base64.StdEncoding.EncodeToString(mac.Sum(nil)) + ":"
	if got.Header.Get("Signature") != want {
		t.Errorf("signature %s, want %s", got.Header.Get("Signature"), want)
	}
}

// A token is asked for once, however many calls need it at the same time, and again when it ends or is refused.
func TestOAuth2(t *testing.T) {
	token := func(value string) outcalltest.Answer {
		return outcalltest.Answer{Body: `{"access_token":"` + value + `","token_type":"Bearer","expires_in":600}`}
	}
	tr := newTrial(t, nil)
	tokens := outcalltest.New(t, token("one"), token("two"), token("three"))
	auth := &engine.CallAuth{
		Kind: engine.AuthOAuth2, Secret: "rates", Client: "me", Scope: "read",
		TokenURL: "https://example.com:" + tokens.Port() + "/token",
	}
	ask := func() error {
		call := tr.to(http.MethodGet, "/")
		call.Auth = auth
		answer, err := tr.Call(t.Context(), call)
		if err == nil && answer.Status != 200 {
			err = fmt.Errorf("answered %d", answer.Status)
		}
		return err
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := ask(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got := tokens.Requests()
	user, password, _ := (&http.Request{Header: got[0].Header}).BasicAuth()
	if len(got) != 1 || got[0].Body != "grant_type=client_credentials&scope=read" || user != "me" || password != secretValue {
		t.Fatalf("%d requests for a token: %+v", len(got), got)
	}
	tr.clock.Advance(571 * time.Second) // within half a minute of its end
	if err := ask(); err != nil || len(tokens.Requests()) != 2 {
		t.Errorf("%v, %d tokens", err, len(tokens.Requests()))
	}
	tr.service.Plan(outcalltest.Answer{Status: 401}, outcalltest.Answer{})
	if err := ask(); err != nil || len(tokens.Requests()) != 3 {
		t.Errorf("after a refusal: %v, %d tokens", err, len(tokens.Requests()))
	}
	all := tr.service.Requests()
	if last := all[len(all)-1].Header.Get("Authorization"); last != "Bearer three" {
		t.Errorf("the last call said %q", last)
	}
	tr.service.Plan(outcalltest.Answer{Status: 401})
	before := len(tr.service.Requests())
	if err := ask(); err == nil || len(tr.service.Requests())-before != 2 {
		t.Errorf("a service that refuses every token: %v after %d requests", err, len(tr.service.Requests())-before)
	}
}

// Nothing was sent to the service when there is no token: no failure is in doubt, and none tells a secret.
func TestOAuth2Fails(t *testing.T) {
	for _, c := range []struct {
		answer  outcalltest.Answer
		verdict string
		says    string
	}{
		{outcalltest.Answer{Lost: true}, "none", "get a token"},
		{outcalltest.Answer{Status: 503}, "none", "answered 503"},
		{outcalltest.Answer{Status: 401, Body: `{"error":"invalid_client"}`}, "misconfigured", "answered 401 invalid_client"},
		{outcalltest.Answer{Status: 400, Body: `{"error":"` + secretValue + `"}`}, "misconfigured", "answered 400"},
		{outcalltest.Answer{Body: `<html>`}, "misconfigured", "did not give a bearer token"},
		{outcalltest.Answer{Body: `{"access_token":"a\nb","token_type":"bearer"}`}, "misconfigured", "no header can hold"},
	} {
		tr := newTrial(t, nil)
		tokens := outcalltest.New(t, c.answer)
		call := tr.to(http.MethodPost, "/")
		call.Auth = &engine.CallAuth{
			Kind: engine.AuthOAuth2, Secret: "rates", Client: "me", TokenURL: "https://example.com:" + tokens.Port() + "/token",
		}
		_, err := tr.Call(t.Context(), call)
		if verdictOf(err) != c.verdict || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secretValue) {
			t.Errorf("%s: %v", verdictOf(err), err)
		}
		if len(tr.service.Requests()) > 0 {
			t.Error("the service was called without a token")
		}
	}
}
