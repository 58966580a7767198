package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/scram"
	"postern/portal"
)

// takeoverBatch is how many passwords one request takes over.
const takeoverBatch = 50

// takeoverOrder asks for passwords to be taken over, or, where they come without verifiers, which would be.
type takeoverOrder struct {
	opOrder
	Portal string            `json:"portal"`
	List   []portal.Takeover `json:"list"`
}

// takeoverDone is what became of each: "" for one that was taken, else why not.
type takeoverDone struct {
	Why []string `json:"why"`
}

var portalTakeover = operation[takeoverOrder, takeoverDone]{"portal/takeover", needsBook, (*house).takeOver}

// legacyReport is what an import did. It names rows and never what stands in them.
type legacyReport struct {
	Portal  string           `json:"portal"`
	Rows    int              `json:"rows"`
	Taken   int              `json:"taken"`
	Not     []legacyNotTaken `json:"not_taken"`
	DryRun  bool             `json:"dry_run,omitempty"`
	Message string           `json:"next"`
}

// legacyNotTaken is a row that was not taken over.
type legacyNotTaken struct {
	Row  int    `json:"row"`
	Name string `json:"name"` // masked
	Why  string `json:"why"`
}

// legacyImport is an import on its way.
type legacyImport struct {
	at       *site
	order    takeoverOrder
	kind     string
	dry      bool
	progress io.Writer // nil for none
	report   legacyReport
}

func portalImportCommand() *cobra.Command {
	var at site
	i := legacyImport{at: &at}
	cmd := &cobra.Command{
		Use:   "import PORTAL FILE",
		Short: "Take over passwords that another product kept in clear",
		Long: `Import reads the passwords that coreBOS keeps in vtiger_portalinfo, as JSON objects or as CSV with a
head: user_name, user_password and, where they are there, type (C or E) and isactive. It keeps a SCRAM verifier
of each, from which no password can be read, and tells nobody. FILE may be - for the standard input.

Not taken: rows that are switched off, names that the portal does not know, passwords that are too weak, and
people who have a password here already. They choose one by an invitation or on "Forgot your password?".

Each password takes about a fifth of a second of one processor. It stays within this process: the serving
one gets the verifier alone, and neither the report nor a log names a password. Delete the file afterwards.`,
		Example: `  postern portal import customers portalinfo.csv --dry-run --config postern.yaml
  mysql -Nr crm -e "select json_object('user_name', user_name, 'user_password', user_password, 'type', type,
    'isactive', isactive) from vtiger_portalinfo" | postern portal import customers - --type C`,
		Args: arguments(2, 2, "a portal and a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(at.load(cmd), i.order.check()); err != nil {
				return err
			}
			if i.order.Portal = args[0]; !slices.Contains([]string{"", "C", "E"}, i.kind) {
				return fmt.Errorf("--type is C for contacts or E for employees, not %q", i.kind)
			}
			if err := i.run(cmd, args[1]); err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), i.report, i.report.layOut)
		},
	}
	at.flags(cmd)
	i.order.flags(cmd)
	cmd.Flags().BoolVar(&i.dry, "dry-run", false, "only say what would be taken")
	cmd.Flags().StringVar(&i.kind, "type", "", "only rows of a type: C for contacts, E for employees")
	return cmd
}

func (i *legacyImport) run(cmd *cobra.Command, name string) error {
	in := cmd.InOrStdin()
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("read passwords: %w", err)
		}
		defer file.Close()
		in = file
	}
	rows, err := readLegacy(in)
	if err != nil {
		return err
	}
	if terminal, ok := cmd.ErrOrStderr().(*os.File); ok && isTerminal(terminal) {
		i.progress = terminal
	}
	i.report = legacyReport{Portal: i.order.Portal, DryRun: i.dry, Not: []legacyNotTaken{}}
	rows = i.choose(rows)
	if rows, err = i.known(cmd.Context(), rows); err != nil {
		return err
	}
	if !i.dry {
		err = i.take(cmd.Context(), rows)
	} else {
		i.report.Taken = len(rows)
	}
	slices.SortFunc(i.report.Not, func(a, b legacyNotTaken) int { return a.Row - b.Row })
	i.report.Message = "delete the file, and blank user_password there: docs/guide/portal-accounts.md says how"
	return err
}

// choose leaves out what can be seen to be of no use.
func (i *legacyImport) choose(rows []legacyRow) (chosen []legacyRow) {
	seen := map[string]bool{}
	for _, row := range rows {
		if !row.isKind(i.kind) {
			continue
		}
		i.report.Rows++
		folded := strings.ToLower(strings.TrimSpace(row.name))
		switch weak := portal.WeakLegacy(row.password, row.name, i.order.Portal); {
		case folded == "":
			i.not(row, "has no name")
		case row.off():
			i.not(row, "is switched off there")
		case row.password == "":
			i.not(row, "has no password there")
		case seen[folded]:
			i.not(row, "came before in this file")
		case weak != nil:
			i.not(row, "has a password that is not taken: "+weakWords[weak.Code])
		default:
			chosen = append(chosen, row)
		}
		seen[folded] = true
	}
	return chosen
}

