package channels

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/twilio/twiliotest"
)

func TestTwilioChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	key := func(s *SMS) { s.User, s.Token = twiliotest.Key, secretFile(t, twiliotest.Secret) }
	for name, test := range map[string]struct {
		change func(*SMS)
		want   string
	}{
		"account":               {func(s *SMS) { s.Account = "me" }, "account: "},
		"user":                  {func(s *SMS) { s.User = "me" }, "user: "},
		"service":               {func(s *SMS) { s.From, s.Service = "", "AC1" }, "service: "},
		"no sender":             {func(s *SMS) { s.From = "" }, "from: is not set"},
		"two senders":           {func(s *SMS) { s.Service = twiliotest.Service }, "from: is set, and service is too"},
		"sender":                {func(s *SMS) { s.From = "Acme Support Desk" }, "from: is a number"},
		"sender of digits":      {func(s *SMS) { s.From = "911 000" }, "from: is a number"},
		"countries":             {func(s *SMS) { s.Countries = []string{"Spain"} }, "countries: "},
		"region":                {func(s *SMS) { s.Region = "es" }, "region: "},
		"max_segments":          {func(s *SMS) { s.MaxSegments = 11 }, "max_segments: "},
		"validity":              {func(s *SMS) { s.Validity = 11 * time.Hour }, "validity: "},
		"endpoint":              {func(s *SMS) { s.Endpoint = "http://api.twilio.com" }, "endpoint: "},
		"endpoint with a path":  {func(s *SMS) { s.Endpoint = "https://api.twilio.com/v1" }, "endpoint: "},
		"no token":              {func(s *SMS) { s.Token = engine.Secret{} }, "token: is not set"},
		"token nowhere":         {func(s *SMS) { s.Token = engine.Secret{Env: "POSTERN_NO_SUCH"} }, "token: environment"},
		"a key, and no token":   {key, "auth_token: is not set, but user is an API key"},
		"the defaults":          {func(*SMS) {}, ""},
		"a name that sends":     {func(s *SMS) { s.From = "Acme" }, ""},
		"a short code":          {func(s *SMS) { s.From = "12345" }, ""},
		"a service":             {func(s *SMS) { s.From, s.Service = "", twiliotest.Service }, ""},
		"a key, and the token":  {func(s *SMS) { key(s); s.AuthToken = h.token }, ""},
		"another region's API":  {func(s *SMS) { s.Endpoint = "https://api.dublin.ie1.twilio.com" }, ""},
		"countries and a place": {func(s *SMS) { s.Countries, s.Region = []string{"ES", "NL"}, "NL" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := SMSKind().New().(*SMS)
			s.Account, s.Token, s.From = twiliotest.Account, h.token, twiliotest.Number
			test.change(s)
			err := s.Open(h.outfit)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTwilioReports(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	s := h.sms(t, func(*SMS) {})
	m := texted(mobile, "Hello")
	receipt, err := s.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []string{"queued", "sending"} {
		if got := h.server.Report(receipt.ID, status, 0); got != 204 || len(h.heard) != 0 {
			t.Errorf("%s: answered %d, heard %v", status, got, h.heard)
		}
	}
	if got := h.server.Report(receipt.ID, "undelivered", 30005); got != 204 {
		t.Fatalf("answered %d", got)
	}
	heard := h.one(t)
	want := engine.Report{
		Delivery: m.Delivery, ProviderID: receipt.ID, State: engine.DeliveryUndelivered, Code: "30005",
		Detail: "the number is not known, or no longer in use (Twilio's 30005)",
	}
	if heard.Report == nil || *heard.Report != want || heard.Channel != "sms" || heard.Suppress != nil {
		t.Errorf("heard %+v, report %+v", heard, heard.Report)
	}
	h.server.Report(receipt.ID, "delivered", 0)
	first := h.one(t)
	h.server.Report(receipt.ID, "delivered", 0) // twice: the key tells
	if again := h.one(t); again.Key != first.Key || first.Key == heard.Key {
		t.Errorf("keys %q, %q and %q", heard.Key, first.Key, again.Key)
	}
	if first.Report.State != engine.DeliveryDelivered {
		t.Errorf("heard %+v", first.Report)
	}
}

func TestTwilioProvesALostReplyByItsCallback(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	s := h.sms(t, func(*SMS) {})
	h.server.Next(twiliotest.LoseReply)
	m := texted(mobile, "Hello")
	if _, err := s.Send(t.Context(), m); !engine.IsUnknown(err) {
		t.Fatalf("got %v", err)
	}
	sent := h.server.Last()
	h.server.Report(sent.ID, "sent", 0)
	if heard := h.one(t); heard.Report.Delivery != m.Delivery || heard.Report.ProviderID != sent.ID {
		t.Errorf("heard %+v", heard.Report)
	}
}

func TestTwilioForgedCallbacksAreCountedAndChangeNothing(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	s := h.sms(t, func(*SMS) {})
	receipt, err := s.Send(t.Context(), texted(mobile, "Hello"))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if got := h.server.Forge(receipt.ID, "delivered"); got != 403 {
			t.Errorf("answered %d", got)
		}
	}
	if len(h.heard) != 0 || s.line.forged.n.Load() != 5 || strings.Count(h.log.String(), "did not sign") != 3 {
		t.Errorf("heard %v, counted %d, said %s", h.heard, s.line.forged.n.Load(), h.log.String())
	}
}

func TestTwilioAnswersOnlyWhatIsItsOwn(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	h.sms(t, func(*SMS) {})
	base := h.outfit.Callbacks
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}, "To": {mobile}}
	for address, want := range map[string]int{
		base + "/status/nonsense": 404, base + "/": 404, base: 404, base + "/status/": 404, base + "/voice": 404,
		base + "/status/" + engine.DerivedID(engine.ID{}, "x").String() + "?a=b%20c": 204,
	} {
		if got := h.server.Call(address, form); got != want {
			t.Errorf("%s: answered %d, want %d", address, got, want)
		}
	}
	if got := h.server.Inbound(base+"/messages", "SM9", "whatsapp:"+mobile, "hi", ""); got != 404 {
		t.Errorf("a WhatsApp message to SMS: answered %d", got)
	}
	h.fail = errors.New("the store is away")
	if got := h.server.Inbound(base+"/messages", "SM9", mobile, "hi", ""); got != 503 {
		t.Errorf("while nothing can be kept: answered %d", got)
	}
	h.fail = engine.Permanent(errors.New("no sense"))
	if got := h.server.Inbound(base+"/messages", "SM9", mobile, "hi", ""); got != 400 {
		t.Errorf("what makes no sense: answered %d", got)
	}
}

