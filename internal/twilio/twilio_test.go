package twilio_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/twilio"
	"postern/internal/twilio/twiliotest"
)

func open(t *testing.T, change func(*twilio.Account)) (*twiliotest.Server, *twilio.Client) {
	t.Helper()
	server := new(twiliotest.Server).Start(t)
	account := twilio.Account{
		SID: twiliotest.Account, User: twiliotest.Account, Secret: twiliotest.Token, Endpoint: server.Endpoint(),
	}
	if change != nil {
		change(&account)
	}
	client := twilio.New(account, engine.SystemClock{})
	t.Cleanup(func() { _ = client.Close() })
	return server, client
}

func hello() twilio.Message {
	return twilio.Message{
		To: "+34600123456", From: twiliotest.Number, Body: "Hello, door!", Validity: 4 * time.Hour,
		Callback: "https://go.acme.example/callbacks/sms/status/1",
	}
}

const template = "HX00112233445566778899aabbccddeeff"

func nothing() {}

func TestSend(t *testing.T) {
	server, client := open(t, nil)
	taken, err := client.Send(t.Context(), hello(), nothing)
	if err != nil {
		t.Fatal(err)
	}
	got := server.Last()
	if taken.ID != got.ID || taken.Status != "queued" {
		t.Errorf("taken as %+v, it is %s", taken, got.ID)
	}
	if got.To != "+34600123456" || got.From != twiliotest.Number || got.Body != "Hello, door!" || got.Validity != 14400 ||
		got.Callback != hello().Callback {
		t.Errorf("sent %+v", got)
	}
}

func TestSendByServiceTemplateAndKey(t *testing.T) {
	server, client := open(t, func(a *twilio.Account) { a.User, a.Secret = twiliotest.Key, twiliotest.Secret })
	server.Approve(template, 2)
	message := hello()
	message.From, message.Service, message.Template = "", twiliotest.Service, template
	message.Variables = map[string]string{"1": "Zoë \"Z\"\n", "2": "x"}
	if _, err := client.Send(t.Context(), message, nothing); err != nil {
		t.Fatal(err)
	}
	got := server.Last()
	if got.Variables != `{"1":"Zoë \"Z\"\n","2":"x"}` || got.Template != template || got.Body != "" || got.Service == "" {
		t.Errorf("sent %+v", got)
	}
}

type verdict string

func verdictOf(err error) verdict {
	switch {
	case err == nil:
		return "taken"
	case engine.IsPermanent(err):
		return "permanent"
	case engine.IsMisconfigured(err):
		return "misconfigured"
	case engine.IsUnknown(err):
		return "unknown"
	}
	return "retry"
}

// Every class of failure has its verdict, and no error shows the number, the text, the account or a secret.
func TestVerdicts(t *testing.T) {
	stall := make(chan struct{})
	defer close(stall)
	for name, test := range map[string]struct {
		fault twiliotest.Fault
		to    string
		from  string
		want  verdict
		after time.Duration
		code  int
	}{
		"too many":               {fault: twiliotest.TooMany(7), want: "retry", after: 7 * time.Second, code: 20429},
		"unavailable":            {fault: twiliotest.HTML(503), want: "retry"},
		"unavailable, in JSON":   {fault: twiliotest.Refusal(503, 20503), want: "retry", code: 20503},
		"failure":                {fault: twiliotest.HTML(500), want: "unknown"},
		"bad gateway":            {fault: twiliotest.HTML(502), want: "unknown"},
		"gateway timeout":        {fault: twiliotest.Refusal(504, 20504), want: "unknown", code: 20504},
		"slow":                   {fault: twiliotest.Stall(stall), want: "unknown"},
		"hung up":                {fault: twiliotest.HangUp, want: "unknown"},
		"lost reply":             {fault: twiliotest.LoseReply, want: "unknown"},
		"broken reply":           {fault: twiliotest.BreakReply, want: "taken"},
		"unauthorized":           {fault: twiliotest.Refusal(401, 20003), want: "misconfigured", code: 20003},
		"forbidden":              {fault: twiliotest.Refusal(403, 20403), want: "misconfigured", code: 20403},
		"a login page":           {fault: twiliotest.HTML(302), want: "misconfigured"},
		"a refusal not known":    {fault: twiliotest.Refusal(400, 29999), want: "permanent", code: 29999},
		"suspended":              {fault: twiliotest.Refusal(400, 30002), want: "misconfigured", code: 30002},
		"a code within a failed": {fault: twiliotest.Refusal(500, 21211), want: "unknown", code: 21211},
		"invalid number":         {to: twiliotest.Invalid, want: "permanent", code: 21211},
		"unreachable number":     {to: twiliotest.Unreachable, want: "permanent", code: 21612},
		"country not permitted":  {to: twiliotest.Abroad, want: "permanent", code: 21408},
		"opted out":              {to: twiliotest.OptedOut, want: "permanent", code: 21610},
		"no mobile":              {to: twiliotest.NoMobile, want: "permanent", code: 21614},
		"sender invalid":         {from: "+15005550001", want: "misconfigured", code: 21212},
		"sender not ours":        {from: "+15005550007", want: "misconfigured", code: 21606},
		"sender's queue is full": {from: "+15005550008", want: "retry", code: 21611},
		"the magic sender":       {from: "+15005550006", want: "taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := open(t, nil)
			if test.fault != nil {
				server.Next(test.fault)
			}
			message := hello()
			if test.to != "" {
				message.To = test.to
			}
			if test.from != "" {
				message.From = test.from
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if name == "slow" {
				ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
			}
			defer cancel()
			_, err := client.Send(ctx, message, nothing)
			if verdictOf(err) != test.want || engine.RetryDelay(err) != test.after || twilio.CodeOf(err) != test.code {
				t.Errorf("got %s (%v, code %d): %v", verdictOf(err), engine.RetryDelay(err), twilio.CodeOf(err), err)
			}
			silent(t, err, message)
		})
	}
}

