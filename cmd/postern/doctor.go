package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
)

// doctorTime is how long one part may be looked at.
const doctorTime = 20 * time.Second

// doctor looks whether everything is as it must be. It changes and sends nothing.
type doctor struct {
	site     site
	tools    engine.ExamineTools
	client   *http.Client // asks for our own public address and for the time of others
	now      func() time.Time
	limit    time.Duration
	progress func(done, of int, part string)

	channels map[string]engine.Channel // open, to be looked at
	serving  bool                      // a process serves the data folder
	opening  sync.Mutex                // held while a part has the data folder open
}

// examined is a part of the house with what was found of it.
type examined struct {
	Part     string      `json:"part"`
	Findings []diagnosis `json:"findings"`
}

// diagnosis is an engine.Finding as it is printed.
type diagnosis struct {
	What string `json:"what"`
	Good bool   `json:"good"`
	Look bool   `json:"look,omitempty"` // not good, but it may be right all the same
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

func good(what, format string, args ...any) diagnosis {
	return diagnosis{What: what, Good: true, Text: fmt.Sprintf(format, args...)}
}

func fault(what, hint, format string, args ...any) diagnosis {
	return diagnosis{What: what, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// state is the word for it that people read.
func (d diagnosis) state() string {
	switch {
	case d.Good:
		return "ok"
	case d.Look:
		return "look"
	}
	return "fault"
}

func doctorCommand() *cobra.Command {
	d := doctor{now: time.Now, client: doctorClient()}
	var dns string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether everything is as it must be, and say what to do",
		Long: `Doctor looks at the configuration, the book, the data folder, the event stream, the CRM, every portal,
every channel, the addresses that providers call back and the clock: everything at once, each for twenty seconds at
most.
It changes nothing and sends nothing to anybody, and works beside a running Postern. Of a channel it asks what
the provider of its kind can tell: whether it takes the key, and whether the records in the DNS are there.

What may be right all the same is told as "look". Exit code 1 means that there is a fault.`,
		Example: `  postern doctor -c postern.yaml
  postern doctor -c postern.yaml --dns 9.9.9.9
  postern doctor -c postern.yaml --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			resolver, err := resolverAt(dns)
			if err != nil {
				return err
			}
			d.tools.Resolver, d.site.log = resolver, io.Discard
			errOut := cmd.ErrOrStderr()
			if !d.site.json {
				d.progress = progressOn(errOut)
			}
			return d.tell(cmd.OutOrStdout(), d.examine(cmd.Context()))
		},
	}
	cmd.Flags().StringVarP(&d.site.path, "config", "c", "", "configuration file")
	cmd.Flags().StringVar(&d.site.data, "data", "", "data folder, in place of the configured one")
	cmd.Flags().BoolVar(&d.site.json, "json", false, "print it as JSON")
	cmd.Flags().StringVar(&dns, "dns", "", "name server to ask, in place of the system's: what others see")
	cmd.Flags().DurationVar(&d.limit, "timeout", doctorTime, "how long one part may take")
	return cmd
}

// resolverAt asks a name server, by its address with or without a port; the system's if it is "".
func resolverAt(server string) (engine.Resolver, error) {
	if server == "" {
		return net.DefaultResolver, nil
	}
	address := server
	if _, _, err := net.SplitHostPort(server); err != nil {
		address = net.JoinHostPort(strings.Trim(server, "[]"), "53")
	}
	if host, _, err := net.SplitHostPort(address); err != nil || net.ParseIP(host) == nil {
		return nil, fmt.Errorf("--dns %q is no address such as 9.9.9.9 or 9.9.9.9:53", server)
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}, nil
}

// doctorClient follows no redirects: what answers first is what is looked at.
func doctorClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// part is one thing to look at.
type part struct {
	name    string
	examine func(ctx context.Context) []diagnosis
}

// examine looks at all parts at once, in the order in which they are told. A configuration that cannot be read is all
// there is to tell.
func (d *doctor) examine(ctx context.Context) []examined {
	c, err := loadConfig(d.site.path)
	if err != nil {
		return []examined{{"configuration", []diagnosis{
			fault("file", "correct it; docs/reference/configuration.md shows every key", "%v", err),
		}}}
	}
	if d.site.data != "" {
		c.Data = d.site.data
	}
	d.site.config = c
	parts := d.parts(ctx)
	found := make([]examined, len(parts))
	var under sync.WaitGroup
	var counting sync.Mutex
	done := 0
	for i, p := range parts {
		under.Go(func() {
			limited, cancel := context.WithTimeout(ctx, d.limit)
			defer cancel()
			found[i] = examined{p.name, d.guarded(limited, p)}
			counting.Lock()
			defer counting.Unlock()
			if done++; d.progress != nil {
				d.progress(done, len(parts), p.name)
			}
		})
	}
	under.Wait()
	return found
}

// guarded looks at a part and gives up when its time is over, whatever the part does with it.
func (d *doctor) guarded(ctx context.Context, p part) []diagnosis {
	found := make(chan []diagnosis, 1)
	go func() { found <- p.examine(ctx) }()
	select {
	case diagnoses := <-found:
		return diagnoses
	case <-ctx.Done():
	}
	// What heeds the context ends in this moment as well, and has something to tell.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(d.limit, time.Second))
	defer cancel()
	select {
	case diagnoses := <-found:
		return diagnoses
	case <-grace.Done():
		return []diagnosis{fault("answer", "ask again, or give it more time with --timeout", "none within %v", d.limit)}
	}
}

// progressOn tells on a terminal how far it is; nil for anything else.
func progressOn(out io.Writer) func(done, of int, part string) {
	file, ok := out.(*os.File)
	if !ok {
		return nil
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(done, of int, part string) {
		line := fmt.Sprintf("looked at %d of %d: %s", done, of, part)
		if done == of {
			line = ""
		}
		_, _ = fmt.Fprintf(out, "\r\x1b[K%s", line)
	}
}

// tell prints what was found. The error tells that there are faults; it was said already.
func (d *doctor) tell(out io.Writer, found []examined) error {
	looked, look, faults := 0, 0, 0
	for _, part := range found {
		for _, f := range part.Findings {
			looked++
			switch f.state() {
			case "look":
				look++
			case "fault":
				faults++
			}
		}
	}
	report := struct {
		Parts  []examined `json:"parts"`
		Looked int        `json:"looked"`
		Look   int        `json:"look"`
		Faults int        `json:"faults"`
	}{found, looked, look, faults}
	at := &d.site
	err := at.print(out, report, func(text *strings.Builder) {
		layOutFindings(text, found)
		fmt.Fprintf(text, "\n%s looked at, %s\n", counted(looked, "thing"), verdict(look, faults))
	})
	if err == nil && faults > 0 {
		err = toldError{errors.New("there are faults")}
	}
	return err
}

// verdict sums up what there is to do.
func verdict(look, faults int) string {
	toLook := fmt.Sprintf("%d to look at yourself", look)
	switch {
	case look == 0 && faults == 0:
		return "all is well"
	case faults == 0:
		return toLook + ", no fault"
	case look == 0:
		return counted(faults, "fault")
	}
	return toLook + ", " + counted(faults, "fault")
}

// layOutFindings puts the findings of all parts into the same columns, with what to do below a fault.
func layOutFindings(text *strings.Builder, found []examined) {
	widest := 0
	for _, part := range found {
		for _, f := range part.Findings {
			widest = max(widest, len([]rune(f.What)))
		}
	}
	indent := strings.Repeat(" ", 2+len("fault")+2+widest+2)
	for _, part := range found {
		fmt.Fprintln(text, part.Part)
		for _, f := range part.Findings {
			lines := strings.Split(strings.TrimSpace(f.Text), "\n")
			for i := range lines {
				lines[i] = printable(lines[i])
			}
			fmt.Fprintf(text, "  %-5s  %-*s  %s\n", f.state(), widest, f.What, strings.Join(lines, "\n"+indent))
			if !f.Good && f.Hint != "" {
				fmt.Fprintf(text, "%s-> %s\n", indent, f.Hint)
			}
		}
	}
}
