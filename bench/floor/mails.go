package floor

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	gomail "github.com/wneessen/go-mail"
)

// Mails sends mails by go-mail as its documentation shows, over connections that it uses again.
func Mails(ctx context.Context, config Config) error {
	host, text, err := net.SplitHostPort(config.SMTP)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	for range connections {
		client, err := gomail.NewClient(host, gomail.WithPort(port), gomail.WithTLSPolicy(gomail.NoTLS))
		if err != nil {
			return err
		}
		if err := client.DialWithContext(ctx); err != nil {
			return err
		}
		group.Go(func() {
			defer func() { _ = client.Close() }()
			for n := next.Add(1); n <= int64(config.Events) && ctx.Err() == nil; n = next.Add(1) {
				if err := mailOne(client, int(n)); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	<-ctx.Done()
	return causeOf(ctx)
}

func mailOne(client *gomail.Client, n int) error {
	m := gomail.NewMsg()
	if err := m.From("Acme Support <support@acme.example>"); err != nil {
		return err
	}
	if err := m.To("customer@people.example"); err != nil {
		return err
	}
	m.SetMessageID()
	m.SetDate()
	m.Subject(fmt.Sprintf("Ticket TT-%06d", n))
	m.SetBodyString(gomail.TypeTextPlain, fmt.Sprintf("Hello,\n\nwe have your ticket TT-%06d: "+
		"Printer %d is out of paper\n\nIs it resolved? Tell us here:\nhttp://127.0.0.1:8480/l/%s\n", n, n, randomID()))
	return client.Send(m)
}
