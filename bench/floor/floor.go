// Package floor holds the least that could do what Postern is measured at: programs written by hand for one purpose,
// without history, retries, conditions from YAML, or a second node in mind. Where a database is part of the promise, a
// floor uses the same driver, pragmas, row widths and prepared statements; where a broker is, the same settings. They
// are meant to be as fast as they can be in a hundred lines: a slow floor would flatter.
//
// Each floor is a process of its own (bench floor NAME), so that its processor time and memory are counted like those
// of Postern.
package floor

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stream is the stream that Postern makes, and the floors read.
const Stream = "POSTERN"

// Config says where a floor finds the world. Not every floor needs all of it.
type Config struct {
	NATS   string // URL of the broker
	SMTP   string // host:port of the mail server
	Hooks  string // URL that takes a message for each mail; "" for none
	API    string // URL of the provider that takes SMS
	Listen string // host:port to open
	Folder string // for files of its own
	AckAll bool   // acknowledge each event, with a durable consumer
	Only   string // the module whose events are looked into; all if it is ""
	Size   int    // bytes of the page to serve
	Events int    // to publish
	Width  int    // batches under way at the same time
}

// Run starts the floor of this name, and returns when it is done or the context ends.
func Run(ctx context.Context, name string, config Config) error {
	floors := map[string]func(context.Context, Config) error{
		"mail": Mail, "mails": Mails, "posts": Posts, "fill": Fill, "batch": Batch, "door": Door,
	}
	run := floors[name]
	if run == nil {
		return fmt.Errorf("there is no floor %q", name)
	}
	return run(ctx, config)
}

// event is what a floor needs of a record event.
type event struct {
	ID   string `json:"id"`
	Data struct {
		Record record `json:"record"`
	} `json:"data"`
}

type record struct {
	ID          string `json:"id"`
	Number      string `json:"ticket_no"`
	Title       string `json:"ticket_title"`
	Email       string `json:"email"`
	Status      string `json:"ticketstatus"`
	Priority    string `json:"ticketpriorities"`
	Description string `json:"description"`
	ExternalID  string `json:"cf_externalid,omitempty"`
}

// decode reads an event and tells whether it meets the condition.
func decode(data []byte) (e event, urgent bool, err error) {
	err = json.Unmarshal(data, &e)
	return e, e.Data.Record.Priority == "Urgent", err
}

// randomID is 22 characters that nobody can guess.
func randomID() string {
	var random [16]byte
	_, _ = rand.Read(random[:])
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// publishBatch stores the messages as one atomic batch (ADR-50): the answer to the last is about all.
func publishBatch(ctx context.Context, js jetstream.JetStream, messages []*nats.Msg) error {
	batch, last := rand.Text(), len(messages)-1
	for i, m := range messages {
		m.Header.Set("Nats-Batch-Id", batch)
		m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
		if i < last {
			if err := js.Conn().PublishMsg(m); err != nil {
				return err
			}
		}
	}
	messages[last].Header.Set("Nats-Batch-Commit", "1")
	_, err := js.PublishMsg(ctx, messages[last])
	return err
}
