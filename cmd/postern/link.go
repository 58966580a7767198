package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
)

func linkCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "link",
		Short: "Links: make, list, show, revoke, unlock, send again",
		Long: `A link opens one landing for one record, until a time and for a number of effects. Workflows put
links into their messages; here they are made by hand, looked at and ended. An id may be given by its end,
at least six characters of it.`,
	})
	cmd.AddCommand(
		linkNewCommand(), linkListCommand(), linkShowCommand(), linkRevokeCommand(), linkUnlockCommand(),
		linkResendCommand(),
	)
	return cmd
}

// linkChoice is which links a command is about.
type linkChoice struct {
	IDs       []string           `json:"ids,omitempty"`
	States    []engine.LinkState `json:"states,omitempty"`
	Record    engine.Ref         `json:"record,omitzero"`
	Recipient engine.Ref         `json:"recipient,omitzero"`
	Workflow  string             `json:"workflow,omitempty"`
	Landing   string             `json:"landing,omitempty"`
	Until     time.Time          `json:"until,omitzero"` // made before
}

// choiceFlags are the flags by which links are chosen.
type choiceFlags struct {
	record, recipient string
}

func (f *choiceFlags) flags(cmd *cobra.Command, choice *linkChoice) {
	flags := cmd.Flags()
	flags.StringVar(&f.record, "record", "", "only those for a record, as Module:id")
	flags.StringVar(&f.recipient, "recipient", "", "only those sent to a person, as Module:id")
	flags.StringVar(&choice.Workflow, "workflow", "", "only those that a workflow made")
	flags.StringVar(&choice.Landing, "landing", "", "only those to a landing")
}

// read completes the choice by what is more than text.
func (f *choiceFlags) read(choice *linkChoice) (err error) {
	if f.record != "" {
		if choice.Record, err = parseRecord(f.record); err != nil {
			return err
		}
	}
	if f.recipient != "" {
		if choice.Recipient, err = parseRef("--recipient", f.recipient, "Contacts:12x7"); err != nil {
			return err
		}
	}
	return nil
}

func parseRecord(text string) (engine.Ref, error) {
	return parseRef("--record", text, "HelpDesk:17x8615")
}

// parseRef reads a record that a flag names.
func parseRef(flag, text, example string) (engine.Ref, error) {
	for i, c := range text {
		if (c == ':' || c == '/') && i > 0 && i < len(text)-1 {
			return engine.Ref{Module: text[:i], ID: text[i+1:]}, nil
		}
	}
	return engine.Ref{}, fmt.Errorf("%s %q is not Module:id, such as %s", flag, text, example)
}

// selection makes the engine's selection of a choice, as of now.
func (h *house) selection(ctx context.Context, choice linkChoice) (engine.LinkSelection, error) {
	sel := engine.LinkSelection{
		States: choice.States, At: engine.SystemClock{}.Now(), Record: choice.Record, Recipient: choice.Recipient,
		Workflow: choice.Workflow, Landing: choice.Landing, Until: choice.Until,
	}
	for _, name := range choice.IDs {
		id, err := h.idOf(ctx, engine.ThingLink, name)
		if err != nil {
			return sel, err
		}
		sel.IDs = append(sel.IDs, id)
	}
	return sel, nil
}

// linkLine is a link in a list.
type linkLine struct {
	ID        engine.ID        `json:"id"`
	State     engine.LinkState `json:"state"`
	Landing   string           `json:"landing"`
	Record    string           `json:"record"`
	To        string           `json:"to,omitempty"` // masked
	Recipient string           `json:"recipient,omitempty"`
	Workflow  string           `json:"workflow,omitempty"`
	Uses      int              `json:"uses"`
	MaxUses   int              `json:"max_uses"`
	Created   time.Time        `json:"created"`
	Expires   time.Time        `json:"expires"`
	Opened    time.Time        `json:"opened,omitzero"` // first
}

func lineOfLink(l engine.Link, at time.Time) linkLine {
	line := linkLine{
		ID: l.ID, State: l.State(at), Landing: l.Landing, Record: l.Record.String(), To: l.Masked, Workflow: l.Workflow,
		Uses: l.Uses, MaxUses: l.MaxUses, Created: l.Created, Expires: l.Expires, Opened: l.Opened,
	}
	if !l.Recipient.IsZero() {
		line.Recipient = l.Recipient.String()
	}
	return line
}

// used is how often the link was used, of how often it may be.
func (l linkLine) used() string { return fmt.Sprintf("%d of %d", l.Uses, l.MaxUses) }

// tallyText is how many links are in which state: "3 links: 2 live, 1 used".
func tallyText(tally map[engine.LinkState]int) string {
	var all int
	var parts []string
	for _, state := range engine.LinkStates() {
		if n := tally[state]; n > 0 {
			all += n
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if all == 0 {
		return "no links"
	}
	return counted(all, "link") + ": " + strings.Join(parts, ", ")
}
