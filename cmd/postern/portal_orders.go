package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/portal"
	"postern/workflows"
)

// portalDone says about whom something was done.
type portalDone struct {
	Portal string `json:"portal"`
	Record string `json:"record"`
	Done   string `json:"done"`
}

var (
	portalInvite  = operation[whoOrder, portalDone]{"portal/invite", needsBook, (*house).inviteSubject}
	portalGovern  = operation[whoOrder, portalDone]{"portal/govern", needsBook, (*house).governSubject}
	portalEnd     = operation[whoOrder, portalDone]{"portal/sessions/end", needsBook, (*house).endSession}
	governedTexts = map[portal.OrderKind]string{
		portal.OrderDisable:        "is shut out, and signed out everywhere",
		portal.OrderEnable:         "may sign in again, as far as their record lets them",
		portal.OrderDeletePassword: "has no password any more, and is signed out everywhere",
		portal.OrderDeleteFactors:  "has no second factor any more, is signed out everywhere, and is told",
		portal.OrderUnlock:         "is unlocked: wrong passwords are forgotten",
		portal.OrderEndAll:         "is signed out everywhere, and no browser is known any more",
	}
)

func portalInviteCommand() *cobra.Command {
	return whoCommand(portalInvite, "", &cobra.Command{
		Use:   "invite PORTAL WHO",
		Short: "Send somebody a link by which they choose a password",
		Long: `Invite tells the event portal.invited, on which a workflow of the book sends the link: in the shipped one
portal-invitation. It works once, and ends those that they were sent before. Whoever may not sign in is not
invited, and nobody is while no workflow would send the link: "postern new portal" writes one.`,
		Example: `  postern portal invite customers zoe@acme.example --config postern.yaml
  postern portal invite employees Employees/30x1 --reason "starts on Monday"`,
	})
}

func portalDisableCommand() *cobra.Command {
	return whoCommand(portalGovern, portal.OrderDisable, &cobra.Command{
		Use:   "disable PORTAL WHO",
		Short: "Shut somebody out, and sign them out everywhere",
		Long: `Disable shuts somebody out of a portal whatever their record says, from the next request on, and ends all
their sessions. Their password and second factors stay for when they are enabled again.`,
		Example: `  postern portal disable customers zoe@acme.example --reason "contract ended"`,
	})
}

func portalEnableCommand() *cobra.Command {
	return whoCommand(portalGovern, portal.OrderEnable, &cobra.Command{
		Use:     "enable PORTAL WHO",
		Short:   "Let somebody in again who was shut out",
		Long:    `Enable takes disable back. Whether they may sign in is then again for their record to say.`,
		Example: `  postern portal enable customers zoe@acme.example`,
	})
}

func portalDeletePasswordCommand() *cobra.Command {
	return whoCommand(portalGovern, portal.OrderDeletePassword, &cobra.Command{
		Use:   "delete-password PORTAL WHO",
		Short: "Delete somebody's password, and sign them out everywhere",
		Long: `Delete-password removes the password, so that nobody signs in with it any more. They choose another
one by an invitation, or by themselves on the page "Forgot your password?".`,
		Example: `  postern portal delete-password customers zoe@acme.example --reason "was shared"`,
	})
}

func portalUnlockCommand() *cobra.Command {
	return whoCommand(portalGovern, portal.OrderUnlock, &cobra.Command{
		Use:   "unlock PORTAL WHO",
		Short: "Forget wrong passwords, so that a new browser need not wait",
		Long: `Unlock lets a right password in from a new browser at once, after many wrong ones. Browsers that they
have used before, passkeys and links by mail are never locked.`,
		Example: `  postern portal unlock customers zoe@acme.example`,
	})
}

// whoCommand completes a command that does one thing about somebody.
func whoCommand(op operation[whoOrder, portalDone], do portal.OrderKind, cmd *cobra.Command) *cobra.Command {
	var at site
	order := whoOrder{Do: do}
	cmd.Args = portalAndWho()
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		order.Portal, order.Who = args[0], args[1]
		return order.give(cmd, &at, op)
	}
	at.flags(cmd)
	order.flags(cmd)
	return cmd
}

// give has the order done, and says so.
func (o whoOrder) give(cmd *cobra.Command, at *site, op operation[whoOrder, portalDone]) error {
	if err := errors.Join(at.load(cmd), o.check()); err != nil {
		return err
	}
	done, err := op.ask(cmd.Context(), at, o)
	if err != nil {
		return err
	}
	return at.print(cmd.OutOrStdout(), done, func(out *strings.Builder) {
		fmt.Fprintf(out, "%s %s\n", done.Record, done.Done)
	})
}

func (h *house) inviteSubject(ctx context.Context, order whoOrder) (portalDone, error) {
	gate, err := h.gate()
	if err != nil {
		return portalDone{}, err
	}
	if err := uninvited(h.bookInUse(), order.Portal); err != nil {
		return portalDone{}, err
	}
	ref, err := gate.Invite(ctx, order.Portal, order.Who, order.order())
	return h.did(order, ref, "is invited: a workflow sends the link", err)
}

