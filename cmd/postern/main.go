// Command postern runs workflows on the record changes of a CRM: it sends people messages with a link
// back to the web and guards the door that the link opens. `postern help` lists what it can do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is stamped in by the linker (make build).
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the program without the process around it; it returns the exit code.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	var told toldError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &told):
		return 1
	}
	_, _ = fmt.Fprintf(errOut, "postern: %v\n", err)
	return 1
}

// toldError is an error whose text has been printed already.
type toldError struct{ error }

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "postern",
		Short: "Workflows and links back to the web for a CRM",
		Long: `Postern takes the record-change events of a CRM, runs the workflows you write in YAML,
sends people a message with a link back to the web, and guards the door the link opens.

  postern demo     try it: everything in one process, nothing leaves this machine
  postern serve    run it`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		demoCommand(), serveCommand(), lintCommand(), emitCommand(), linkCommand(), versionCommand(),
	)
	return root
}
