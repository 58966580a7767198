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
	"postern/internal/yamldoc"
)

func linkCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{Use: "link", Short: "Make links by hand"})
	cmd.AddCommand(linkNewCommand())
	return cmd
}

// linkOrder asks for a link.
type linkOrder struct {
	Landing  string     `json:"landing"`
	Preset   string     `json:"preset,omitempty"`
	Record   engine.Ref `json:"record"`
	Language string     `json:"language,omitempty"`
	Expires  string     `json:"expires,omitempty"`
}

// linkMade is a link with its address, which cannot be had again later.
type linkMade struct {
	URL     string    `json:"url"`
	ID      engine.ID `json:"id"`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses"`
}

func linkNewCommand() *cobra.Command {
	var at site
	var record string
	var order linkOrder
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a link to a landing for a record",
		Long: `New makes a link and prints its address, once: only a digest of it is kept. It asks the process
that serves the data folder, or opens the folder itself when none does.`,
		Example: `  postern link new --config postern.yaml --landing ticket --record HelpDesk:17x8615
  postern link new --landing ticket --record HelpDesk:17x8615 --preset resolve --expires 2d`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if order.Landing == "" || record == "" {
				return errors.New("link new needs --landing and --record, " +
					"such as --landing ticket --record HelpDesk:17x8615")
			}
			if err := at.load(cmd); err != nil {
				return err
			}
			if order.Record, err = parseRecord(record); err != nil {
				return err
			}
			made, err := linkNew.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), made, func(out *strings.Builder) {
				fmt.Fprintf(out, "%s\n\nexpires  %s\nuses     %d\n",
					made.URL, made.Expires.Format(time.RFC3339), made.Uses)
			})
		},
	}
	at.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&order.Landing, "landing", "", "landing the link opens (required)")
	flags.StringVar(&record, "record", "", "record it is for, as Module:id (required)")
	flags.StringVar(&order.Preset, "preset", "", "action it opens with")
	flags.StringVar(&order.Language, "language", "", "language of its pages, such as es")
	flags.StringVar(&order.Expires, "expires", "", "how long it lives, such as 2d, if not as the landing says")
	return cmd
}

func parseRecord(text string) (engine.Ref, error) {
	for i, c := range text {
		if (c == ':' || c == '/') && i > 0 && i < len(text)-1 {
			return engine.Ref{Module: text[:i], ID: text[i+1:]}, nil
		}
	}
	return engine.Ref{}, fmt.Errorf("--record %q is not Module:id, such as HelpDesk:17x8615", text)
}

var linkNew = operation[linkOrder, linkMade]{"links", needsBook, (*house).newLink}

// holds sees that the CRM has a record.
func (h *house) holds(ctx context.Context, ref engine.Ref) error {
	if err := h.openCRM(); err != nil {
		return err
	}
	records, err := h.crm.Get(ctx, ref)
	switch {
	case err != nil:
		return err
	case len(records) > 0:
		return nil
	case h.config.mirrors():
		return fmt.Errorf("there is no record %s: no event has told of it yet, or it was deleted", ref)
	}
	return fmt.Errorf("the CRM has no record %s", ref)
}

// newLink mints and stores a link.
func (h *house) newLink(ctx context.Context, order linkOrder) (linkMade, error) {
	landing := h.book.Landings[order.Landing]
	if landing == nil {
		return linkMade{}, fmt.Errorf("there is no landing %q in the book; it has %s", order.Landing,
			strings.Join(slices.Sorted(maps.Keys(h.book.Landings)), ", "))
	}
	if landing.Module.Name != order.Record.Module {
		return linkMade{}, fmt.Errorf("landing %s shows records of %s, not of %s",
			order.Landing, landing.Module.Name, order.Record.Module)
	}
	if order.Preset != "" && landing.Action(order.Preset) == nil {
		return linkMade{}, fmt.Errorf("landing %s has no action %q", order.Landing, order.Preset)
	}
	if err := h.holds(ctx, order.Record); err != nil {
		return linkMade{}, err
	}
	terms := engine.LinkTerms{Landing: landing, Preset: order.Preset, Record: order.Record, Language: order.Language}
	if order.Expires != "" {
		var err error
		terms.Expires, err = yamldoc.ParseDuration(order.Expires)
		if err == nil && (terms.Expires <= 0 || terms.Expires > engine.MaxExpires) {
			err = fmt.Errorf("a link lives for at most %s", yamldoc.FormatDuration(engine.MaxExpires))
		}
		if err != nil {
			return linkMade{}, fmt.Errorf("--expires: %w", err)
		}
	}
	now := engine.SystemClock{}.Now()
	link, err := h.minter.Mint(ctx, terms, now)
	if err != nil {
		return linkMade{}, err
	}
	// No server may have run with this book yet.
	if err := h.store.KeepVersion(ctx, landing.Version, landing.Files, now); err != nil {
		return linkMade{}, err
	}
	if err := h.store.Mint(ctx, link); err != nil {
		return linkMade{}, err
	}
	url, err := h.minter.URL(link)
	return linkMade{URL: url, ID: link.ID, Expires: link.Expires, Uses: link.MaxUses}, err
}
