// Package carry hands messages to one channel alone, without an engine: what a channel can carry at most. Each run is a
// process of its own (bench carry KIND), as the floors are.
package carry

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"postern/channels"
	"postern/engine"
)

// Account is that at the provider of SMS.
const Account = "AC0123456789abcdef0123456789abcdef"

// Width is how many messages are under way at the same time, over as many connections.
const Width = 8

// Config says where the world is.
type Config struct {
	SMTP   string // host:port of the mail server
	API    string // URL of the provider
	Events int    // messages to send
}

// Run sends the messages by a channel of this kind.
func Run(ctx context.Context, kind string, config Config) error {
	opens := map[string]func(Config) (engine.Channel, string, error){"email": openEmail, "sms": openSMS}
	open := opens[kind]
	if open == nil {
		return fmt.Errorf("there is no channel %q", kind)
	}
	channel, to, err := open(config)
	if err != nil {
		return err
	}
	outfit := engine.Outfit{
		Clock: engine.SystemClock{}, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler), Channel: kind,
	}
	if err := channel.(engine.Opener).Open(outfit); err != nil {
		return fmt.Errorf("open %s: %w", kind, err)
	}
	if err := sendAll(ctx, channel, kind, to, config.Events); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// sendAll sends message after message, Width at the same time.
func sendAll(ctx context.Context, channel engine.Channel, kind, to string, count int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	for range Width {
		group.Go(func() {
			for n := next.Add(1); n <= int64(count) && ctx.Err() == nil; n = next.Add(1) {
				if _, err := channel.Send(ctx, message(kind, to, int(n))); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// message is what the bench's book writes about a ticket.
func message(kind, to string, n int) engine.Message {
	id, _ := engine.NewID(time.Now(), rand.Reader)
	return engine.Message{
		Delivery: id, Channel: kind, Created: time.Now(), Recipient: engine.Recipient{Address: to},
		Content: engine.Content{
			Subject: fmt.Sprintf("Ticket TT-%06d", n), Language: "en",
			Text: fmt.Sprintf("Hello,\n\nwe have your ticket TT-%06d: Printer %d is out of paper\n\n"+
				"Is it resolved? Tell us here:\nhttp://127.0.0.1:8480/l/%s\n", n, n, rand.Text()),
		},
	}
}

// tokenEnv names the variable with the auth token.
const tokenEnv = "POSTERN_BENCH_TOKEN"

func openSMS(config Config) (engine.Channel, string, error) {
	if err := os.Setenv(tokenEnv, "0123456789abcdef0123456789abcdef"); err != nil {
		return nil, "", err
	}
	sms := channels.SMSKind().New().(*channels.SMS)
	sms.Account, sms.Token = Account, engine.Secret{Env: tokenEnv}
	sms.From, sms.Endpoint = "+34911000111", config.API
	return sms, "+34600123456", nil
}

func openEmail(config Config) (engine.Channel, string, error) {
	host, text, err := net.SplitHostPort(config.SMTP)
	if err != nil {
		return nil, "", err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, "", err
	}
	email := channels.EmailKind().New().(*channels.Email)
	email.Host, email.Port, email.From, email.TLS = host, port, "Acme Support <support@acme.example>", "none"
	return email, "customer@people.example", nil
}
