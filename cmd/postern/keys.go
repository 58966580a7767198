package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/keys"
	"postern/internal/store"
)

// The operations on the key file.
var (
	keysList   = operation[struct{}, []keyLine]{"keys/ls", needsStore, (*house).keyLines}
	keysRotate = operation[opOrder, []keyLine]{"keys/rotate", needsStore, (*house).rotateKeys}
	keysRetire = operation[changeOrder, []keyLine]{"keys/retire", needsStore, (*house).retireKeys}
)

// The deeds of these orders.
const (
	deedKeysRotated = "keys.rotated"
	deedKeysRetired = "keys.retired"
)

// keyLine is a generation of keys and what needs it.
type keyLine struct {
	Generation string `json:"generation"`
	Current    bool   `json:"current"` // new things are made with it
	Links      int    `json:"links"`
	Messages   int    `json:"messages"`
	Calls      int    `json:"calls"`
	Visits     int    `json:"visits"`
	Files      int    `json:"files"`
}

func keysCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "keys",
		Short: "The generations of the key file, and key pairs for DKIM and web push",
		Long: `Everything that opens or seals is derived from root.key in the data folder. It may hold two
generations: new links and messages are made with the current one, and what was made with the one before
is still understood until that is retired.`,
	})
	cmd.AddCommand(keysListCommand(), keysRotateCommand(), keysRetireCommand(), keysDKIMCommand(),
		keysWebPushCommand())
	return cmd
}

func keysListCommand() *cobra.Command {
	var s site
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List the generations and what still needs each",
		Example: `  postern keys ls -c postern.yaml`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.load(cmd); err != nil {
				return err
			}
			lines, err := keysList.ask(cmd.Context(), &s, struct{}{})
			if err != nil {
				return err
			}
			return s.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) { layOutKeys(out, lines) })
		},
	}
	s.flags(cmd)
	return cmd
}

func keysRotateCommand() *cobra.Command {
	var s site
	var order opOrder
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Add a generation, with which everything new is made",
		Long: `Rotate writes a new generation into root.key. A running process takes it over at once. What was made
with the generation before is understood until that is retired; if its secret may be known to others,
revoke the links made with it: postern link revoke --before. Copy root.key afterwards to where you keep it.`,
		Example: `  postern keys rotate -c postern.yaml --reason "every January"`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(s.load(cmd), order.check()); err != nil {
				return err
			}
			lines, err := keysRotate.ask(cmd.Context(), &s, order)
			if err != nil {
				return err
			}
			return s.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) {
				fmt.Fprintf(out, "%s is the current generation now. Copy root.key to where you keep it.\n\n",
					lines[len(lines)-1].Generation)
				layOutKeys(out, lines)
			})
		},
	}
	s.flags(cmd)
	order.flags(cmd)
	return cmd
}

func keysRetireCommand() *cobra.Command {
	var s site
	var order changeOrder
	cmd := &cobra.Command{
		Use:   "retire GENERATION",
		Short: "Remove a generation that nothing needs any more",
		Long: `Retire takes a generation out of root.key for good. It refuses while a live link, a message or call
that is not over, or a visit under way needs it, and says how many. A link of it that is over is answered
from then on like one that never was.`,
		Example: `  postern keys retire a -c postern.yaml`,
		Args:    theArgument("generation"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(s.load(cmd), order.check()); err != nil {
				return err
			}
			order.ID = args[0]
			lines, err := keysRetire.ask(cmd.Context(), &s, order)
			if err != nil {
				return err
			}
			return s.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) {
				fmt.Fprintf(out, "%s is retired. Copy root.key to where you keep it.\n\n", order.ID)
				layOutKeys(out, lines)
			})
		},
	}
	s.flags(cmd)
	order.flags(cmd)
	return cmd
}

