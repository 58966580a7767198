package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/engine"
)

// startSource is the CloudEvents source of the orders that come by command or over HTTP.
const startSource = "postern-api"

// startRequest orders a workflow to be started.
type startRequest struct {
	Workflow string        `json:"workflow"`
	Record   engine.Ref    `json:"record"`
	Inputs   engine.Fields `json:"inputs"`
	By       string        `json:"by"`
}

// startMade is an order that is on the stream.
type startMade struct {
	Event    string `json:"event"`
	Workflow string `json:"workflow"`
	Record   string `json:"record"`
}

func runCommand() *cobra.Command {
	var at site
	var record string
	var inputs map[string]string
	cmd := &cobra.Command{
		Use:   "run WORKFLOW",
		Short: "Start a workflow by hand",
		Long: `Run starts a workflow that has the trigger { manual: true } on a record. The order goes out as an
event, so that it outlives a crash like any other; what came of it is shown by postern runs ls.`,
		Example: `  postern run remind --config postern.yaml --record HelpDesk:17x8615
  postern run remind --record HelpDesk:17x8615 --input reason=overdue --input days=3`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if record == "" {
				return errors.New("run needs --record, such as --record HelpDesk:17x8615")
			}
			ref, err := parseRecord(record)
			if err != nil {
				return err
			}
			if err := at.load(cmd); err != nil {
				return err
			}
			request := startRequest{Workflow: args[0], Record: ref, Inputs: engine.Fields{}, By: "operator:" + caller()}
			for name, value := range inputs {
				request.Inputs[name] = value
			}
			made, err := runStart.ask(cmd.Context(), &at, request)
			if err != nil {
				return err
			}
			return at.print(cmd.OutOrStdout(), made, func(out *strings.Builder) {
				fmt.Fprintf(out, "%s is started on %s\n", made.Workflow, made.Record)
			})
		},
	}
	at.flags(cmd)
	cmd.Flags().StringVar(&record, "record", "", "the record, as Module:id")
	cmd.Flags().StringToStringVar(&inputs, "input", nil, "an input of the workflow, as name=value")
	return cmd
}

var runStart = operation[startRequest, startMade]{name: "runs/start", needs: needsEngine, do: (*house).startFor}

func (h *house) startFor(ctx context.Context, request startRequest) (startMade, error) {
	id, err := engine.NewID(time.Now(), rand.Reader)
	if err != nil {
		return startMade{}, err
	}
	order := engine.StartOrder{Workflow: request.Workflow, Inputs: request.Inputs, By: request.By}
	if err := h.startRun(ctx, order, request.Record, id.String()); err != nil {
		return startMade{}, err
	}
	return startMade{Event: id.String(), Workflow: order.Workflow, Record: request.Record.String()}, nil
}

// startRun puts an order on the stream, once for one id. What cannot be started is Permanent, with the reason.
func (h *house) startRun(ctx context.Context, order engine.StartOrder, ref engine.Ref, id string) error {
	if _, err := h.engine.Book().StartableAt(order, ref, time.Now()); err != nil {
		return engine.Permanent(err)
	}
	event, err := order.Event(startSource, id, ref, time.Now())
	if err != nil {
		return engine.Permanent(err)
	}
	return h.bus.Publish(ctx, event)
}
