package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/rehearsal"
	"postern/internal/render"
	"postern/internal/yamldoc"
	"postern/workflows"
)

// previewOptions are the flags of `postern preview`.
type previewOptions struct {
	config   string
	book     string
	workflow string
	channels []string
	language string
	records  []string
	story    string
	html     string
	json     bool
}

func previewCommand() *cobra.Command {
	var o previewOptions
	cmd := &cobra.Command{
		Use:   "preview TEMPLATE",
		Short: "Show what a template's messages look like",
		Long: `Preview writes the messages of a template, as each of its channels would send them, and sends nothing.
Values are examples by the module's fields; those of records in files (--record, in the form of records: in a
test file), or those of a test case (--case), which is played to see what it sends.
An SMS is shown with its segments, a WhatsApp message as the approved text and as free text.`,
		Example: `  postern preview ticket-created --book ./book
  postern preview ticket-created --channel email --lang es --html mail.html
  postern preview ticket-created --case "a new ticket"`,
		Args: oneName("template"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return preview(cmd.Context(), cmd.OutOrStdout(), args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.config, "config", "c", "", "configuration file: its book, channels and brand")
	cmd.Flags().StringVar(&o.book, "book", "", "folder of workflows; by default the configured or the shipped book")
	cmd.Flags().StringVar(&o.workflow, "workflow", "", "the workflow whose message it is, if several use the template")
	cmd.Flags().StringSliceVar(&o.channels, "channel", nil, "a channel; by default all that the template has texts for")
	cmd.Flags().StringVar(&o.language, "lang", "en", "the recipient's language")
	cmd.Flags().StringSliceVar(&o.records, "record", nil, "file with records that the message is about")
	cmd.Flags().StringVar(&o.story, "case", "", "the test case, by a part of its name, whose messages are shown")
	cmd.Flags().StringVar(&o.html, "html", "", "write the HTML of the mail to a file")
	cmd.Flags().BoolVar(&o.json, "json", false, "print everything as JSON")
	return cmd
}

// previewed is one message as preview shows it.
type previewed struct {
	Template string `json:"template"`
	Channel  string `json:"channel"`
	Kind     string `json:"kind"`
	engine.Content
	Segments     int    `json:"segments,omitempty"`
	ApprovedText string `json:"approved_text,omitempty"`
}

func preview(ctx context.Context, out io.Writer, name string, o previewOptions) error {
	c, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	if o.book != "" {
		c.Book = o.book
	}
	files, err := bookFolder(c.Book)
	if err != nil {
		return err
	}
	if o.config == "" {
		c.Web.Brand.Name = "Acme" // an example as the values are
	}
	options := c.bookOptions()
	options.KeepAll = true
	book, diags, sources := workflows.Load(files, options)
	if book == nil {
		return complaints{diags, sources}
	}
	template, err := templateOf(book, name, o.workflow)
	if err != nil {
		return err
	}
	var all []previewed
	if o.story != "" {
		all, err = o.played(ctx, files, book, sources, template, name, options.Carriers)
	} else {
		all, err = o.written(book, template, name)
	}
	if err != nil {
		return err
	}
	if o.html != "" {
		if err := writeHTML(o.html, all); err != nil {
			return err
		}
	}
	return printPreview(out, all, o)
}

// templateOf finds a template by its name, as a workflow uses it.
func templateOf(book *engine.Book, name, workflow string) (*render.Template, error) {
	var names []string
	for _, w := range book.Workflows {
		if workflow != "" && w.Name != workflow {
			continue
		}
		if t, ok := w.Templates[name].(*render.Template); ok {
			return t, nil
		}
		for used := range w.Templates {
			names = append(names, used)
		}
	}
	slices.Sort(names)
	if near, ok := yamldoc.Suggest(name, names); ok {
		return nil, fmt.Errorf("no workflow uses a template %s; did you mean %s?", name, near)
	}
	return nil, fmt.Errorf("no workflow uses a template %s; one of: %s", name,
		strings.Join(slices.Compact(names), ", "))
}

// written are the messages of examples, or of records in files.
func (o previewOptions) written(book *engine.Book, t *render.Template, name string) (all []previewed, err error) {
	records, err := readRecords(o.records, book, time.Now())
	if err != nil {
		return nil, err
	}
	env := t.Sample(o.language, nil)
	if len(records) > 0 {
		if err := about(env, records); err != nil {
			return nil, err
		}
	}
	for _, channel := range o.chosen(t) {
		if !t.Has(channel) {
			return nil, fmt.Errorf("template %s has no text for %s; it has some for %s", name, channel,
				strings.Join(t.Channels(), ", "))
		}
		content, err := t.Render(channel, o.language, env)
		if err != nil {
			return nil, err
		}
		all = append(all, shownAs(t, name, channel, content))
	}
	return all, nil
}

func (o previewOptions) chosen(t *render.Template) []string {
	if len(o.channels) > 0 {
		return o.channels
	}
	return t.Channels()
}

// about puts records in place of the examples: the first of the template's module, and those that it refers to.
func about(env *engine.Env, records []*engine.Event) error {
	given := map[engine.Ref]engine.Fields{}
	found := false
	for _, r := range records {
		given[r.Ref()] = r.Change.Record
		if r.Ref().Module == env.Module.Name && !found {
			found, env.Ref, env.Record = true, r.Ref(), r.Change.Record
		}
	}
	if !found {
		return fmt.Errorf("the message is about %s, and no record of that module is given", env.Module.Name)
	}
	referTo(env, given)
	return nil
}

// referTo puts records in place of the examples that the routes lead to.
func referTo(env *engine.Env, given map[engine.Ref]engine.Fields) {
	for route := range env.Routes {
		from, module := env.Record, env.Module
		var ref engine.Ref
		for step := range strings.SplitSeq(route, ".") {
			field := module.Fields[step]
			if ref = (engine.Ref{}); field == nil {
				break
			}
			for _, to := range field.To {
				if at := (engine.Ref{Module: to, ID: from.Text(step)}); given[at] != nil {
					ref, from, module = at, given[at], env.Modules[to]
					break
				}
			}
			if ref == (engine.Ref{}) {
				break
			}
		}
		if delete(env.Routes, route); ref != (engine.Ref{}) {
			env.Routes[route] = engine.Record{Ref: ref, Fields: from}
		}
	}
}

// played are the messages that a test case sends.
func (o previewOptions) played(
	ctx context.Context, files fs.FS, book *engine.Book, sources map[string][]byte, t *render.Template, name string,
	carriers map[string]engine.Carrier,
) (all []previewed, err error) {
	read, err := program{files: files}.tests(book, sources)
	if err != nil {
		return nil, err
	}
	stages, err := newStages(ctx)
	if err != nil {
		return nil, err
	}
	defer stages.close()
	for _, c := range casesNamed(read, o.story) {
		sent, err := rehearsal.Sent(ctx, book, carriers, c, stages.open, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(c.Place()), err)
		}
		for _, m := range sent {
			if len(o.channels) == 0 || slices.Contains(o.channels, m.Channel) {
				all = append(all, shownAs(t, name, m.Channel, m.Content))
			}
		}
		if len(all) > 0 {
			return all, nil
		}
	}
	return nil, fmt.Errorf("no test case whose name has %q in it sends a message of template %s", o.story, name)
}

// writeHTML writes the first message that has a form in HTML to a file.
func writeHTML(file string, all []previewed) error {
	for _, p := range all {
		if p.HTML == "" {
			continue
		}
		if err := os.WriteFile(file, []byte(p.HTML), 0o600); err != nil {
			return fmt.Errorf("write HTML: %w", err)
		}
		return nil
	}
	return errors.New("--html: no message has a form in HTML")
}