func layOutKeys(out *strings.Builder, lines []keyLine) {
	var t table
	t.row("GENERATION", "IS", "LINKS", "MESSAGES", "CALLS", "VISITS", "FILES")
	for _, l := range lines {
		is := "understood"
		if l.Current {
			is = "current"
		}
		t.row(l.Generation, is, fmt.Sprint(l.Links), fmt.Sprint(l.Messages), fmt.Sprint(l.Calls), fmt.Sprint(l.Visits),
			fmt.Sprint(l.Files))
	}
	t.write(out)
}

// keyFile is the path of the file of secrets.
func (c config) keyFile() string { return filepath.Join(c.Data, "root.key") }

func (h *house) keyLines(ctx context.Context, _ struct{}) ([]keyLine, error) {
	root, err := keys.Open(h.config.keyFile())
	if err != nil {
		return nil, err
	}
	return h.linesOfKeys(ctx, root)
}

func (h *house) linesOfKeys(ctx context.Context, root keys.Root) ([]keyLine, error) {
	names := root.Generations()
	lines := make([]keyLine, len(names))
	for i, name := range names {
		uses, err := h.store.KeyUses(ctx, name, engine.SystemClock{}.Now())
		if err != nil {
			return nil, err
		}
		lines[i] = keyLine{
			Generation: name, Current: i == len(names)-1,
			Links: uses.Links, Messages: uses.Messages, Calls: uses.Calls, Visits: uses.Visits,
			Files: uses.Files,
		}
	}
	return lines, nil
}

func (h *house) rotateKeys(ctx context.Context, order opOrder) ([]keyLine, error) {
	return h.changeKeys(ctx, order, deedKeysRotated, func(root keys.Root) (keys.Root, string, error) {
		next, err := root.Rotate(rand.Reader)
		if err != nil {
			return root, "", err
		}
		names := next.Generations()
		return next, names[len(names)-1], nil
	})
}

func (h *house) retireKeys(ctx context.Context, order changeOrder) ([]keyLine, error) {
	return h.changeKeys(ctx, order.opOrder, deedKeysRetired, func(root keys.Root) (keys.Root, string, error) {
		next, err := root.Retire(order.ID)
		if err != nil {
			return root, "", err
		}
		uses, err := h.store.KeyUses(ctx, order.ID, engine.SystemClock{}.Now())
		if err == nil && uses.Any() {
			err = fmt.Errorf("generation %s is still needed: %s", order.ID, tellUses(uses))
		}
		return next, order.ID, err
	})
}

// changeKeys puts another root in place of the one in the key file, and has this process work with it. One change is
// made at a time.
func (h *house) changeKeys(
	ctx context.Context, order opOrder, deed string, change func(keys.Root) (keys.Root, string, error),
) ([]keyLine, error) {
	h.rotating.Lock()
	defer h.rotating.Unlock()
	root, err := keys.Open(h.config.keyFile())
	if err != nil {
		return nil, err
	}
	next, generation, err := change(root)
	if err != nil {
		return nil, err
	}
	// Noted first: a generation that nobody can account for is worse than a deed that was not carried through.
	if err := h.store.Note(ctx, order.order().Deed(deed, "keys:"+generation, "")); err != nil {
		return nil, err
	}
	if err := keys.Replace(h.config.keyFile(), next); err != nil {
		return nil, err
	}
	if err := h.ring.Take(next); err != nil {
		return nil, err
	}
	h.logger.Info("the keys were changed", "generations", next.Generations())
	return h.linesOfKeys(ctx, next)
}

// tellUses says what needs a generation.
func tellUses(uses store.KeyUses) string {
	var parts []string
	for _, part := range []struct {
		n    int
		noun string
	}{
		{uses.Links, "live link"},
		{uses.Messages, "undelivered message"},
		{uses.Calls, "unfinished call"},
		{uses.Visits, "open visit"},
		{uses.Files, "file"},
		{uses.SignIns, "password or authenticator"},
	} {
		if part.n > 0 {
			parts = append(parts, counted(part.n, part.noun))
		}
	}
	return strings.Join(parts, ", ")
}
