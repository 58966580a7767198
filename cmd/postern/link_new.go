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
	"postern/internal/qr"
	"postern/internal/yamldoc"
)

// linkOrder asks for a link.
type linkOrder struct {
	Landing  string     `json:"landing"`
	Preset   string     `json:"preset,omitempty"`
	Record   engine.Ref `json:"record"`
	Language string     `json:"language,omitempty"`
	Expires  string     `json:"expires,omitempty"`
	opOrder

	id engine.ID // the link's own; zero for a fresh one
}

// linkMade is a link with its address, which cannot be had again later.
type linkMade struct {
	URL     string    `json:"url"`
	ID      engine.ID `json:"id"`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses"`
}

var linkNew = operation[linkOrder, linkMade]{"links", needsBook, (*house).newLink}

func linkNewCommand() *cobra.Command {
	var at site
	var record string
	var drawn bool
	var order linkOrder
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a link to a landing for a record",
		Long: `New makes a link and prints its address, once: only a digest of it is kept. It asks the process
that serves the data folder, or opens the folder itself when none does. Whoever has the address may do what
the landing allows, so the audit says who made it.`,
		Example: `  postern link new --config postern.yaml --landing ticket --record HelpDesk:17x8615
  postern link new --landing ticket --record HelpDesk:17x8615 --preset resolve --expires 2d
  postern link new --landing ticket --record HelpDesk:17x8615 --qr`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			switch {
			case order.Landing == "" || record == "":
				return errors.New("link new needs --landing and --record, " +
					"such as --landing ticket --record HelpDesk:17x8615")
			case drawn && at.json:
				return errors.New("--qr draws a picture, which JSON cannot hold: give --qr or --json")
			}
			if err := errors.Join(at.load(cmd), order.check()); err != nil {
				return err
			}
			if order.Record, err = parseRecord(record); err != nil {
				return err
			}
			made, err := linkNew.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			picture := ""
			if drawn { // in capitals the code is smaller, and the link is the same
				if picture, err = qr.Draw(strings.ToUpper(made.URL)); err != nil {
					return err
				}
			}
			return at.print(cmd.OutOrStdout(), made, func(out *strings.Builder) {
				fmt.Fprintf(out, "%s\n\n%sid       %s\nexpires  %s\nuses     %d\n",
					made.URL, picture, made.ID, made.Expires.Format(time.RFC3339), made.Uses)
			})
		},
	}
	at.flags(cmd)
	order.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&order.Landing, "landing", "", "landing the link opens (required)")
	flags.StringVar(&record, "record", "", "record it is for, as Module:id (required)")
	flags.StringVar(&order.Preset, "preset", "", "action it opens with")
	flags.StringVar(&order.Language, "language", "", "language of its pages, such as es")
	flags.StringVar(&order.Expires, "expires", "", "how long it lives, such as 2d, if not as the landing says")
	flags.BoolVar(&drawn, "qr", false, "draw its QR code too, black on white")
	return cmd
}

// newLink mints and stores a link. What cannot be made is Permanent, with a sentence.
func (h *house) newLink(ctx context.Context, order linkOrder) (linkMade, error) {
	terms, err := h.termsOf(order)
	if err != nil {
		return linkMade{}, engine.Permanent(err)
	}
	record, err := h.heldRecord(ctx, order.Record)
	if err != nil {
		return linkMade{}, err
	}
	if field := terms.Landing.Module.ExternalID; field != "" {
		terms.External = record.Fields.Text(field)
	}
	asked := order.order()
	link, err := h.minter.Mint(ctx, terms, asked.At)
	if err != nil {
		return linkMade{}, err
	}
	// No server may have run with this book yet.
	if err := h.store.KeepVersion(ctx, terms.Landing.Version, terms.Landing.Files, asked.At); err != nil {
		return linkMade{}, err
	}
	made, err := h.store.MakeLink(ctx, link, asked)
	if err != nil {
		return linkMade{}, err
	}
	if made.Landing != link.Landing || made.Record != link.Record || made.Preset != link.Preset ||
		made.Language != link.Language || order.Expires != "" && lifeOf(made) != lifeOf(link) {
		return linkMade{}, engine.Permanent(errors.New("another link was made under this Idempotency-Key"))
	}
	url, err := h.minter.URL(made)
	return linkMade{URL: url, ID: made.ID, Expires: made.Expires.Truncate(time.Second), Uses: made.MaxUses}, err
}

// lifeOf is how long a link was to live when it was made, to the second.
func lifeOf(link engine.Link) time.Duration {
	return link.Expires.Sub(link.NotBefore).Round(time.Second)
}

// actionsOf says what a preset may name.
func actionsOf(landing *engine.Landing) string {
	var names []string
	for _, action := range landing.Actions {
		names = append(names, action.Name)
	}
	if names == nil {
		return "it has none"
	}
	return "it has " + strings.Join(names, ", ")
}

// termsOf holds an order against the book. Its errors are sentences for who gave it.
func (h *house) termsOf(order linkOrder) (engine.LinkTerms, error) {
	book := h.bookInUse()
	landing := book.Landings[order.Landing]
	switch {
	case landing == nil:
		return engine.LinkTerms{}, fmt.Errorf("there is no landing %q in the book; it has %s", order.Landing,
			strings.Join(slices.Sorted(maps.Keys(book.Landings)), ", "))
	case landing.Module.Name != order.Record.Module:
		return engine.LinkTerms{}, fmt.Errorf("landing %s shows records of %s, not of %s",
			order.Landing, landing.Module.Name, order.Record.Module)
	case landing.Opens != nil:
		return engine.LinkTerms{}, fmt.Errorf("landing %s opens portal %s: its links go out in messages to the "+
			"person alone; see `postern portal invite`", order.Landing, landing.Opens.Portal)
	case order.Preset != "" && landing.Action(order.Preset) == nil:
		return engine.LinkTerms{}, fmt.Errorf("landing %s has no action %q; %s", order.Landing, order.Preset,
			actionsOf(landing))
	case order.Language != "" && !languageTag.MatchString(order.Language):
		return engine.LinkTerms{}, fmt.Errorf("%q is no language; examples are en and pt-BR", order.Language)
	}
	terms := engine.LinkTerms{
		ID: order.id, Landing: landing, Preset: order.Preset, Record: order.Record, Language: order.Language,
	}
	if order.Expires == "" {
		return terms, nil
	}
	var err error
	terms.Expires, err = yamldoc.ParseDuration(order.Expires)
	if err == nil && (terms.Expires <= 0 || terms.Expires > engine.MaxExpires) {
		err = fmt.Errorf("a link lives for at most %s", yamldoc.FormatDuration(engine.MaxExpires))
	}
	if err != nil {
		return terms, fmt.Errorf("expires: %w", err)
	}
	return terms, nil
}

// heldRecord reads a record that the CRM has; that it has none is Permanent.
func (h *house) heldRecord(ctx context.Context, ref engine.Ref) (engine.Record, error) {
	if err := h.openCRM(); err != nil {
		return engine.Record{}, err
	}
	records, err := h.crm.Get(ctx, ref)
	switch {
	case err != nil:
		return engine.Record{}, err
	case len(records) > 0:
		return records[0], nil
	case h.config.mirrors():
		err = fmt.Errorf("there is no record %s: no event has told of it yet, or it was deleted", ref)
	default:
		err = fmt.Errorf("the CRM has no record %s", ref)
	}
	return engine.Record{}, engine.Permanent(err)
}