func TestTwilioHearsReplies(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	h.sms(t, func(*SMS) {})
	for text, test := range map[string]struct {
		optOut       string
		suppressed   bool
		liftedByWord bool
	}{
		"Yes please, at 10": {}, "STOP": {suppressed: true}, "stop": {suppressed: true}, "END": {suppressed: true},
		"START": {liftedByWord: true}, "UNSTOP": {liftedByWord: true}, "HELP": {}, "please stop calling": {},
		"BAJA": {optOut: "STOP", suppressed: true}, "ALTA": {optOut: "START", liftedByWord: true},
		strings.Repeat("é", 5000): {},
	} {
		if got := h.server.Inbound(h.outfit.Callbacks+"/messages", "SM7", mobile, text, test.optOut); got != 200 {
			t.Fatalf("answered %d", got)
		}
		heard := h.one(t)
		want := engine.Reply{From: mobile, To: twiliotest.Number, Text: cut(text), ID: "SM7"}
		if heard.Reply == nil || *heard.Reply != want || heard.Key != "message:SM7" {
			t.Errorf("%.20s: heard %+v", text, heard)
		}
		if (len(heard.Suppress) == 1) != test.suppressed || (len(heard.Lift) == 1) != test.liftedByWord {
			t.Errorf("%.20s: suppress %v, lift %v", text, heard.Suppress, heard.Lift)
		}
		for _, s := range append(heard.Suppress, heard.Lift...) {
			if s.Address != mobile || s.Reason != engine.SuppressedOptOut || s.By != "recipient" || s.Channel != "sms" {
				t.Errorf("%.20s: %+v", text, s)
			}
		}
	}
}

