package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/yamldoc"
	"postern/portal"
	"postern/workflows"
)

// explained is what explain prints.
type explained struct {
	portal.Explanation
	Verdict *portal.Verdict `json:"verdict,omitempty"`
}

// explainOrder asks what somebody may see and do.
type explainOrder struct {
	Portal string `json:"portal"`
	Who    string `json:"who"`
	About  string `json:"about,omitempty"` // a module, or a record as Module/id
}

var portalExplain = operation[explainOrder, explained]{"portal/explain", needsBook, (*house).explainPortal}

// explainFlags are those of explain where no server is asked.
type explainFlags struct {
	config, book, at string
	records          []string
	json             bool
}

func portalExplainCommand() *cobra.Command {
	var at site
	var o explainFlags
	cmd := &cobra.Command{
		Use:   "explain PORTAL WHO [MODULE|Module/id]",
		Short: "Say what somebody may see and do, and why not",
		Long: `Explain says in plain words what the policy of a portal gives somebody: which records of which modules,
with their own values in place of me, and which fields may be read, filtered, sorted, changed and given.
For one record it says whether they see it, and which comparison settles that. Who is what they sign in
with, or their record as Module/id.

With --record it goes by the records of files and asks no server: so a policy can be tried before it is
served. Such a file holds what stands under records: in a test file, "Contacts/12x7: { firstname: Zoe }",
and the book is that of --book or --config; without them it is the shipped one.`,
		Example: `  postern portal explain customers zoe@acme.example HelpDesk/17x3 --config postern.yaml
  postern portal explain employees Employees/30x1 SalarySlips
  postern portal explain customers Contacts/12x7 --book ./book --record records.yaml`,
		Args: arguments(2, 3, "a portal, somebody, and perhaps a module or a record"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(o.records) > 0 {
				o.config, o.json = at.path, at.json
				return explainOffline(cmd.Context(), cmd.OutOrStdout(), o, args)
			}
			if o.book != "" || o.at != "" {
				return errors.New("--book and --at go with --record: the server has a book and a time of its own")
			}
			if err := at.load(cmd); err != nil {
				return err
			}
			order := explainOrder{Portal: args[0], Who: args[1]}
			if len(args) > 2 {
				order.About = args[2]
			}
			said, err := portalExplain.ask(cmd.Context(), &at, order)
			if err != nil {
				return err
			}
			return printExplained(cmd.OutOrStdout(), said, at.json)
		},
	}
	at.flags(cmd)
	cmd.Flags().StringSliceVar(&o.records, "record", nil, "file with records to go by, in place of the server")
	cmd.Flags().StringVar(&o.book, "book", "", "with --record: folder of the book")
	cmd.Flags().StringVar(&o.at, "at", "", "with --record: when it is, as 2026-03-02T09:00:00+01:00; by default now")
	return cmd
}

// explainPortal answers the command in the process that has the records.
func (h *house) explainPortal(ctx context.Context, order explainOrder) (explained, error) {
	gate, err := h.gate()
	if err != nil {
		return explained{}, err
	}
	standing, err := gate.Standing(ctx, order.Portal, order.Who)
	if err != nil {
		return explained{}, h.plainPortal(order.Portal, err)
	}
	book := h.bookInUse()
	module, record, err := aboutIn(book, order.About)
	if err != nil {
		return explained{}, err
	}
	said, verdict, err := portal.ExplainFrom(
		ctx, h.crm, book.Portals[order.Portal], standing.Ref, record, engine.SystemClock{}.Now())
	if !standing.Account.Disabled.IsZero() {
		said.Refused = append(said.Refused, "disabled by an operator")
	}
	if standing.Shared {
		said.Refused = append(said.Refused, "another record has the same name to sign in with")
	}
	return explained{only(said, module), verdict}, err
}

// aboutIn is what an explanation is asked about: a module of the book, or a record of one; "" for everything.
func aboutIn(book *engine.Book, about string) (module string, record engine.Ref, err error) {
	module = about
	if strings.Contains(about, "/") {
		if record, err = engine.ParseRef(about); err != nil {
			return "", record, err
		}
		module = record.Module
	}
	if module != "" && book.Modules[module] == nil {
		return "", record, noModule(module, slices.Sorted(maps.Keys(book.Modules)))
	}
	return module, record, nil
}

// noModule says that a book has no module of a name, and what may have been meant.
func noModule(name string, all []string) error {
	if near, ok := yamldoc.Suggest(name, all); ok {
		return fmt.Errorf("the book describes no module %s; did you mean %s?", name, near)
	}
	return fmt.Errorf("the book describes no module %s; it has %s", name, strings.Join(all, ", "))
}

