package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/portal"
)

func portalCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "portal",
		Short: "Portals: who may sign in, their sessions, invitations",
		Long: `Portals let people sign in who have a record in the CRM: the files under portal/ say who. Here they are
looked at, invited, shut out and let in again. Somebody is named by what they sign in with, or by their
record as Module/id. Nobody sees or chooses the password of somebody else: an invitation sends a link.`,
	})
	cmd.AddCommand(
		portalListCommand(), portalShowCommand(), portalInviteCommand(), portalDisableCommand(), portalEnableCommand(),
		portalDeletePasswordCommand(), portalDeleteFactorsCommand(),
		portalUnlockCommand(), portalSessionsCommand(), portalImportCommand(),
		portalExplainCommand(), portalAppKeyCommand(),
	)
	return cmd
}

// portalLine is a portal in a list.
type portalLine struct {
	Portal    string   `json:"portal"`
	Module    string   `json:"module"`
	Login     string   `json:"login"`
	Methods   []string `json:"methods"`
	Roles     []string `json:"roles"`
	Passwords int      `json:"passwords"`
	Sessions  int      `json:"sessions"`
	Disabled  int      `json:"disabled"`
}

// accountLine is somebody of whom a portal keeps something.
type accountLine struct {
	Record   string    `json:"record"`
	Password time.Time `json:"password,omitzero"` // when it was set
	Disabled time.Time `json:"disabled,omitzero"`
}

// portalListOrder asks for the portals, or for the accounts of one.
type portalListOrder struct {
	Portal string `json:"portal,omitempty"`
	After  string `json:"after,omitempty"`
	Limit  int    `json:"limit,omitempty"`
}

// portalListed is what there is: portals, or accounts.
type portalListed struct {
	Portals  []portalLine  `json:"portals,omitempty"`
	Accounts []accountLine `json:"accounts,omitempty"`
}

var portalList = operation[portalListOrder, portalListed]{"portal/ls", needsBook, (*house).listPortals}

func portalListCommand() *cobra.Command {
	var at site
	var order portalListOrder
	cmd := &cobra.Command{
		Use:   "ls [PORTAL]",
		Short: "List the portals, or whom one keeps something of",
		Long: `Ls lists the portals of the book with how many passwords, sessions and shut-out people they have. With
the name of a portal it lists the records of which it keeps something: those with a password, and those
shut out. Everybody else signs in by passkey or link, or has not been here yet.`,
		Example: `  postern portal ls --config postern.yaml
  postern portal ls customers --limit 100`,
		Args: oneArgument("portal"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			if order.Limit < 1 || order.Limit > 1000 {
				return fmt.Errorf("--limit is between 1 and 1000")
			}
			if len(args) > 0 {
				order.Portal = args[0]
			}
			listed, err := portalList.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), listed, func(out *strings.Builder) { listed.layOut(out, order) })
		},
	}
	at.flags(cmd)
	cmd.Flags().IntVar(&order.Limit, "limit", 50, "lines at most, up to 1000")
	cmd.Flags().StringVar(&order.After, "after", "", "only records after this one, Module/id: the next page")
	return cmd
}

func (h *house) listPortals(ctx context.Context, order portalListOrder) (portalListed, error) {
	portals := h.bookInUse().Portals
	var listed portalListed
	if order.Portal == "" {
		for _, name := range slices.Sorted(maps.Keys(portals)) {
			line, err := h.portalLine(ctx, portals[name])
			if err != nil {
				return listed, err
			}
			listed.Portals = append(listed.Portals, line)
		}
		return listed, nil
	}
	if portals[order.Portal] == nil {
		return listed, noPortal(order.Portal, portals)
	}
	accounts, err := h.store.PortalAccounts(ctx, order.Portal, order.After, order.Limit)
	listed.Accounts = make([]accountLine, len(accounts))
	for i, a := range accounts {
		listed.Accounts[i] = accountLine{Record: a.Subject.String(), Disabled: a.Disabled}
		if a.HasPassword() {
			listed.Accounts[i].Password = a.Set
		}
	}
	return listed, err
}

func (h *house) portalLine(ctx context.Context, p *engine.Portal) (portalLine, error) {
	tally, err := h.store.PortalTally(ctx, p.Name, engine.SystemClock{}.Now())
	line := portalLine{
		Portal: p.Name, Module: p.Subject.Module.Name, Login: p.Subject.Login,
		Roles:     slices.Sorted(maps.Keys(p.Roles)),
		Passwords: tally.Passwords, Sessions: tally.Sessions, Disabled: tally.Disabled,
	}
	for _, method := range p.SignIn.Methods {
		line.Methods = append(line.Methods, string(method))
	}
	return line, err
}

// noPortal says that there is no portal by a name, and which there are.
func noPortal(name string, portals map[string]*engine.Portal) error {
	if len(portals) == 0 {
		return fmt.Errorf("there is no portal %q: the book has none; a file under portal/ makes one", name)
	}
	return fmt.Errorf("there is no portal %q in the book; it has %s", name,
		strings.Join(slices.Sorted(maps.Keys(portals)), ", "))
}

func (l portalListed) layOut(out *strings.Builder, order portalListOrder) {
	var t table
	switch {
	case order.Portal == "" && len(l.Portals) == 0:
		out.WriteString("no portals: a file under portal/ of the book makes one\n")
	case order.Portal == "":
		t.row("PORTAL", "WHO", "SIGN IN WITH", "BY", "ROLES", "PASSWORDS", "SESSIONS", "DISABLED")
		for _, p := range l.Portals {
			t.row(p.Portal, p.Module, p.Login, strings.Join(p.Methods, ", "), strings.Join(p.Roles, ", "),
				fmt.Sprint(p.Passwords), fmt.Sprint(p.Sessions), fmt.Sprint(p.Disabled))
		}
	case len(l.Accounts) == 0:
		out.WriteString("nobody yet\n")
	default:
		t.row("RECORD", "PASSWORD SET", "DISABLED")
		for _, a := range l.Accounts {
			t.row(oneLine(a.Record, 60), clockText(a.Password), clockText(a.Disabled))
		}
	}
	t.write(out)
	if n := len(l.Accounts); n > 0 && n == order.Limit {
		fmt.Fprintf(out, "\nthere may be more: --after %s\n", l.Accounts[n-1].Record)
	}
}

// whoOrder names somebody who may sign in, and what is to be done about them.
type whoOrder struct {
	opOrder
	Portal  string           `json:"portal"`
	Who     string           `json:"who"`
	Do      portal.OrderKind `json:"do,omitempty"`
	Session string           `json:"session,omitempty"`
}

// portalAndWho lets a command have a portal and somebody.
func portalAndWho() cobra.PositionalArgs {
	return arguments(2, 2, "a portal and somebody, such as customers zoe@acme.example")
}
