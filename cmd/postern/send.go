package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/internal/keys"
	"postern/internal/yamldoc"
)

// sendTime is how long one message sent by hand may take.
const sendTime = 2 * time.Minute

// sentMessage is what came of a message sent by hand.
type sentMessage struct {
	Channel string         `json:"channel"`
	To      string         `json:"to"` // masked
	Sent    bool           `json:"sent"`
	Receipt engine.Receipt `json:"receipt,omitzero"`
	Verdict string         `json:"verdict,omitempty"` // permanent, unknown, misconfigured, later
	Why     string         `json:"why,omitempty"`
	Hint    string         `json:"hint,omitempty"`
}

func sendCommand() *cobra.Command {
	var s site
	var o sendOptions
	cmd := &cobra.Command{
		Use:   "send CHANNEL ADDRESS [TEXT…]",
		Short: "Send one real message by a channel, to see that it arrives",
		Long: `Send hands one message to a configured channel, to the address given, and tells what the provider
answered. It is a real message to a real person: nothing keeps it but redirect_to and only_to, which hold
for it as for every other.
It works beside a running Postern and before the first start. No workflow, link or suppression plays a part,
and nothing is tried again.

With --template the message is written by a template of the book, about the record that --record names, or
about examples. A link in it leads where --link says, or to the front page of the door: it opens nothing.

The address is what the channel sends to: a mail address, a number such as +34600123456, an external id for
push, or @FILE for what is too long to type, such as a browser's subscription. - takes the text from
standard input.

Exit code 1 means that the message was not sent, or that nobody can tell.`,
		Example: `  postern send email ann@acme.example "Does this arrive?" -c postern.yaml
  postern send sms +34600123456 -c postern.yaml
  postern send email ann@acme.example --template ticket-created --record HelpDesk:17x5 --lang es -c postern.yaml
  postern send webpush @subscription.json --subject Hello "It works" -c postern.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("name a channel and an address, such as `%s email ann@acme.example`",
					cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(cmd); err != nil {
				return err
			}
			return o.send(cmd, &s, args)
		},
	}
	s.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.subject, "subject", "Postern", "subject or heading, where the channel has one")
	flags.StringVar(&o.link, "link", "", "address that the message leads to, where the channel has a place for it")
	flags.StringVar(&o.template, "template", "", "template of the book that writes the message, in place of a text")
	flags.StringVar(&o.record, "record", "", "record that the template writes about, as Module:id; else an example")
	flags.StringVar(&o.language, "lang", "en", "language of the message")
	return cmd
}

// sendOptions are what is to be sent.
type sendOptions struct {
	channel, address, text     string
	subject, link              string
	template, record, language string

	written *engine.Content // by the template
}

// send writes the message, hands it over and tells what came of it.
func (o *sendOptions) send(cmd *cobra.Command, s *site, args []string) error {
	if err := o.read(cmd.InOrStdin(), args); err != nil {
		return err
	}
	if err := o.write(cmd.Context(), s); err != nil {
		return err
	}
	sent, err := sendByHand(cmd.Context(), s.config, *o)
	if err != nil {
		return err
	}
	err = s.print(cmd.OutOrStdout(), sent, sent.layOut)
	if err == nil && !sent.Sent {
		err = toldError{errors.New("not sent")}
	}
	return err
}

// read takes channel, address and text from the arguments.
func (o *sendOptions) read(in io.Reader, args []string) error {
	o.channel, o.address, o.text = args[0], args[1], strings.Join(args[2:], " ")
	if path, ok := strings.CutPrefix(o.address, "@"); ok {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read the address: %w", err)
		}
		o.address = strings.TrimSpace(string(text))
	}
	switch {
	case o.template != "" && o.text != "":
		return errors.New("a message has either a text or a --template")
	case o.template == "" && o.record != "":
		return errors.New("--record is what a --template writes about")
	}
	switch o.text {
	case "-":
		text, err := io.ReadAll(io.LimitReader(in, engine.MaxCallBody))
		if err != nil {
			return fmt.Errorf("read the text: %w", err)
		}
		o.text = string(text)
	case "":
		o.text = "This is a test of Postern. If you can read it, messages arrive here."
	}
	return nil
}

// sendByHand hands one message to a channel.
func sendByHand(ctx context.Context, c config, o sendOptions) (*sentMessage, error) {
	channel, err := c.openOne(o.channel)
	if err != nil {
		return nil, err
	}
	if closer, ok := channel.(engine.Closer); ok {
		defer func() { _ = closer.Close() }()
	}
	m, err := c.messageByHand(channel, o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	receipt, err := channel.Send(ctx, m)
	sent := &sentMessage{Channel: o.channel, To: m.Recipient.Masked(), Sent: err == nil, Receipt: receipt}
	if err != nil {
		sent.judge(err)
	}
	return sent, nil
}

// openOne opens one of the configured channels, without what the others need.
func (c config) openOne(name string) (engine.Channel, error) {
	i := slices.IndexFunc(c.Channels, func(e yamldoc.Entry) bool { return e.Key.Text() == name })
	if i < 0 {
		var names []string
		for _, entry := range c.Channels {
			names = append(names, entry.Key.Text())
		}
		if near, ok := yamldoc.Suggest(name, names); ok {
			return nil, fmt.Errorf("no channel is called %q; did you mean %s?", name, near)
		}
		if len(names) == 0 {
			return nil, errors.New("the configuration has no channels; name the file with --config")
		}
		return nil, fmt.Errorf("no channel is called %q; there is %s", name, strings.Join(names, ", "))
	}
	alone := c
	alone.Channels = c.Channels[i : i+1]
	made, err := alone.openChannels(c.outfitAlone())
	if err != nil {
		return nil, err
	}
	return slices.Collect(maps.Values(made))[0], nil
}

// outfitAlone is what a channel is opened with where no engine runs: what it hears is lost. Its keys are those of the
// key file, if there is one.
func (c config) outfitAlone() engine.Outfit {
	root, err := keys.Open(c.keyFile())
	if err != nil {
		root, _ = keys.NewRoot(rand.Reader) // what is made with it is not understood later
	}
	return engine.Outfit{
		Clock: engine.SystemClock{}, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler), Folder: c.folder,
		Key: func(purpose string) []byte {
			key, _ := root.Lasting(purpose) // fails for no purpose
			return key
		},
	}
}

// messageByHand writes the message, to the address in the form that the channel sends to.
func (c config) messageByHand(channel engine.Channel, o sendOptions) (engine.Message, error) {
	address := o.address
	if carried, ok := channel.(engine.Carried); ok && carried.Carrier().Proper != nil {
		proper, err := carried.Carrier().Proper(address)
		if err != nil {
			return engine.Message{}, fmt.Errorf("the address: %w", err)
		}
		address = proper
	}
	content := engine.Content{Language: o.language, Subject: o.subject, Text: o.text, Link: o.link}
	if o.written != nil {
		content = *o.written
	}
	now := engine.SystemClock{}.Now()
	id, err := engine.NewID(now, rand.Reader)
	if err != nil {
		return engine.Message{}, err
	}
	diversion, err := c.diversion()
	if err != nil {
		return engine.Message{}, err
	}
	if !diversion.Allows(o.channel, address) {
		return engine.Message{}, errors.New("only_to does not name this address; nothing was sent")
	}
	return diversion.Divert(engine.Message{
		Delivery: id, Channel: o.channel, Created: now, Content: content,
		Recipient: engine.Recipient{Address: address, Language: o.language},
	}), nil
}

// judge says in words what an error means.
func (s *sentMessage) judge(err error) {
	s.Why = err.Error()
	switch {
	case engine.IsPermanent(err):
		s.Verdict, s.Hint = "permanent", "trying again will not help: the address or the message is refused"
	case engine.IsMisconfigured(err):
		s.Verdict, s.Hint = "misconfigured", "no message will pass before the configuration, or the account, is mended"
	case engine.IsUnknown(err):
		s.Verdict, s.Hint = "unknown", "look whether it arrived: nobody here can tell"
	default:
		s.Verdict, s.Hint = "later", "it has not left; try again"
		if wait := engine.RetryDelay(err); wait > 0 {
			s.Hint = fmt.Sprintf("it has not left; try again in %v", wait)
		}
	}
}

func (s *sentMessage) layOut(out *strings.Builder) {
	var t table
	if s.Sent {
		fmt.Fprintf(out, "handed over, by %s to %s\n\n", s.Channel, s.To)
		t.row("provider", s.Receipt.Provider)
		if s.Receipt.ID != "" {
			t.row("id", printable(s.Receipt.ID))
		}
		t.row("answer", printable(s.Receipt.Detail))
	} else {
		state := "not sent"
		if s.Verdict == "unknown" {
			state = "in doubt"
		}
		fmt.Fprintf(out, "%s, by %s to %s\n\n", state, s.Channel, s.To)
		t.row("verdict", s.Verdict)
		t.row("why", printable(s.Why))
		t.row("hint", s.Hint)
	}
	t.write(out)
}