// explainOffline explains a portal by records from files.
func explainOffline(ctx context.Context, out io.Writer, o explainFlags, args []string) error {
	book, now, err := o.load()
	if err != nil {
		return err
	}
	p := book.Portals[args[0]]
	if p == nil {
		return o.inWhichBook(noPortal(args[0], book.Portals))
	}
	about := ""
	if len(args) > 2 {
		about = args[2]
	}
	module, record, err := aboutIn(book, about)
	if err != nil {
		return o.inWhichBook(err)
	}
	events, err := readRecords(o.records, book, now)
	if err != nil {
		return o.inWhichBook(err)
	}
	crm := written{}
	for _, event := range events {
		crm[event.Ref()] = engine.Record{Ref: event.Ref(), Fields: event.Change.Record}
	}
	subject, err := crm.named(p, args[1])
	if err != nil {
		return err
	}
	said, verdict, err := portal.ExplainFrom(ctx, crm, p, subject, record, now)
	if err != nil {
		return err
	}
	return printExplained(out, explained{only(said, module), verdict}, o.json)
}

// inWhichBook adds to an error that it is of the shipped book, where no other was named.
func (o explainFlags) inWhichBook(err error) error {
	if o.book != "" || o.config != "" {
		return err
	}
	return fmt.Errorf("%w\nThis is about the shipped book: --book FOLDER or --config FILE names yours", err)
}

// load reads the book, and when it is.
func (o explainFlags) load() (*engine.Book, time.Time, error) {
	c, err := loadConfig(o.config)
	if err != nil {
		return nil, time.Time{}, err
	}
	if o.book != "" {
		c.Book = o.book
	}
	files, err := bookFolder(c.Book)
	if err != nil {
		return nil, time.Time{}, err
	}
	options := c.bookOptions()
	options.KeepAll = true
	book, diags, sources := workflows.Load(files, options)
	if book == nil {
		return nil, time.Time{}, complaints{diags, sources}
	}
	now := time.Now()
	if o.at != "" {
		if now, err = time.Parse(time.RFC3339, o.at); err != nil {
			return nil, now, fmt.Errorf("--at %q is no time; write it like 2026-03-02T09:00:00+01:00", o.at)
		}
	}
	return book, now, nil
}

// only leaves one module of an explanation; all for "".
func only(said portal.Explanation, module string) portal.Explanation {
	if module != "" {
		said.Modules = slices.DeleteFunc(said.Modules, func(m portal.May) bool { return m.Module != module })
	}
	return said
}

// written are records of files, as the CRM that they were written for.
type written map[engine.Ref]engine.Record

// named is whom a name or a record, Module/id, means.
func (w written) named(p *engine.Portal, who string) (engine.Ref, error) {
	if ref, err := engine.ParseRef(who); err == nil && ref.Module == p.Subject.Module.Name {
		return ref, nil
	}
	var found []engine.Ref
	for ref, record := range w {
		if ref.Module == p.Subject.Module.Name && strings.EqualFold(record.Fields.Text(p.Subject.Login), who) {
			found = append(found, ref)
		}
	}
	switch len(found) {
	case 0:
		return engine.Ref{}, fmt.Errorf("no record of the files signs in to portal %s as %q: give the %s that they "+
			"have there, or their record, %s/<id>", p.Name, who, p.Subject.Login, p.Subject.Module.Name)
	case 1:
		return found[0], nil
	}
	return engine.Ref{}, fmt.Errorf("two records of the files have %q to sign in with: name one of them as %s/<id>",
		who, p.Subject.Module.Name)
}

// Get reads those that are there.
func (w written) Get(_ context.Context, refs ...engine.Ref) (found []engine.Record, err error) {
	for _, ref := range refs {
		if record, ok := w[ref]; ok {
			found = append(found, record)
		}
	}
	return found, nil
}

// printExplained prints an explanation, as JSON or as one reads it.
func printExplained(out io.Writer, e explained, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(e)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s in portal %s, with the role %s\n", e.Subject, e.Portal, e.Role)
	if len(e.Refused) == 0 {
		b.WriteString("may sign in\n")
	}
	for _, why := range e.Refused {
		fmt.Fprintf(&b, "may not sign in: %s\n", why)
	}
	for _, m := range e.Modules {
		tellMay(&b, m)
	}
	if len(e.Modules) == 0 {
		b.WriteString("\nno access\n")
	}
	if v := e.Verdict; v != nil {
		fmt.Fprintf(&b, "\n%s is %s\n", v.Record, choice(v.Seen, "seen", "not seen"))
		for _, by := range v.By {
			fmt.Fprintf(&b, "  %s\n", by)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// tellMay writes what may be done with a module.
func tellMay(b *strings.Builder, m portal.May) {
	fmt.Fprintf(b, "\n%s\n", m.Module)
	line := func(what, said string) {
		if said != "" {
			fmt.Fprintf(b, "  %-8s %s\n", what, said)
		}
	}
	list := func(names []string) string { return strings.Join(names, ", ") }
	line("rows", m.Rows)
	line("by", m.Why)
	line("read", list(m.Read))
	if !slices.Equal(m.Filter, m.Read) {
		line("filter", list(m.Filter))
	}
	if !slices.Equal(m.Sort, m.Read) {
		line("sort", list(m.Sort))
	}
	line("update", list(m.Update))
	line("fresh", list(m.Fresh))
	if m.Create {
		line("create", list(m.Give))
		for _, name := range slices.Sorted(maps.Keys(m.Set)) {
			line("", name+" is set to "+m.Set[name])
		}
	}
	line("delete", choice(m.Delete, "yes", ""))
	line("while", m.While)
	line("related", list(m.Related))
}

func choice(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
