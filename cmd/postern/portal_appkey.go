package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/yamldoc"
	"postern/portal"
)

var (
	appKeyNew    = operation[appKeyOrder, appKeyMade]{"portal/app-key/new", needsBook, (*house).makeAppKey}
	appKeyList   = operation[appKeyOrder, []appKeyLine]{"portal/app-key/ls", needsBook, (*house).listAppKeys}
	appKeyRevoke = operation[appKeyOrder, appKeyLine]{"portal/app-key/revoke", needsBook, (*house).revokeAppKey}
)

// appKeyOrder names an app key, or one that is to be made.
type appKeyOrder struct {
	opOrder
	Portal  string        `json:"portal"`
	Client  string        `json:"client,omitempty"`
	Subject string        `json:"subject,omitempty"`
	Life    time.Duration `json:"life,omitempty"`
	ID      string        `json:"id,omitempty"`
}

// appKeyLine is an app key, without its secret.
type appKeyLine struct {
	ID      string    `json:"id"`
	Client  string    `json:"client"`
	Subject string    `json:"subject"`
	Made    time.Time `json:"made,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	Used    time.Time `json:"used,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// appKeyMade is a new app key, whose secret is told this once.
type appKeyMade struct {
	appKeyLine
	Secret string `json:"secret"`
}

func portalAppKeyCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "app-key",
		Short: "App keys, by which programs sign in to a portal's web service",
		Long: `An app key is a secret that a program signs in with in place of a password, to webservice.php of a portal
while web.portal.facade.app_keys is true. The program acts as the record that the key is made for.`,
	})
	cmd.AddCommand(appKeyNewCommand(), appKeyListCommand(), appKeyRevokeCommand())
	return cmd
}

func appKeyNewCommand() *cobra.Command {
	var at site
	var order appKeyOrder
	var life string
	cmd := &cobra.Command{
		Use:   "new PORTAL CLIENT MODULE/ID",
		Short: "Make an app key, and show its secret this once",
		Long: `New makes an app key for a program that signs in with the name CLIENT and may do what the person of the
record may. The secret is shown once. A program may have several keys, so that they can be changed.`,
		Example: `  postern portal app-key new customers warehouse Contacts/12x8614 --for 90d --config postern.yaml`,
		Args:    arguments(3, 3, "a portal, the name of a program, and a record as Module/id"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := errors.Join(at.load(cmd), order.check()); err != nil {
				return err
			}
			order.Portal, order.Client, order.Subject = args[0], args[1], args[2]
			if order.Life, err = yamldoc.ParseDuration(life); err != nil || order.Life <= 0 ||
				order.Life > portal.AppKeyMost {
				return errors.New("--for is a time such as 90d, and two years at most")
			}
			made, err := appKeyNew.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), made, func(out *strings.Builder) {
				fmt.Fprintf(out, "%s\n\nThis is the secret of key %s; it is not shown again. It is good until %s.\n",
					made.Secret, made.ID, made.Expires.Format(time.DateOnly))
				if !at.config.Web.Portal.Facade.AppKeys {
					out.WriteString("No program signs in by it while web.portal.facade.app_keys is not true.\n")
				}
			})
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	cmd.Flags().StringVar(&life, "for", "365d", "how long the key is good for")
	return cmd
}

func appKeyListCommand() *cobra.Command {
	var at site
	cmd := &cobra.Command{
		Use:     "ls PORTAL [CLIENT]",
		Short:   "List app keys, the newest first",
		Example: `  postern portal app-key ls customers`,
		Args:    arguments(1, 2, "a portal, and perhaps the name of a program"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.load(cmd); err != nil {
				return err
			}
			order := appKeyOrder{Portal: args[0]}
			if len(args) > 1 {
				order.Client = args[1]
			}
			lines, err := appKeyList.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) { layOutAppKeys(out, lines) })
		},
	}
	at.flags(cmd)
	return cmd
}

