package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/portal"
)

// portalWhole is all that an operator sees of somebody who may sign in.
type portalWhole struct {
	Portal        string        `json:"portal"`
	Record        string        `json:"record"`
	Title         string        `json:"title"`
	Name          string        `json:"name"`
	SharedName    bool          `json:"shared_name,omitempty"` // another record has it too: nobody gets in by it
	MaySignIn     bool          `json:"may_sign_in"`
	Why           string        `json:"why,omitempty"` // not
	Role          string        `json:"role"`
	Language      string        `json:"language,omitempty"`
	Password      time.Time     `json:"password,omitzero"` // when it was set
	Disabled      time.Time     `json:"disabled,omitzero"`
	Passkeys      int           `json:"passkeys"`
	Authenticator bool          `json:"authenticator"`
	RecoveryCodes int           `json:"recovery_codes"`
	Wrong         int           `json:"wrong_passwords"`       // of strangers, since somebody last got in
	LockedUntil   time.Time     `json:"locked_until,omitzero"` // for strangers
	Sessions      []sessionLine `json:"sessions"`
}

// sessionLine is a session of somebody.
type sessionLine struct {
	ID     engine.ID `json:"id"`
	Began  time.Time `json:"began"`
	Seen   time.Time `json:"seen"`
	By     string    `json:"by"`
	Second bool      `json:"second_factor"`
	From   string    `json:"from,omitempty"`
	Agent  string    `json:"agent,omitempty"`
}

var portalShow = operation[whoOrder, portalWhole]{"portal/show", needsBook, (*house).showSubject}

func portalShowCommand() *cobra.Command {
	var at site
	cmd := &cobra.Command{
		Use:   "show PORTAL WHO",
		Short: "Show how somebody stands: may they sign in, by what, from where",
		Long: `Show tells whether somebody may sign in to a portal and why not, whether they have a password and
second factors, and where they are signed in. Who is what they sign in with, or their record as Module/id.`,
		Example: `  postern portal show customers zoe@acme.example --config postern.yaml
  postern portal show employees Employees/30x1`,
		Args: portalAndWho(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			whole, err := portalShow.ask(cmd.Context(), &at, whoOrder{Portal: args[0], Who: args[1]})
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), whole, whole.layOut)
		},
	}
	at.flags(cmd)
	return cmd
}

func (h *house) showSubject(ctx context.Context, order whoOrder) (portalWhole, error) {
	gate, err := h.gate()
	if err != nil {
		return portalWhole{}, err
	}
	s, err := gate.Standing(ctx, order.Portal, order.Who)
	if err != nil {
		return portalWhole{}, h.plainPortal(order.Portal, err)
	}
	now := engine.SystemClock{}.Now()
	whole := portalWhole{
		Portal: order.Portal, Record: s.Ref.String(), Title: s.Title, Name: s.Name, SharedName: s.Shared,
		MaySignIn: s.Refused == "", Why: s.Refused, Role: s.Role, Language: s.Language, Disabled: s.Account.Disabled,
		Passkeys: len(s.Enrolled.Passkeys), Authenticator: s.Enrolled.Authenticator != nil,
		RecoveryCodes: s.Enrolled.RecoveryCodes, Wrong: s.Lane.Wrong, Sessions: []sessionLine{},
	}
	if s.Account.HasPassword() {
		whole.Password = s.Account.Set
	}
	if !s.Lane.Open(now) {
		whole.LockedUntil = s.Lane.Until
	}
	for _, session := range s.Sessions {
		whole.Sessions = append(whole.Sessions, sessionLine{
			ID: session.ID, Began: session.Began, Seen: session.Seen, By: string(session.Method),
			Second: session.Second, From: session.From, Agent: session.Agent,
		})
	}
	return whole, nil
}

// plainPortal is an error of the gate as operators read it.
func (h *house) plainPortal(name string, err error) error {
	named, isName := errors.AsType[*portal.NameError](err)
	refused, isRefused := errors.AsType[*portal.RefusedError](err)
	switch {
	case errors.Is(err, portal.ErrNoPortal):
		return noPortal(name, h.bookInUse().Portals)
	case errors.Is(err, portal.ErrMethod):
		return fmt.Errorf("nobody signs in to portal %s by password: its methods do not name it", name)
	case errors.Is(err, portal.ErrNoFactor):
		return errors.New("they have no second factor and no recovery codes: there is nothing to delete")
	case isName:
		return named
	case isRefused:
		return refused
	}
	return err
}

func (w portalWhole) layOut(out *strings.Builder) {
	var t table
	t.row("who", oneLine(w.Title, 60))
	t.row("record", oneLine(w.Record, 60))
	t.row("signs in with", w.signsInWith())
	may := "yes"
	if !w.MaySignIn {
		may = "no: " + oneLine(w.Why, 120)
	}
	t.row("may sign in", may)
	t.row("role", w.Role)
	t.row("language", orDash(oneLine(w.Language, 20)))
	password := "none"
	if !w.Password.IsZero() {
		password = "set " + clockText(w.Password)
	}
	t.row("password", password)
	t.row("second factors", w.factors())
	locked := "no"
	switch {
	case w.LockedUntil.Year() >= 9999:
		locked = fmt.Sprintf("for strangers, until they sign in or it is unlocked: %d wrong passwords", w.Wrong)
	case !w.LockedUntil.IsZero():
		locked = fmt.Sprintf("for strangers, until %s: %d wrong passwords", clockText(w.LockedUntil), w.Wrong)
	}
	t.row("locked", locked)
	if !w.Disabled.IsZero() {
		t.row("disabled", clockText(w.Disabled))
	}
	t.write(out)
	out.WriteString("\n")
	layOutSessions(out, w.Sessions)
	layOutNext(out, w.next())
}

// signsInWith is the name that somebody signs in with, and whether they get in by it.
func (w portalWhole) signsInWith() string {
	name := orDash(oneLine(w.Name, 80))
	if w.SharedName {
		name += ", as another record does: nobody gets in by it"
	}
	return name
}

// factors are the second factors that somebody has enrolled.
func (w portalWhole) factors() string {
	has := map[string]bool{
		counted(w.Passkeys, "passkey"): w.Passkeys > 0, "authenticator": w.Authenticator,
		counted(w.RecoveryCodes, "recovery code"): w.RecoveryCodes > 0,
	}
	var said []string
	for _, name := range slices.Sorted(maps.Keys(has)) {
		if has[name] {
			said = append(said, name)
		}
	}
	if said == nil {
		return "none"
	}
	return strings.Join(said, ", ")
}

// next is what an operator may do about somebody.
func (w portalWhole) next() (next []string) {
	who := w.Portal + " " + w.Record
	if w.MaySignIn && !w.SharedName && w.Password.IsZero() {
		next = append(next, "to send a link by which they choose a password: postern portal invite "+who)
	}
	if !w.LockedUntil.IsZero() {
		next = append(next, "to let strangers try again: postern portal unlock "+who)
	}
	if !w.Disabled.IsZero() {
		next = append(next, "to let them in again: postern portal enable "+who)
	}
	return next
}

func layOutSessions(out *strings.Builder, sessions []sessionLine) {
	if len(sessions) == 0 {
		out.WriteString("not signed in\n")
		return
	}
	var t table
	t.row("SESSION", "BEGAN", "LAST SEEN", "BY", "FROM", "BROWSER")
	for _, s := range sessions {
		by := s.By
		if s.Second {
			by += " + second factor"
		}
		t.row(shortID(s.ID), clockText(s.Began), clockText(s.Seen), by, orDash(s.From), orDash(oneLine(s.Agent, 60)))
	}
	t.write(out)
}
