package floor

import (
	"context"
	"errors"
	"fmt"
	"net/smtp"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// connections is how many the floor keeps open to the mail server, as many as Postern does.
const connections = 8

// Mail reads events, sends a mail with a link for each that is urgent, and a message to the web service if there is
// one, and forgets the rest. With AckAll each event is acknowledged once that is done; otherwise nothing is.
func Mail(ctx context.Context, config Config) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn, err := nats.Connect(config.NATS)
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	consumer, err := mailConsumer(ctx, js, config)
	if err != nil {
		return err
	}
	arrived := make(chan jetstream.Msg, 512)
	poster := newPoster(config.Hooks)
	var group sync.WaitGroup
	defer group.Wait()
	for range connections {
		client, err := smtp.Dial(config.SMTP)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		group.Go(func() {
			defer client.Close()
			for {
				select {
				case <-ctx.Done():
					return
				case m := <-arrived:
					if err := handle(ctx, client, poster, m, config.AckAll); err != nil {
						cancel(err)
						return
					}
				}
			}
		})
	}
	wanted := "." + config.Only + "." // a token of the subject
	consuming, err := consumer.Consume(func(m jetstream.Msg) {
		if config.Only != "" && !strings.Contains(m.Subject(), wanted) {
			return
		}
		select {
		case arrived <- m:
		case <-ctx.Done():
		}
	}, jetstream.PullMaxMessages(1000))
	if err != nil {
		cancel(err)
		return err
	}
	defer consuming.Stop()
	<-ctx.Done()
	return causeOf(ctx)
}

// causeOf is why the context ended, if not because the floor is over.
func causeOf(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func mailConsumer(ctx context.Context, js jetstream.JetStream, config Config) (jetstream.Consumer, error) {
	if !config.AckAll {
		return js.OrderedConsumer(ctx, Stream, jetstream.OrderedConsumerConfig{})
	}
	return js.CreateConsumer(ctx, Stream, jetstream.ConsumerConfig{
		Durable: randomID(), AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 4096, AckWait: time.Minute,
	})
}

// handle does one event.
func handle(ctx context.Context, client *smtp.Client, poster *poster, m jetstream.Msg, acknowledge bool) error {
	e, urgent, err := decode(m.Data())
	if err != nil {
		return err
	}
	if urgent {
		if err := send(client, e.Data.Record); err != nil {
			return err
		}
		if err := poster.post(ctx, e.Data.Record); err != nil {
			return err
		}
	}
	if acknowledge {
		return m.Ack()
	}
	return nil
}

// send writes the letter that the bench's book writes.
func send(client *smtp.Client, r record) error {
	if err := client.Mail("support@acme.example"); err != nil {
		return err
	}
	if err := client.Rcpt(r.Email); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	id := randomID()
	_, err = fmt.Fprintf(w, "Date: %s\r\nFrom: Acme Support <support@acme.example>\r\nTo: <%s>\r\n"+
		"Message-ID: <%s@acme.example>\r\nSubject: Ticket %s\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\n\r\n"+
		"Hello,\r\n\r\nwe have your ticket %s: %s\r\n\r\nIs it resolved? Tell us here:\r\n"+
		"http://127.0.0.1:8480/l/%s\r\n",
		time.Now().Format(time.RFC1123Z), r.Email, id, r.Number, r.Number, r.Title, id)
	if err != nil {
		return err
	}
	return w.Close()
}
