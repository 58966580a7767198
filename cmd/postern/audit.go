package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
)

// The operations on the audit.
var (
	auditList   = operation[auditListOrder, []deedLine]{"audit/ls", needsStore, (*house).deedLines}
	auditVerify = operation[struct{}, auditResult]{"audit/verify", needsStore, (*house).verifyAudit}
)

// auditListOrder asks for deeds.
type auditListOrder struct {
	After   int64  `json:"after,omitempty"`
	Subject string `json:"subject,omitempty"`
	Limit   int    `json:"limit"`
}

// deedLine is an entry of the audit.
type deedLine struct {
	Seq     int64     `json:"seq"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Actor   string    `json:"actor"`
	Subject string    `json:"subject"`
	Detail  string    `json:"detail,omitempty"`
}

func lineOfDeed(d engine.Deed) deedLine {
	return deedLine{Seq: d.Seq, At: d.At, Kind: d.Kind, Actor: d.Actor, Subject: d.Subject, Detail: d.Detail}
}

// auditResult is what a check of the audit found.
type auditResult struct {
	Entries  int       `json:"entries"`
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
	Seals    int       `json:"seals"`
	Unsealed int       `json:"unsealed"`
	Fault    string    `json:"fault,omitempty"`
}

func auditCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{Use: "audit", Short: "See who did what, and that nobody changed the record of it"})
	cmd.AddCommand(auditListCommand(), auditVerifyCommand())
	return cmd
}

func auditListCommand() *cobra.Command {
	var s site
	var order auditListOrder
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the entries of the audit, the oldest first",
		Example: `  postern audit ls -c postern.yaml
  postern audit ls --subject run:019ca9 --after 1200`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if order.Limit < 1 {
				return errors.New("--limit counts entries, from 1")
			}
			if err := s.load(cmd); err != nil {
				return err
			}
			lines, err := auditList.ask(cmd.Context(), &s, order)
			if err != nil {
				return err
			}
			return s.print(cmd.OutOrStdout(), lines, func(out *strings.Builder) {
				layOutDeeds(out, lines, order.Limit)
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().Int64Var(&order.After, "after", 0, "begin after the entry with this number")
	cmd.Flags().StringVar(&order.Subject, "subject", "", "only what was done to a thing whose name begins so")
	cmd.Flags().IntVar(&order.Limit, "limit", 50, "how many entries")
	return cmd
}

func (h *house) deedLines(ctx context.Context, order auditListOrder) ([]deedLine, error) {
	lines := []deedLine{}
	err := h.store.Deeds(ctx, order.After, func(d engine.Deed) error {
		if strings.HasPrefix(d.Subject, order.Subject) {
			lines = append(lines, lineOfDeed(d))
		}
		if len(lines) == order.Limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return lines, err
}

func layOutDeeds(out *strings.Builder, lines []deedLine, limit int) {
	if len(lines) == 0 {
		out.WriteString("no entries\n")
		return
	}
	var t table
	t.row("NUMBER", "AT", "WHAT", "BY", "TO", "DETAIL")
	for _, l := range lines {
		t.row(fmt.Sprint(l.Seq), clockText(l.At), l.Kind, l.Actor, l.Subject, oneLine(l.Detail, 120))
	}
	t.write(out)
	if len(lines) == limit {
		fmt.Fprintf(out, "more: --after %d\n", lines[len(lines)-1].Seq)
	}
}

func auditVerifyCommand() *cobra.Command {
	var s site
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that nobody changed the audit",
		Long: `Verify follows the chain of all entries and checks the seals that the process puts under it every
hour. The exit code is 1 if an entry was changed, moved or left out. Whoever has both the database and the
key file can forge an audit; whoever has the database alone cannot, but for cutting off what came after
the last seal.`,
		Example: `  postern audit verify -c postern.yaml`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.load(cmd); err != nil {
				return err
			}
			found, err := auditVerify.ask(cmd.Context(), &s, struct{}{})
			if err != nil {
				return err
			}
			err = s.print(cmd.OutOrStdout(), found, func(out *strings.Builder) { layOutAudit(out, found) })
			if err == nil && found.Fault != "" {
				err = toldError{errors.New(found.Fault)}
			}
			return err
		},
	}
	s.flags(cmd)
	return cmd
}

func (h *house) verifyAudit(ctx context.Context, _ struct{}) (auditResult, error) {
	report, err := engine.VerifyAudit(ctx, h.store, h.signer)
	if err != nil {
		return auditResult{}, err
	}
	return auditResult{
		Entries: report.Deeds, First: report.First.At, Last: report.Last.At, Seals: report.Seals,
		Unsealed: report.Unsealed, Fault: report.Fault,
	}, nil
}

func layOutAudit(out *strings.Builder, r auditResult) {
	if r.Fault != "" {
		fmt.Fprintf(out, "the audit was tampered with: %s\n", r.Fault)
		return
	}
	if r.Entries == 0 {
		out.WriteString("the audit has no entries\n")
		return
	}
	entries := "1 entry"
	if r.Entries > 1 {
		entries = fmt.Sprintf("%d entries", r.Entries)
	}
	fmt.Fprintf(out, "the audit is in order: %s from %s to %s, under %s; %d after the last of them\n",
		entries, r.First.Format(time.RFC3339), r.Last.Format(time.RFC3339),
		counted(r.Seals, "seal"), r.Unsealed)
}