// weakWords are why a password is not taken over, for operators.
var weakWords = map[string]string{
	portal.WeakShort:  fmt.Sprintf("it has less than %d characters", portal.MinPasswordLegacy),
	portal.WeakLong:   fmt.Sprintf("it has more than %d bytes", portal.MaxPassword),
	portal.WeakCommon: "it is one of those that are tried first",
	portal.WeakName:   "it is made of their name",
	portal.WeakText:   "it has characters that a password cannot have",
}

func (i *legacyImport) not(row legacyRow, why string) {
	name := ""
	if strings.Contains(row.name, "@") { // else nothing says that it is no password in the wrong column
		name = engine.Recipient{Address: strings.TrimSpace(row.name)}.Masked()
	}
	i.report.Not = append(i.report.Not, legacyNotTaken{Row: row.at, Name: name, Why: why})
}

// known asks which of the rows would be taken, before anything is computed for them.
func (i *legacyImport) known(ctx context.Context, rows []legacyRow) (known []legacyRow, err error) {
	for batch := range slices.Chunk(rows, takeoverBatch) {
		left, err := i.hand(ctx, batch, nil)
		if err != nil {
			return nil, err
		}
		known = append(known, left...)
	}
	return known, nil
}

// take makes the verifiers, as many at once as there are processors, and hands them over a batch at a time.
func (i *legacyImport) take(ctx context.Context, rows []legacyRow) error {
	for batch := range slices.Chunk(rows, takeoverBatch) {
		verifiers, err := derived(ctx, batch)
		if err != nil {
			return err
		}
		taken, err := i.hand(ctx, batch, verifiers)
		if err != nil {
			return err
		}
		i.report.Taken += len(taken)
		if i.progress != nil {
			fmt.Fprintf(i.progress, "\r%d of %d taken over", i.report.Taken, len(rows))
		}
	}
	if i.progress != nil && len(rows) > 0 {
		fmt.Fprintln(i.progress)
	}
	return nil
}

// derived are the verifiers of passwords.
func derived(ctx context.Context, rows []legacyRow) ([][]byte, error) {
	verifiers, failures := make([][]byte, len(rows)), make([]error, len(rows))
	places := make(chan int)
	var all sync.WaitGroup
	for range min(runtime.NumCPU(), len(rows)) {
		all.Go(func() {
			for n := range places {
				verifier, err := scram.New(ctx, rows[n].password, scram.Rounds, rand.Reader)
				verifiers[n], failures[n] = verifier.Bytes(), err
			}
		})
	}
	for n := range rows {
		places <- n
	}
	close(places)
	all.Wait()
	return verifiers, errors.Join(failures...)
}

// hand has rows taken over, with their verifiers, and returns those that were.
func (i *legacyImport) hand(ctx context.Context, rows []legacyRow, verifiers [][]byte) (taken []legacyRow, err error) {
	order := i.order
	order.List = make([]portal.Takeover, len(rows))
	for n, row := range rows {
		order.List[n].Name = row.name
		if verifiers != nil {
			order.List[n].Verifier = verifiers[n]
		}
	}
	done, err := portalTakeover.ask(ctx, i.at, order)
	if err != nil {
		return nil, err
	}
	if len(done.Why) != len(rows) {
		return nil, errors.New("take passwords over: the answer is of another version")
	}
	for n, row := range rows {
		if done.Why[n] != "" {
			i.not(row, done.Why[n])
			continue
		}
		taken = append(taken, row)
	}
	return taken, nil
}

func (h *house) takeOver(ctx context.Context, order takeoverOrder) (takeoverDone, error) {
	gate, err := h.gate()
	if err != nil {
		return takeoverDone{}, err
	}
	done := takeoverDone{Why: make([]string, len(order.List))}
	for n, takeover := range order.List {
		_, err := gate.TakeOver(ctx, order.Portal, takeover, order.order())
		switch {
		case errors.Is(err, portal.ErrNobody), errors.Is(err, portal.ErrSharedName),
			errors.Is(err, portal.ErrHasPassword):
			done.Why[n] = err.Error()
		case err != nil:
			return takeoverDone{}, h.plainPortal(order.Portal, err)
		}
	}
	return done, nil
}

// isTerminal tells whether somebody looks at what is written.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (r legacyReport) layOut(out *strings.Builder) {
	verb := "taken over"
	if r.DryRun {
		verb = "would be taken over"
	}
	fmt.Fprintf(out, "%d of %s %s\n", r.Taken, counted(r.Rows, "row"), verb)
	if len(r.Not) > 0 {
		out.WriteString("\n")
		var t table
		t.row("ROW", "NAME", "NOT TAKEN BECAUSE IT")
		for _, n := range r.Not {
			t.row(fmt.Sprint(n.Row), orDash(oneLine(n.Name, 50)), n.Why)
		}
		t.write(out)
	}
	layOutNext(out, []string{r.Message})
}