// uninvited says that an invitation to a portal would reach nobody, for want of a workflow; nil where one may send it.
func uninvited(book *engine.Book, name string) error {
	p := book.Portals[name]
	if p == nil {
		return nil // which is for the gate to say
	}
	for _, m := range workflows.Unheard(book, p) {
		if m.Event == engine.PortalInvited {
			return fmt.Errorf("nobody is invited: no workflow of the book is on %s of %s for portal %s, so nothing "+
				"would be sent. `postern new portal %[3]s` writes one, and `postern reload` brings it in", m.Event,
				p.Subject.Module.Name, name)
		}
	}
	return nil
}

func (h *house) governSubject(ctx context.Context, order whoOrder) (portalDone, error) {
	gate, err := h.gate()
	if err != nil {
		return portalDone{}, err
	}
	if governedTexts[order.Do] == "" {
		return portalDone{}, fmt.Errorf("%q is nothing that can be ordered about an account", order.Do)
	}
	ref, err := gate.Order(ctx, order.Portal, order.Who, order.Do, order.order())
	return h.did(order, ref, governedTexts[order.Do], err)
}

func (h *house) did(order whoOrder, ref engine.Ref, done string, err error) (portalDone, error) {
	if err != nil {
		return portalDone{}, h.plainPortal(order.Portal, err)
	}
	return portalDone{Portal: order.Portal, Record: ref.String(), Done: done}, nil
}

func portalSessionsCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "sessions",
		Short: "Sessions of somebody: list, end",
		Long:  `Sessions tells where somebody is signed in to a portal, and ends one of these sessions or all.`,
	})
	cmd.AddCommand(portalSessionListCommand(), portalSessionEndCommand())
	return cmd
}

func portalSessionListCommand() *cobra.Command {
	var at site
	cmd := &cobra.Command{
		Use:     "ls PORTAL WHO",
		Short:   "List where somebody is signed in, the latest used first",
		Example: `  postern portal sessions ls customers zoe@acme.example`,
		Args:    portalAndWho(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			whole, err := portalShow.ask(cmd.Context(), &at, whoOrder{Portal: args[0], Who: args[1]})
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), whole.Sessions, func(out *strings.Builder) {
				layOutSessions(out, whole.Sessions)
			})
		},
	}
	at.flags(cmd)
	return cmd
}

func portalSessionEndCommand() *cobra.Command {
	var at site
	var order whoOrder
	var all bool
	cmd := &cobra.Command{
		Use:   "end PORTAL WHO [SESSION]",
		Short: "End a session of somebody, or all with --all",
		Long: `End signs somebody out: of one session, named by its id or the end of it, or of all. With --all no
browser is known any more either, so that the next sign-in counts as one from a new browser.`,
		Example: `  postern portal sessions end customers zoe@acme.example 8f22937a
  postern portal sessions end customers zoe@acme.example --all --reason "lost her telephone"`,
		Args: arguments(2, 3, "a portal, somebody, and a session or --all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			order.Portal, order.Who = args[0], args[1]
			switch {
			case all == (len(args) == 3):
				return errors.New("postern portal sessions end needs the id of a session, or --all; " +
					"see `postern portal sessions end --help`")
			case all:
				order.Do = portal.OrderEndAll
				return order.give(cmd, &at, portalGovern)
			}
			order.Session = args[2]
			return order.give(cmd, &at, portalEnd)
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "end all sessions")
	return cmd
}

func (h *house) endSession(ctx context.Context, order whoOrder) (portalDone, error) {
	gate, err := h.gate()
	if err != nil {
		return portalDone{}, err
	}
	s, err := gate.Standing(ctx, order.Portal, order.Who)
	if err != nil {
		return h.did(order, s.Ref, "", err)
	}
	id, err := namedSession(s.Sessions, order.Session)
	if err == nil {
		err = gate.EndOne(ctx, order.Portal, order.Who, id, order.order())
	}
	return h.did(order, s.Ref, "is signed out there", err)
}

// namedSession is the session whose id is a text, or ends so.
func namedSession(sessions []portal.Session, text string) (found engine.ID, err error) {
	if len(strings.ReplaceAll(text, "-", "")) < leastEnding {
		return found, fmt.Errorf("%q is too short for the end of an id: give at least %d characters of it", text,
			leastEnding)
	}
	for _, s := range sessions {
		if strings.HasSuffix(s.ID.String(), strings.ToLower(text)) {
			return s.ID, nil
		}
	}
	return found, fmt.Errorf("they have no session whose id ends in %q: `postern portal sessions ls` shows them", text)
}

// gate is what operators ask about people who sign in: that of the running engine or, where a command has opened the
// folder itself, one of its own.
func (h *house) gate() (*portal.Gate, error) {
	if h.portals != nil {
		return h.portals.gate, nil
	}
	if err := h.openCRM(); err != nil {
		return nil, err
	}
	records, searches := h.crm.(portal.CRM)
	if !searches {
		return nil, errors.New("the CRM cannot be searched, which a portal needs: see crm.kind")
	}
	return h.newGate(records)
}
