package floor

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// groupSize is how many events are taken together at most, as in Postern.
const groupSize = 256

// told is what the floor tells of a record that it filled.
type told struct {
	SpecVersion string   `json:"specversion"`
	ID          string   `json:"id"`
	Source      string   `json:"source"`
	Type        string   `json:"type"`
	Subject     string   `json:"subject"`
	Time        string   `json:"time"`
	ContentType string   `json:"datacontenttype"`
	Data        toldData `json:"data"`
}

type toldData struct {
	Record  record   `json:"record"`
	Changed []string `json:"changed"`
	Actor   string   `json:"actor"`
}

// Fill runs a broker of its own on a stream that is there, gives each urgent record a random id, keeps it in a
// database together with the position in the stream, and tells of it on the same stream. Each group of events is one
// transaction and then one atomic batch; while that is published, the next group is taken.
func Fill(ctx context.Context, config Config) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	broker, err := startBroker(config.Listen, filepath.Join(config.Folder, "nats"), true)
	if err != nil {
		return err
	}
	defer func() { broker.Shutdown(); broker.WaitForShutdown() }()
	js, err := connectInside(broker)
	if err != nil {
		return err
	}
	f, err := openFiller(ctx, config.Folder)
	if err != nil {
		return err
	}
	defer f.db.Close()
	consumer, err := js.OrderedConsumer(ctx, Stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	arrived := make(chan jetstream.Msg, groupSize)
	consuming, err := consumer.Consume(func(m jetstream.Msg) {
		select {
		case arrived <- m:
		case <-ctx.Done():
		}
	}, jetstream.PullMaxMessages(1000))
	if err != nil {
		return err
	}
	defer consuming.Stop()
	outgoing := make(chan []*nats.Msg)
	go func() {
		for batch := range outgoing {
			if err := publishBatch(ctx, js, batch); err != nil {
				cancel(err)
				return
			}
		}
	}()
	defer close(outgoing)
	if err := f.work(ctx, arrived, outgoing); err != nil {
		return err
	}
	return causeOf(ctx)
}

// work takes group after group until the context ends.
func (f *filler) work(ctx context.Context, arrived <-chan jetstream.Msg, outgoing chan<- []*nats.Msg) error {
	for {
		group := gather(ctx, arrived)
		if group == nil {
			return nil
		}
		out, err := f.take(ctx, group)
		if err != nil {
			return err
		}
		if len(out) == 0 {
			continue
		}
		select {
		case outgoing <- out:
		case <-ctx.Done():
		}
	}
}

// gather waits for a message and takes what else is at hand; nil when the context ended.
func gather(ctx context.Context, arrived <-chan jetstream.Msg) []jetstream.Msg {
	group := make([]jetstream.Msg, 0, groupSize)
	select {
	case m := <-arrived:
		group = append(group, m)
	case <-ctx.Done():
		return nil
	}
	for len(group) < groupSize {
		select {
		case m := <-arrived:
			group = append(group, m)
		default:
			return group
		}
	}
	return group
}

// filler is the database of the floor.
type filler struct {
	db           *sql.DB
	keep, cursor *sql.Stmt
}

func openFiller(ctx context.Context, folder string) (*filler, error) {
	db, err := openWriting(folder)
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, `
		CREATE TABLE records (
			module TEXT NOT NULL, id TEXT NOT NULL, fields TEXT NOT NULL, written TEXT NOT NULL,
			version INTEGER NOT NULL, seq INTEGER NOT NULL, deleted INTEGER NOT NULL, updated INTEGER NOT NULL,
			PRIMARY KEY (module, id)
		) STRICT;
		CREATE TABLE cursor (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;`)
	if err != nil {
		return nil, err
	}
	f := &filler{db: db}
	f.keep, err = db.PrepareContext(ctx, `
		INSERT INTO records (module, id, fields, written, version, seq, deleted, updated)
		VALUES ('HelpDesk', ?, ?, ?, 0, ?, 0, ?) ON CONFLICT (module, id) DO UPDATE SET fields = excluded.fields`)
	if err != nil {
		return nil, err
	}
	f.cursor, err = db.PrepareContext(ctx, "INSERT OR REPLACE INTO cursor (id, seq) VALUES (1, ?)")
	return f, err
}

// take stores what the group leads to, and returns what there is to tell.
func (f *filler) take(ctx context.Context, group []jetstream.Msg) ([]*nats.Msg, error) {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	keep, cursor := tx.StmtContext(ctx, f.keep), tx.StmtContext(ctx, f.cursor) //nolint:sqlclosecheck // the commit does
	var out []*nats.Msg
	var last uint64
	for _, m := range group {
		meta, err := m.Metadata()
		if err != nil {
			return nil, err
		}
		last = meta.Sequence.Stream
		e, urgent, err := decode(m.Data())
		if err != nil {
			return nil, err
		}
		if !urgent || e.Data.Record.ExternalID != "" {
			continue
		}
		r := e.Data.Record
		r.ExternalID = randomID()
		fields, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		written := fmt.Sprintf(`{"cf_externalid":%q}`, e.ID)
		if _, err := keep.ExecContext(ctx, r.ID, string(fields), written, last, time.Now().UnixMilli()); err != nil {
			return nil, err
		}
		message, err := tell(r)
		if err != nil {
			return nil, err
		}
		out = append(out, message)
	}
	if _, err := cursor.ExecContext(ctx, last); err != nil {
		return nil, err
	}
	return out, tx.Commit()
}

func tell(r record) (*nats.Msg, error) {
	id := randomID()
	data, err := json.Marshal(told{
		SpecVersion: "1.0", ID: id, Source: "floor", Type: "record.updated", Subject: "HelpDesk/" + r.ID,
		Time: time.Now().UTC().Format(time.RFC3339Nano), ContentType: "application/json",
		Data: toldData{Record: r, Changed: []string{"cf_externalid"}, Actor: "floor"},
	})
	if err != nil {
		return nil, err
	}
	message := nats.NewMsg("crm.HelpDesk.updated." + r.ID)
	message.Data = data
	message.Header.Set(jetstream.MsgIDHeader, "floor/"+id)
	return message, nil
}