// silent complains of an error that shows what is nobody's business.
func silent(t *testing.T, err error, message twilio.Message) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range []string{message.To, message.Body, "+34", twiliotest.Account, twiliotest.Token, "said Twilio"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
}

func TestNothingLeftIsWorthAnotherTry(t *testing.T) {
	server, client := open(t, nil)
	server.Stop()
	left := false
	_, err := client.Send(t.Context(), hello(), func() { left = true })
	if verdictOf(err) != "retry" || left {
		t.Errorf("got %v, left: %v", err, left)
	}
	silent(t, err, hello())
}

func TestAnUntrustedServerIsToldLoudly(t *testing.T) {
	elsewhere := httptest.NewUnstartedServer(http.NotFoundHandler())
	elsewhere.Config.ErrorLog = log.New(io.Discard, "", 0)
	elsewhere.StartTLS()
	defer elsewhere.Close()
	_, client := open(t, func(a *twilio.Account) {
		var err error
		if a.Endpoint, err = url.Parse(elsewhere.URL); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := client.Send(t.Context(), hello(), nothing); !engine.IsMisconfigured(err) {
		t.Errorf("got %v", err)
	}
}

func TestCredentialsThatCannotBe(t *testing.T) {
	_, client := open(t, func(a *twilio.Account) { a.Secret = "with space" })
	if _, err := client.Send(t.Context(), hello(), nothing); !engine.IsMisconfigured(err) {
		t.Errorf("got %v", err)
	}
}

func TestTheEnvironmentDoesNotChooseThePlace(t *testing.T) {
	t.Setenv("TWILIO_EDGE", "sydney")
	t.Setenv("TWILIO_REGION", "au1")
	_, client := open(t, nil)
	if _, err := client.Send(t.Context(), hello(), nothing); err != nil {
		t.Error(err)
	}
}

func TestLook(t *testing.T) {
	server, client := open(t, nil)
	if err := client.Look(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(server.Messages()); n != 0 {
		t.Errorf("a look sent %d messages", n)
	}
	_, client = open(t, func(a *twilio.Account) { a.Secret = "wrong" })
	if err := client.Look(t.Context()); !engine.IsMisconfigured(err) || twilio.CodeOf(err) != 20003 {
		t.Errorf("with the wrong secret: %v", err)
	}
	_, client = open(t, func(a *twilio.Account) { a.SID = "AC" + strings.Repeat("0", 32) })
	if err := client.Look(t.Context()); !engine.IsMisconfigured(err) {
		t.Errorf("with another account: %v", err)
	}
}

func TestNothingLeavesAfterClose(t *testing.T) {
	_, client := open(t, nil)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Send(t.Context(), hello(), nothing); !errors.Is(err, twilio.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
