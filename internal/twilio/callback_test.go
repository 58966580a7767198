package twilio_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/twilio"
	"postern/internal/twilio/twiliotest"
)

const address = "https://go.acme.example/callbacks/sms/status/abc?x=a%20b"

func callback(form url.Values, signature string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://10.0.0.7:8080/status/abc", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set("X-Twilio-Signature", signature)
	return r
}

func TestReadCallback(t *testing.T) {
	form := url.Values{
		"MessageSid": {"SM1"}, "MessageStatus": {"undelivered"}, "ErrorCode": {"30005"}, "AccountSid": {"AC1"},
		"From": {"+34911000111"}, "To": {"+34600123456"}, "Body": {"héllo & co"}, "OptOutType": {"stop"},
	}
	got, err := twilio.ReadCallback(callback(form, twiliotest.Sign("token", address, form)), address, "token")
	want := twilio.Callback{
		Account: "AC1", ID: "SM1", Status: "undelivered", Code: "30005", From: "+34911000111", To: "+34600123456",
		Body: "héllo & co", OptOut: "STOP",
	}
	if err != nil || got != want {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestForgedCallbacks(t *testing.T) {
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}}
	good := twiliotest.Sign("token", address, form)
	other := url.Values{"MessageSid": {"SM2"}, "MessageStatus": {"delivered"}}
	more := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}, "A": {"b"}}
	empty := twiliotest.Sign("token", address, url.Values{})
	for name, test := range map[string]struct {
		form      url.Values
		signature string
		address   string
		token     string
	}{
		"no signature":           {form, "", address, "token"},
		"another token":          {form, twiliotest.Sign("guess", address, form), address, "token"},
		"no token of ours":       {form, twiliotest.Sign("", address, form), address, ""},
		"another delivery":       {form, good, strings.Replace(address, "abc", "abd", 1), "token"},
		"http":                   {form, good, strings.Replace(address, "https", "http", 1), "token"},
		"another query":          {form, good, strings.Replace(address, "a%20b", "a%20c", 1), "token"},
		"another message":        {other, good, address, "token"},
		"one more field":         {more, good, address, "token"},
		"a body by its hash":     {form, empty, address + "&bodySHA256=00", "token"},
		"signature of something": {form, "AAAA", address, "token"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := twilio.ReadCallback(callback(test.form, test.signature), test.address, test.token)
			if !errors.Is(err, twilio.ErrForged) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestUnreadableCallbacks(t *testing.T) {
	json := callback(url.Values{}, "x")
	json.Header.Set("Content-Type", "application/json")
	for name, request := range map[string]*http.Request{
		"JSON": json, "too large": callback(url.Values{"Body": {strings.Repeat("x", 70_000)}}, "x"),
	} {
		if _, err := twilio.ReadCallback(request, address, "token"); !errors.Is(err, twilio.ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStates(t *testing.T) {
	for status, want := range map[string]engine.DeliveryState{
		"accepted": "", "scheduled": "", "queued": "", "sending": "", "receiving": "", "received": "", "": "",
		"sent": engine.DeliverySent, "partially_delivered": engine.DeliverySent,
		"delivered": engine.DeliveryDelivered, "read": engine.DeliveryRead,
		"undelivered": engine.DeliveryUndelivered, "failed": engine.DeliveryUndelivered,
		"canceled": engine.DeliveryUndelivered,
	} {
		if got := (twilio.Callback{Status: status}).State(); got != want {
			t.Errorf("%q is %q, want %q", status, got, want)
		}
	}
}

func TestSuppresses(t *testing.T) {
	for code, want := range map[int]engine.SuppressionReason{
		21610: engine.SuppressedOptOut, 21211: engine.SuppressedBounce, 21614: engine.SuppressedBounce,
		30003: "", 30005: "", 21408: "", 0: "",
	} {
		if got, ok := twilio.Suppresses(code); got != want || ok != (want != "") {
			t.Errorf("%d: %q", code, got)
		}
	}
}
