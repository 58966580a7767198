package pages

import (
	"testing"

	"github.com/chromedp/chromedp"

	"postern/engine"
	"postern/internal/typist"
	"postern/portal/portaltest/house"
)

// T87: whole ways through a portal with scripts switched off, on a telephone, by the keyboard alone; each person has a
// browser of their own.
func TestT87PortalJourneys(t *testing.T) {
	browser := typist.Start(t)
	for name, journey := range map[string]func(*testing.T, *stage, *typist.Typist){
		"back after a fresh sign-in": signsInAfresh, "an employee": readsTheirSalary, "another customer": seesTheirOwn,
		"a second step": takesASecondStep,
	} {
		t.Run(name, func(t *testing.T) { journey(t, newStage(t), typist.New(browser, t, 360)) })
	}
}

// enters signs somebody in by the form.
func enters(s *stage, p *typist.Typist, portal string, who engine.Ref, heading string) {
	s.signIn(portal, who) // so that they have a password
	p.Opens(s.url+"/portal/"+portal, "Sign in")
	p.Types("#name", s.Fields(who).Text(s.Portals[portal].Subject.Login))
	p.Types("#password", password)
	p.Reads(chromedp.KeyEvent("\r"), heading)
}

// Ten minutes after signing in, an address is changed after one more sign-in, which leads back to the form.
func signsInAfresh(t *testing.T, s *stage, p *typist.Typist) {
	enters(s, p, house.Customers, house.Ana, "Welcome, Ana Ort")
	s.Advance(engine.FreshSignIn)
	p.Opens(s.url+"/portal/customers/edit/Contacts/12x1", "Change: Ana Ort")
	p.Presses(`.notice a`, "Sign in")
	p.Types("#name", "ana@acme.example")
	p.Types("#password", password)
	p.Reads(chromedp.KeyEvent("\r"), "Change: Ana Ort")
	p.Tabs(`input[name="email"]`)
	p.Edits("selectAll")
	p.Keys("ana.ort@acme.example")
	p.Reads(chromedp.KeyEvent("\r"), "Ana Ort")
	if got := p.Says(".notice"); got != "Saved. Thank you." {
		t.Errorf("the page says %q", got)
	}
	if got := s.Fields(house.Ana).Text("email"); got != "ana.ort@acme.example" {
		t.Errorf("the address is %q", got)
	}
}

// An employee reads their salary slip, and enters and deletes hours.
func readsTheirSalary(t *testing.T, s *stage, p *typist.Typist) {
	enters(s, p, house.Staff, house.Sam, "Welcome, Sam")
	p.Presses(`nav a[href$="/Salaries"]`, "Salary slip")
	p.Presses(`main a[href$="/41x1"]`, "2026-10")
	if got := p.Says("main dl"); got != "Month\n2026-10\nNet\n2,000" {
		t.Errorf("the slip reads %q", got)
	}
	p.Opens(s.url+"/portal/staff/records/Salaries/41x2", "This is not here")
	p.Presses(`nav a[href$="/TimeRecords"]`, "Time record")
	p.Presses(`main a[href$="/42x1"]`, "25 November 2026")
	p.Presses(`main a[href*="/delete/"]`, "Delete: 25 November 2026?")
	p.Presses(`main button.danger`, "Time record")
	if got := p.Says(".notice"); got != "Deleted." {
		t.Errorf("the page says %q", got)
	}
	if s.Fields(house.Ref("TimeRecords/42x1")) != nil {
		t.Error("the hours are still there")
	}
}

// A second customer finds their own tickets, and of the first one's nothing: not by searching, nor by an address.
func seesTheirOwn(_ *testing.T, s *stage, p *typist.Typist) {
	enters(s, p, house.Customers, house.Bob, "Welcome, Bob Roe")
	p.Presses(`main a[href$="/HelpDesk"]`, "Ticket")
	lists := func(want string) {
		for {
			got, err := chromedp.Run(p.Ctx, chromedp.Text(".sum, .empty"))
			if got == want {
				return
			}
			if p.Ctx.Err() != nil {
				s.t.Fatalf("the list says %q, want %q: %v", got, want, err)
			}
		}
	}
	lists("2 entries")
	p.Types("#q", "printer")
	p.Reads(chromedp.KeyEvent("\r"), "Ticket")
	lists("Nothing was found for this.\n\nShow all")
	for _, path := range []string{
		"/records/HelpDesk/17x1", "/edit/HelpDesk/17x1", "/records/Invoice/7x1", "/records/HelpDesk/17x1/ModComments",
		"/file/HelpDesk/17x1/attachment",
	} {
		p.Opens(s.url+start+path, "This is not here")
	}
	p.Presses(`main a.button`, "Welcome, Bob Roe")
}

// Somebody sets up an authenticator by typing its secret, and signs in with its code, and then with a recovery code.
func takesASecondStep(t *testing.T, s *stage, p *typist.Typist) {
	enters(s, p, house.Customers, house.Alan, "Welcome, Alan Poe")
	p.Opens(s.url+security, "Security")
	p.Presses(`section[aria-labelledby="authenticator"] button`, "Set up your authenticator")
	app := s.phone(shown{text: `<p class="code" dir="ltr">` + p.Says("p.code") + `</p>`})
	p.Types("#code", app.code())
	p.Reads(chromedp.KeyEvent("\r"), "Keep these recovery codes")
	kept := p.Says(".codes li")
	p.Presses("main a.button", "Security")
	out(p)

	s.Advance(2 * engine.FreshSignIn)
	p.Types("#name", "alan@acme.example")
	p.Types("#password", password)
	p.Reads(chromedp.KeyEvent("\r"), "One more step")
	p.Keys(app.code()) // the field has the focus
	p.Reads(chromedp.KeyEvent("\r"), "Welcome, Alan Poe")
	out(p)

	p.Types("#name", "alan@acme.example")
	p.Types("#password", password)
	p.Reads(chromedp.KeyEvent("\r"), "One more step")
	p.Keys(kept)
	p.Reads(chromedp.KeyEvent("\r"), "Welcome, Alan Poe")
}

// out signs somebody out.
func out(p *typist.Typist) {
	p.Tabs(".account summary")
	p.Keys("\r")
	p.Presses(".account button", "Sign in")
}
