package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"postern/internal/nats"
	"postern/internal/yamldoc"
)

func demoCommand() *cobra.Command {
	var listen, data string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try Postern: everything in one process, nothing leaves this machine",
		Long: `Demo runs the shipped book with an embedded broker and database in a temporary folder, a small
scripted CRM that creates and changes tickets, and an inbox page that shows every message in place
of sending it.`,
		Example: `  postern demo
  postern demo --listen 127.0.0.1:9000 --data ./demo-data`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), listen, data)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8480", "address of the HTTP port")
	cmd.Flags().StringVar(&data, "data", "", "data folder to keep; by default a temporary one")
	return cmd
}

func demo(ctx context.Context, out, errOut io.Writer, listen, data string) error {
	if data == "" {
		folder, err := os.MkdirTemp("", "postern-demo-")
		if err != nil {
			return fmt.Errorf("make data folder: %w", err)
		}
		defer func() { _ = os.RemoveAll(folder) }()
		data = folder
	}
	listener, err := listenNear(ctx, listen)
	if err != nil {
		return err
	}
	c, err := demoConfig(ctx, listener.Addr(), data)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	h, err := openHouse(ctx, c, newLogger(errOut, "text", slog.LevelWarn))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	d := &demonstration{house: h, room: newMailroom(h.channels), out: out}
	err = d.run(ctx, listener)
	return errors.Join(err, h.close())
}

// listenNear opens the wanted port, or a free one if it is taken.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err == nil {
		return listener, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, fmt.Errorf("open HTTP port: %w", err)
	}
	if listener, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, "0")); err != nil {
		return nil, fmt.Errorf("open HTTP port: %w", err)
	}
	return listener, nil
}

// demoConfig captures every message and listens on this machine only.
func demoConfig(ctx context.Context, web net.Addr, data string) (config, error) {
	c := defaultConfig()
	_, port, err := net.SplitHostPort(web.String())
	if err != nil {
		return c, fmt.Errorf("read HTTP port: %w", err)
	}
	c.Data = data
	c.Web = webConfig{
		Listen: web.String(), BaseURL: "http://localhost:" + port, Brand: brandConfig{Name: "Acme Support"},
	}
	broker, err := listenNear(ctx, nats.Defaults().Listen) // the usual port, unless it is taken
	if err != nil {
		return c, err
	}
	c.NATS.Listen = broker.Addr().String()
	if err := broker.Close(); err != nil {
		return c, fmt.Errorf("find NATS port: %w", err)
	}
	doc, diags := yamldoc.Parse("demo", demoChannelsYAML())
	if diags.Err() != nil {
		return c, diags.Err()
	}
	return c, yamldoc.Decode(doc.Root(), &c.Channels).Err()
}

// demonstration is the demo while it runs.
type demonstration struct {
	house   *house
	room    mailroom
	answers sync.Map // engine.Pressed by the message whose button was pressed
	out     io.Writer
	lines   sync.Mutex
}

func (d *demonstration) run(ctx context.Context, listener net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	crm := newDemoCRM(d.house.bus)
	d.welcome(crm.opinions)
	var parts sync.WaitGroup
	parts.Go(func() { d.tellEvents(ctx) })
	parts.Go(func() { d.room.follow(ctx, d.tellMessage) })
	parts.Go(func() { crm.run(ctx) })
	parts.Go(func() { crm.follow(ctx) })
	parts.Go(func() { d.letIn(ctx) })
	err := d.house.work(ctx, listener, d.handler())
	stop()
	parts.Wait()
	return err
}

func (d *demonstration) welcome(opinions string) {
	d.say(`Postern demo: everything runs in this process, nothing leaves this machine.

  Inbox    %[1]s/inbox    what the customers receive
  Events   %[2]s          crm.> and postern.>, for any NATS client

Try this:
  1. Open the inbox. A small CRM creates tickets; each customer gets a mail.
  2. Follow the link in a mail, press Continue, then the button that says it is resolved, and confirm.
     For a while the receipt lets you take it back.
  3. Watch below: the CRM hears of it as an event, and the customer gets a second mail
     with a link to open the ticket again.
  4. The mail about invoice INV1001 asks for Zoë's security code too, which is %[3]s.
     Try a wrong one first.
  5. The mail about order PO2001 has two links, to approve and to reject: after one, the other is over.
  6. The mail about quote QUO3001 sends Pilar a second link, into the inbox, before it shows anything.
  7. Give your opinion of the open day, without an account and without a mail:
     %[1]s/x/event-feedback/%[4]s
  8. Ticket TT90 is urgent, so Ben has it in Mattermost: take it on by its button, and take that back.
  9. Ticket TT91 waits for Zoë, who gets an SMS. Contract SER4001 asks for a code, which goes to Joost's phone.
%[5]s
Ctrl-C ends the demo.

`, d.house.base, d.house.bus.Address(), demoPIN, opinions, d.portalWelcome())
}

func (d *demonstration) say(format string, args ...any) {
	d.lines.Lock()
	defer d.lines.Unlock()
	_, _ = fmt.Fprintf(d.out, format, args...)
}