func TestTwilioSuppressesWhoWantsNothingAndWhatIsNoNumber(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code   int
		reason engine.SuppressionReason
		by     string
	}{
		{21610, engine.SuppressedOptOut, "recipient"},
		{21211, engine.SuppressedBounce, "provider"},
		{21614, engine.SuppressedBounce, "provider"},
		{21612, "", ""},
		{21408, "", ""},
	} {
		h := newTwilioHouse(t, "sms")
		s := h.sms(t, func(*SMS) {})
		h.server.Next(twiliotest.Refusal(400, test.code))
		if _, err := s.Send(t.Context(), texted(mobile, "Hello")); !engine.IsPermanent(err) {
			t.Errorf("%d: got %v", test.code, err)
		}
		if test.reason == "" {
			if len(h.heard) != 0 {
				t.Errorf("%d: heard %+v", test.code, h.heard)
			}
			continue
		}
		heard := h.one(t)
		if len(heard.Suppress) != 1 || heard.Report != nil || heard.Reply != nil {
			t.Fatalf("%d: heard %+v", test.code, heard)
		}
		if got := heard.Suppress[0]; got.Address != mobile || got.Reason != test.reason || got.By != test.by {
			t.Errorf("%d: %+v", test.code, got)
		}
	}
}

// The same word can come later, by a callback: from a messaging service always.
func TestTwilioSuppressesByACallback(t *testing.T) {
	t.Parallel()
	h := newTwilioHouse(t, "sms")
	s := h.sms(t, func(s *SMS) { s.From, s.Service = "", twiliotest.Service })
	receipt, err := s.Send(t.Context(), texted(mobile, "Hello"))
	if err != nil {
		t.Fatal(err)
	}
	h.server.Report(receipt.ID, "failed", 21610)
	heard := h.one(t)
	if len(heard.Suppress) != 1 || heard.Suppress[0].Address != mobile || heard.Report == nil {
		t.Errorf("heard %+v", heard)
	}
}

func TestTwilioIsNotToldAnAddressItCannotReach(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://localhost:8080/callbacks/sms": false, "http://127.0.0.1:8080/callbacks/sms": false, "": false,
		"https://go.acme.example/callbacks/sms": true,
	} {
		h := newTwilioHouse(t, "sms")
		h.outfit.Callbacks = address
		s := h.sms(t, func(*SMS) {})
		if _, err := s.Send(t.Context(), texted(mobile, "Hello")); err != nil {
			t.Fatal(err)
		}
		if got := h.server.Last().Callback; (got != "") != want {
			t.Errorf("with %q the callback is %q", address, got)
		}
	}
}

func TestTwilioIsExamined(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		callbacks, token string
		want             string
	}{
		"all good": {"https://go.acme.example/callbacks/sms", twiliotest.Token, "login+ sender+ answers+"},
		"refused":  {"https://go.acme.example/callbacks/sms", "wrong", "login- sender+ answers+"},
		"alone":    {"", twiliotest.Token, "login+ sender+"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTwilioHouse(t, "sms")
			h.outfit.Callbacks, h.token = test.callbacks, secretFile(t, test.token)
			var got []string
			for _, f := range h.sms(t, func(*SMS) {}).Examine(t.Context(), engine.ExamineTools{}) {
				got = append(got, f.What+map[bool]string{true: "+", false: "-"}[f.Good])
				if f.Text == "" || f.Good == (f.Hint != "") {
					t.Errorf("finding %+v", f)
				}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("found %s, want %s", got, test.want)
			}
			if n := len(h.server.Messages()); n != 0 {
				t.Errorf("an examination sent %d messages", n)
			}
		})
	}
}
