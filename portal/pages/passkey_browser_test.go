package pages

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"postern/engine"
	"postern/internal/typist"
	"postern/portal/portaltest/house"
)

// T69, in a browser with a device of its own: a passkey is made, signs in without a name, and is asked for after a
// password; where the device does not know its owner, nobody gets in.
func TestT69PasskeyInABrowser(t *testing.T) {
	s := newStage(t)
	tab, closeTab := chromedp.NewContext(typist.Start(t), chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	var device webauthn.AuthenticatorID
	err := chromedp.Do(tab, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		made, err := cdp.Call(ctx, target, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
			Options: &webauthn.VirtualAuthenticatorOptions{
				Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
				HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
				AutomaticPresenceSimulation: true,
			},
		})
		device = made.AuthenticatorID
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	t.Cleanup(cancel)
	wears(t, ctx, s.url, "ps-"+house.Customers, s.signIn(house.Customers, house.Ana))
	typist.Say(ctx, t, chromedp.Navigate(s.url+security), "Security")
	typist.Say(ctx, t, chromedp.Click(`form:has([value="passkey"]) button`), "Keep these recovery codes")
	typist.Say(ctx, t, chromedp.Navigate(s.url+security), "Security")
	if text, err := chromedp.Run(ctx, chromedp.Text("main")); err != nil || !strings.Contains(text, "Passkey of") {
		t.Errorf("no passkey is listed: %v\n%s", err, text)
	}

	wears(t, ctx, s.url, "ps-"+house.Customers, "")
	typist.Say(ctx, t, chromedp.Navigate(s.url+"/portal/customers/passkey"), "Use your passkey")
	typist.Say(ctx, t, chromedp.Click("form button"), "Welcome")

	keepsPasskey(t, ctx, s)

	wears(t, ctx, s.url, "ps-"+house.Customers, "")
	err = chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		unknown := webauthn.SetUserVerifiedParams{AuthenticatorID: device, IsUserVerified: false}
		_, err := cdp.Call(ctx, target, webauthn.SetUserVerified, unknown)
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	typist.Say(ctx, t, chromedp.Navigate(s.url+"/portal/customers/passkey"), "Use your passkey")
	if err := chromedp.Do(ctx, chromedp.Click("form button"), chromedp.WaitVisible(`[data-say="failed"]`)); err != nil {
		t.Fatal(err)
	}
}

// keepsPasskey signs in by a password with the passkey as the second step, names the passkey, and goes on to show once
// more by it who one is; then it is removed.
func keepsPasskey(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	wears(t, ctx, s.url, "ps-"+house.Customers, "")
	typist.Say(ctx, t, chromedp.Navigate(s.url+signInAt), "Sign in")
	for field, text := range map[string]string{"#name": "ana@acme.example", "#password": password} {
		if err := chromedp.Do(ctx, chromedp.SendKeys(field, text)); err != nil {
			t.Fatal(err)
		}
	}
	typist.Say(ctx, t, chromedp.Click("#sign-in button"), "One more step")
	typist.Say(ctx, t, chromedp.Click(`form:has([value="use"]) button`), "Welcome")

	s.Advance(engine.FreshSignIn)
	typist.Say(ctx, t, chromedp.Navigate(s.url+security), "Security")
	if err := chromedp.Do(ctx, chromedp.Click(`form:has([value="use"]) button`)); err != nil {
		t.Fatal(err)
	}
	steps(t, ctx, "You can change this page for ten minutes.")
	steps(t, ctx, "Rename", chromedp.Click(".passkey summary"))
	steps(t, ctx, "It has been renamed.", chromedp.SetValue(`.passkey [name="name"]`, "The blue key"),
		chromedp.Click(`form:has([value="rename"]) button`))
	steps(t, ctx, "The blue key")
	steps(t, ctx, "Rename", chromedp.Click(".passkey summary"))
	steps(t, ctx, "You have no passkey yet.", chromedp.Click(`form:has([value="remove"]) button`))
}

// wears gives the browser a cookie.
func wears(t *testing.T, ctx context.Context, address, name, value string) {
	t.Helper()
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		cookie := network.SetCookieParams{Name: name, Value: value, URL: address}
		_, err := cdp.Call(ctx, target, network.SetCookie, cookie)
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}
