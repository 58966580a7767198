package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// operations is everything that one process does for a command of another one.
func operations() []handler {
	return []handler{
		linkNew, linkList, linkShow, linkRevoke, linkUnlock, linkResend,
		deadList, deadShow, deadReplay, deadDrop,
		runList, runShow, runRetry, runCancel,
		deliveryList, deliveryShow, deliveryRetry, deliveryCancel,
		suppressList, suppressAdd, suppressRemove,
		waitList, waitMove, runStart, bookReload, timingList,
		replayBegin, replaySome, replayCount,
		auditList, auditVerify,
		keysList, keysRotate, keysRetire,
		doctorState, recordRead,
		portalList, portalShow, portalExplain, portalInvite, portalGovern, portalEnd, portalTakeover, portalLook,
		appKeyNew, appKeyList, appKeyRevoke,
	}
}

// handler is an operation whatever it asks and answers.
type handler interface {
	path() string
	answer(ctx context.Context, h *house, request io.Reader) (any, error)
}

// need is what of a house an operation works on, each with all before it.
type need int

const (
	needsStore  need = iota // the data folder
	needsBook               // and the book
	needsEngine             // and a running engine: nobody but the serving process has one
)

// operation is one thing that a command asks of the process that serves the data folder or, where none
// does and no engine is needed, does itself.
type operation[Request, Result any] struct {
	name  string
	needs need
	do    func(h *house, ctx context.Context, request Request) (Result, error)
}

func (o operation[Request, Result]) path() string { return "/" + o.name }

func (o operation[Request, Result]) answer(ctx context.Context, h *house, body io.Reader) (any, error) {
	var request Request
	if err := json.NewDecoder(body).Decode(&request); err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return o.do(h, ctx, request)
}

// ask has the operation done.
func (o operation[Request, Result]) ask(ctx context.Context, at *site, request Request) (result Result, err error) {
	err = callControl(ctx, at.config.Data, o.path(), request, &result)
	if !errors.Is(err, errNotRunning) {
		return result, err
	}
	if o.needs == needsEngine {
		return result, fmt.Errorf("%w: start it with `postern serve`", err)
	}
	if _, err := os.Stat(at.config.database()); errors.Is(err, fs.ErrNotExist) {
		return result, fmt.Errorf("there is no data in the folder %s yet: "+
			"name another folder with --data or --config, or run `postern serve` first", at.config.Data)
	}
	h, err := at.open(ctx, o.needs)
	if err == nil {
		result, err = o.do(h, ctx, request)
	}
	return result, errors.Join(err, h.close())
}

// site is where a command works: its configuration, and where complaints of what it opens go.
type site struct {
	path, data string // flags
	json       bool   // flag
	config     config
	log        io.Writer
}

// flags adds the flags that say where to work.
func (s *site) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.path, "config", "c", "", "configuration file")
	cmd.Flags().StringVar(&s.data, "data", "", "data folder, in place of the configured one")
	cmd.Flags().BoolVar(&s.json, "json", false, "print it as JSON")
}

// load reads the configuration.
func (s *site) load(cmd *cobra.Command) error {
	c, err := loadConfig(s.path)
	if err != nil {
		return err
	}
	if s.data != "" {
		c.Data = s.data
	}
	s.config, s.log = c, cmd.ErrOrStderr()
	return nil
}

// open opens as much of the house as an operation needs.
func (s *site) open(ctx context.Context, needs need) (*house, error) {
	h := &house{config: s.config, logger: newLogger(s.log, s.config.Log, slog.LevelWarn)}
	if needs >= needsBook {
		if err := h.check(); err != nil {
			return h, err
		}
	}
	return h, h.openStore(ctx)
}

// caller is the name that what a command does is noted under: that of the system's user.
func caller() string {
	if known, err := user.Current(); err == nil && known.Username != "" {
		return known.Username
	}
	return "user " + strconv.Itoa(os.Getuid())
}

// print writes a result: as JSON if that was asked for, else as the command lays it out.
func (s *site) print(out io.Writer, result any, layOut func(*strings.Builder)) error {
	if s.json {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(result)
	}
	var text strings.Builder
	layOut(&text)
	_, err := io.WriteString(out, text.String())
	return err
}