func layOutAppKeys(out *strings.Builder, lines []appKeyLine) {
	if len(lines) == 0 {
		out.WriteString("no app keys\n")
		return
	}
	var t table
	t.row("KEY", "CLIENT", "ACTS AS", "UNTIL", "USED")
	for _, l := range lines {
		until, used := l.Expires.Format(time.DateOnly), "never"
		if !l.Revoked.IsZero() {
			until = "revoked " + l.Revoked.Format(time.DateOnly)
		}
		if !l.Used.IsZero() {
			used = l.Used.Format(time.DateOnly)
		}
		t.row(l.ID, oneLine(l.Client, 40), oneLine(l.Subject, 40), until, used)
	}
	t.write(out)
}

func appKeyRevokeCommand() *cobra.Command {
	var at site
	var order appKeyOrder
	cmd := &cobra.Command{
		Use:     "revoke PORTAL KEY",
		Short:   "End an app key, and the sessions of who it acts as",
		Example: `  postern portal app-key revoke customers 01a2174c-3500-87a9-adfc-907469bb9ba6`,
		Args:    arguments(2, 2, "a portal and the id of a key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(at.load(cmd), order.check()); err != nil {
				return err
			}
			order.Portal, order.ID = args[0], args[1]
			line, err := appKeyRevoke.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), line, func(out *strings.Builder) {
				fmt.Fprintf(out, "key %s is revoked\n", line.ID)
			})
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	return cmd
}

func (h *house) makeAppKey(ctx context.Context, order appKeyOrder) (appKeyMade, error) {
	gate, err := h.gate()
	if err != nil {
		return appKeyMade{}, err
	}
	ref, err := engine.ParseRef(order.Subject)
	if err != nil {
		return appKeyMade{}, fmt.Errorf("whom does the program act as? %w, such as Contacts/12x1", err)
	}
	key, secret, err := gate.MakeAppKey(ctx, order.Portal, order.Client, ref, order.Life, order.order())
	switch {
	case errors.Is(err, portal.ErrMalformed):
		return appKeyMade{}, fmt.Errorf("%q cannot be the name of a program: it has 1 to %d bytes", order.Client,
			portal.MaxName)
	case errors.Is(err, engine.ErrNoRecord):
		return appKeyMade{}, fmt.Errorf("%s is nobody who signs in to portal %s", ref, order.Portal)
	case err != nil:
		return appKeyMade{}, h.plainPortal(order.Portal, err)
	}
	return appKeyMade{appKeyLine: lineOfAppKey(key), Secret: secret}, nil
}

func (h *house) listAppKeys(ctx context.Context, order appKeyOrder) ([]appKeyLine, error) {
	if portals := h.bookInUse().Portals; portals[order.Portal] == nil {
		return nil, noPortal(order.Portal, portals)
	}
	keys, err := h.store.AppKeys(ctx, order.Portal, order.Client)
	if err != nil {
		return nil, err
	}
	lines := make([]appKeyLine, len(keys))
	for i, key := range keys {
		lines[i] = lineOfAppKey(key)
	}
	return lines, nil
}

func (h *house) revokeAppKey(ctx context.Context, order appKeyOrder) (appKeyLine, error) {
	gate, err := h.gate()
	if err != nil {
		return appKeyLine{}, err
	}
	id, err := engine.ParseID(order.ID)
	if err != nil {
		return appKeyLine{}, fmt.Errorf("%q is no id of a key: `postern portal app-key ls %s` shows them whole",
			order.ID, order.Portal)
	}
	err = gate.RevokeAppKey(ctx, order.Portal, id, order.order())
	if errors.Is(err, portal.ErrNoAppKey) {
		return appKeyLine{}, fmt.Errorf("portal %s has no app key %s", order.Portal, order.ID)
	}
	return appKeyLine{ID: order.ID}, h.plainPortal(order.Portal, err)
}

func lineOfAppKey(key portal.AppKey) appKeyLine {
	return appKeyLine{
		ID: key.ID.String(), Client: key.Client, Subject: key.Subject.String(), Made: key.Made,
		Expires: key.Expires, Used: key.Used, Revoked: key.Revoked,
	}
}
