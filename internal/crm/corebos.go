package crm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"sync"
	"time"

	"postern/engine"
)

// Corebos is a coreBOS, asked by its web service. It has no conditional write, no unique fields and no memory of what
// was asked before, so that each of them is a read before the write: whoever writes in the short time between is not
// seen. The engine keeps Postern's own writes of one record apart.
type Corebos struct {
	config  Config
	address string
	key     string
	client  *http.Client
	free    chan *session

	mu      sync.Mutex
	modules map[string]*module // as described, by name
}

var (
	_ engine.CRM      = (*Corebos)(nil)
	_ engine.Searcher = (*Corebos)(nil)
)

// NewCorebos returns a coreBOS to which nothing is said yet. It fails when the configuration is not valid or the access
// key cannot be read.
func NewCorebos(c Config) (*Corebos, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	key, err := c.AccessKey.Reveal()
	if err != nil {
		return nil, fmt.Errorf("access_key: %w", err)
	}
	base, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("url cannot be read")
	}
	base.Path = path.Join("/", base.Path, "webservice.php")
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: c.Sessions, MaxIdleConnsPerHost: c.Sessions,
		IdleConnTimeout: 30 * time.Second, // before a web server's own: a write into a closing connection is in doubt
	}
	crm := &Corebos{
		config: c, address: base.String(), key: key, free: make(chan *session, c.Sessions),
		modules: map[string]*module{},
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	for range c.Sessions {
		crm.free <- &session{}
	}
	return crm, nil
}

// Close lets go of the idle connections. Sessions end in the CRM by themselves.
func (c *Corebos) Close() error {
	c.client.CloseIdleConnections()
	return nil
}

// Traits say whether the CRM's changes come as events.
func (c *Corebos) Traits() engine.Traits { return engine.Traits{Echoes: c.config.Echoes} }

// Get reads records one by one, as many at once as there are sessions. coreBOS's call for many answers nonsense over
// several modules, and a query for many fails as a whole over one record that it cannot read.
func (c *Corebos) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	return c.get(ctx, refs, c.read)
}

// get reads records in some way, as many at once as there are sessions.
func (c *Corebos) get(
	ctx context.Context, refs []engine.Ref, one func(context.Context, engine.Ref) (*engine.Record, error),
) ([]engine.Record, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	read := make([]*engine.Record, len(refs))
	var all sync.WaitGroup
	gate := make(chan struct{}, c.config.Sessions)
	for i, ref := range refs {
		gate <- struct{}{}
		all.Go(func() {
			defer func() { <-gate }()
			record, err := one(ctx, ref)
			if err != nil {
				stop(err) // the first is what is told
			}
			read[i] = record
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	records := make([]engine.Record, 0, len(refs))
	for _, record := range read {
		if record != nil {
			records = append(records, *record)
		}
	}
	return records, nil
}

// read reads one record; nil if it is not there.
func (c *Corebos) read(ctx context.Context, ref engine.Ref) (*engine.Record, error) {
	m, err := c.module(ctx, ref.Module)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	if !m.has(ref.ID) {
		return nil, nil
	}
	var fields answered
	err = c.call(ctx, request{operation: "retrieve", values: map[string]string{"id": ref.ID}}, &fields)
	if refusedWith(err, codeWrongID) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	record := fields.record(ref.Module)
	record.ID = ref.ID
	return &record, nil
}

// Update reads the record, does nothing if what is to be set stands already, refuses if what is expected does not, and
// else revises the fields that are set and no others.
func (c *Corebos) Update(ctx context.Context, write engine.Write) error {
	m, err := c.module(ctx, write.Ref.Module, slices.Collect(maps.Keys(write.Patch.Set))...)
	if err != nil {
		return fmt.Errorf("write %s: %w", write.Ref, err)
	}
	element, err := m.element(write.Patch.Set)
	if err != nil {
		return fmt.Errorf("write %s: %w", write.Ref, err)
	}
	record, err := c.read(ctx, write.Ref)
	if err != nil {
		return err
	}
	if record == nil {
		return engine.Permanent(fmt.Errorf("write %s: %w", write.Ref, engine.ErrNoRecord))
	}
	if _, differs := m.differs(record.Fields, write.Patch.Set); !differs {
		return nil
	}
	if field, differs := m.differs(record.Fields, write.Patch.Expect); differs {
		return engine.Permanent(fmt.Errorf("write %s: field %s: %w", write.Ref, field, engine.ErrConflict))
	}
	if err := c.checkFree(ctx, write); err != nil {
		return err
	}
	element["id"] = write.Ref.ID
	var fields answered
	err = c.call(ctx, request{operation: "revise", element: element}, &fields)
	if refusedWith(err, codeDenied) || refusedWith(err, codeWrongID) {
		return c.denied(ctx, write.Ref, err)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", write.Ref, err)
	}
	return nil
}

// denied tells apart why a record that was just read may not be written: coreBOS says the same of one that somebody
// deleted meanwhile and of one that the user may not write to.
func (c *Corebos) denied(ctx context.Context, ref engine.Ref, refusal error) error {
	record, err := c.read(ctx, ref)
	if err != nil {
		return err
	}
	if record == nil {
		return engine.Permanent(fmt.Errorf("write %s: %w", ref, engine.ErrNoRecord))
	}
	return fmt.Errorf("write %s: %w", ref, refusal)
}

// checkFree refuses a write whose unique values another record has.
func (c *Corebos) checkFree(ctx context.Context, write engine.Write) error {
	for _, field := range write.Unique {
		holders, err := c.Find(ctx, write.Ref.Module, field, write.Patch.Set[field], 2)
		if err != nil {
			return fmt.Errorf("write %s: %w", write.Ref, err)
		}
		for _, holder := range holders {
			if holder.Ref != write.Ref {
				return engine.Permanent(fmt.Errorf("write %s: field %s: %w", write.Ref, field, engine.ErrTaken))
			}
		}
	}
	return nil
}

// Create looks for the record that has the key and makes one if there is none. An owner that is not given is the user
// that Postern signs in as, and a date that is not given stays empty: coreBOS itself would refuse the one, and fill in
// today for the other. Of several records with the key the oldest is meant.
func (c *Corebos) Create(ctx context.Context, create engine.Create) (engine.Record, error) {
	record, err := c.create(ctx, create)
	if err != nil {
		return engine.Record{}, fmt.Errorf("create a record of %s: %w", create.Module, err)
	}
	return record, nil
}

func (c *Corebos) create(ctx context.Context, create engine.Create) (engine.Record, error) {
	if create.KeyField == "" || create.Key == "" {
		return engine.Record{}, engine.Permanent(errors.New("it needs a field of its own that carries a key"))
	}
	fields := engine.Fields{}
	maps.Copy(fields, create.Fields)
	fields[create.KeyField] = create.Key
	m, err := c.module(ctx, create.Module, slices.Collect(maps.Keys(fields))...)
	if err != nil {
		return engine.Record{}, err
	}
	element, err := m.element(fields)
	if err != nil {
		return engine.Record{}, err
	}
	there, err := c.Find(ctx, create.Module, create.KeyField, create.Key, 1)
	if err != nil || len(there) > 0 {
		return first(there), err
	}
	m.fill(element)
	var made answered
	err = c.call(ctx, request{operation: "create", module: m.name, element: element, owner: m.owner}, &made)
	if err != nil {
		return engine.Record{}, err
	}
	return made.record(create.Module), nil
}

func first(records []engine.Record) engine.Record {
	if len(records) == 0 {
		return engine.Record{}
	}
	return records[0]
}
