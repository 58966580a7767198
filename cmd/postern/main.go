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
	"runtime"
	"syscall"
	_ "time/tzdata" // the time zones, for machines that have none

	"github.com/spf13/cobra"
)

// version is stamped in by the linker (make build).
var version = "dev"

// ballast is memory that is never touched, and so never really there. To the collector it counts: beside it a small
// heap of short-lived things is collected half as often, for a tenth less processor time, and a large one as ever.
const ballast = 8 << 20

func main() {
	weight := make([]byte, ballast)
	code := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	runtime.KeepAlive(weight)
	os.Exit(code)
}

// run is the program without the process around it; it returns the exit code.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the first signal asks for an orderly end, a second one does not ask
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &toldError{}):
	case errors.As(err, &complaints{}): // begins with the place, for editors that go there
		_, _ = fmt.Fprintln(errOut, err)
	default:
		_, _ = fmt.Fprintf(errOut, "postern: %v\n", err)
	}
	return 1
}

// toldError is an error whose text has been printed already.
type toldError struct{ error }

func rootCommand() *cobra.Command {
	root := chooses(&cobra.Command{
		Use:   "postern",
		Short: "Workflows and links back to the web for a CRM",
		Long: `Postern takes the record-change events of a CRM, runs the workflows you write in YAML,
sends people a message with a link back to the web, and guards the door the link opens.

  postern demo     try it: everything in one process, nothing leaves this machine
  postern serve    run it`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
	})
	root.SetVersionTemplate(versionLine())
	root.SetFlagErrorFunc(flagMistake)
	root.SetHelpCommand(helpCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		demoCommand(), serveCommand(), reloadCommand(), runCommand(), lintCommand(), testCommand(), simulateCommand(),
		previewCommand(), functionsCommand(), emitCommand(),
		eventsCommand(), linkCommand(), portalCommand(), schedulesCommand(),
		runsCommand(), deliveriesCommand(), suppressCommand(), waitsCommand(), deadCommand(), replayCommand(),
		auditCommand(), keysCommand(), doctorCommand(), sendCommand(),
		backupCommand(), restoreCommand(), importCommand(), schemaCommand(), moduleCommand(), newCommand(),
		versionCommand(),
	)
	return root
}
