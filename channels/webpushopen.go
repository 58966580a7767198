package channels

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/netguard"
	"postern/internal/webpush"
)

// Open checks every key and reads the key pair, without a connection yet.
func (w *WebPush) Open(outfit engine.Outfit) error {
	if err := w.check(); err != nil {
		return err
	}
	text, err := w.Key.In(outfit.Folder).Reveal()
	if err != nil {
		return fmt.Errorf("key: %w; postern keys webpush FILE makes one", err)
	}
	key, err := webpush.ParseKey(text)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if w.transport, err = w.dialled(outfit); err != nil {
		return err
	}
	w.outfit = outfit
	w.sender = &webpush.Sender{Key: key, Subject: w.Subject, Transport: w.transport, Now: outfit.Clock.Now}
	return nil
}

func (w *WebPush) check() error {
	_, mail := strings.CutPrefix(w.Subject, "mailto:")
	page, err := url.Parse(w.Subject)
	switch {
	case err != nil, mail && !strings.Contains(w.Subject, "@"), !mail && (page.Scheme != "https" || page.Host == ""):
		return fmt.Errorf("subject: %q is neither mailto: with an address nor an https address", w.Subject)
	case w.Field == "":
		return errors.New("field: names no field")
	case len(w.Services) == 0:
		return errors.New("services: names no host")
	case !slices.Contains(webpush.Urgencies, w.Urgency):
		return fmt.Errorf("urgency: %q is not one of %s", w.Urgency, strings.Join(webpush.Urgencies, ", "))
	case w.TTL < 0 || w.TTL > maxPushTTL:
		return errors.New("ttl: is not between 0s and 28d")
	case w.Timeout <= 0:
		return errors.New("timeout: must be longer than nothing")
	}
	for _, service := range w.Services {
		if host := strings.TrimPrefix(service, "*."); !netguard.IsHost(host) || host != strings.ToLower(host) {
			return fmt.Errorf("services: %q is no host, nor all below one as in *.push.apple.com", service)
		}
	}
	return nil
}

// dialled is what connects to push services, and to nothing inside the house that services does not name in full.
func (w *WebPush) dialled(outfit engine.Outfit) (*http.Transport, error) {
	var inside []string
	for _, service := range w.Services {
		if !strings.HasPrefix(service, "*") && !slices.Contains(pushServices, service) {
			inside = append(inside, strings.Trim(service, "[]"))
		}
	}
	rules, err := netguard.NewRules(inside)
	if err != nil {
		return nil, fmt.Errorf("services: %w", err)
	}
	trust, err := trusting(outfit.Path(w.CA))
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	dialer := netguard.Dialer{Check: rules.By("services").Check, Timeout: connectTime}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: trust, TLSHandshakeTimeout: connectTime,
		IdleConnTimeout: idleTime, MaxIdleConnsPerHost: 16, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
	}, nil
}

// Examine tells the public key that pages subscribe with, and asks each push service for an answer.
func (w *WebPush) Examine(ctx context.Context, _ engine.ExamineTools) []engine.Finding {
	found := []engine.Finding{{What: "key", Good: true, Text: "pages subscribe with " + w.sender.Key.Public()}}
	for _, service := range w.Services {
		if !strings.HasPrefix(service, "*") {
			found = append(found, w.reach(ctx, service))
		}
	}
	return found
}

func (w *WebPush) reach(ctx context.Context, service string) engine.Finding {
	finding := engine.Finding{What: service, Good: true, Text: "answers"}
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://"+service+"/", http.NoBody)
	if err == nil {
		var response *http.Response
		if response, err = w.transport.RoundTrip(request); err == nil {
			_ = response.Body.Close()
			return finding
		}
	}
	return engine.Finding{
		What: service, Text: "does not answer: " + err.Error(),
		Hint: "this machine must be able to call it at port 443; a firewall may need to know",
	}
}
