package rig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// tailSize is how many lines of the log are shown after a failure.
const tailSize = 30

// Child is a running process of the program, and what is known of it after its end.
type Child struct {
	Place   Place
	process *os.Process
	asked   atomic.Bool // its end was
	done    chan struct{}
	state   *os.ProcessState // once done is closed
	err     error            // how it ended, likewise
}

// Start runs `postern serve` with the place's configuration, and returns before it is ready. The environment is ours
// and what is added, NAME=value. Its log is appended to. An end that nobody asked for goes to died, which may be nil.
func Start(program string, p Place, died func(error), environment ...string) (*Child, error) {
	return start(p, died, environment, program, "serve", "--config", p.Config())
}

// StartOther runs another program, whose output goes to the same log.
func StartOther(p Place, died func(error), command ...string) (*Child, error) {
	return start(p, died, nil, command...)
}

func start(p Place, died func(error), environment []string, line ...string) (*Child, error) {
	log, err := os.OpenFile(p.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", line[0], err)
	}
	defer log.Close() // the child has its own handle
	command := exec.Command(line[0], line[1:]...)
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", line[0], err)
	}
	c := &Child{Place: p, process: command.Process, done: make(chan struct{})}
	go func() {
		c.err = command.Wait()
		c.state = command.ProcessState
		close(c.done)
		if !c.asked.Load() && died != nil {
			died(fmt.Errorf("%s ended by itself: %w", line[0], orEnded(c.err)))
		}
	}()
	return c, nil
}

// orEnded gives an orderly end a name too: nobody had asked for it.
func orEnded(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// PID is the process's number.
func (c *Child) PID() int { return c.process.Pid }

// Done is closed when the process has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Ended waits for the end and returns how it was: nil for exit code 0, else usually an *exec.ExitError.
func (c *Child) Ended() error {
	<-c.done
	return c.err
}

// Ready asks the health endpoints, once: live at once, ready when events are taken in.
func (c *Child) Ready(ctx context.Context) bool {
	for _, state := range []string{"live", "ready"} {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Place.WebURL()+"/healthz/"+state, nil)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return false
		}
	}
	return true
}

// AwaitReady waits until the program is ready, or has ended.
func (c *Child) AwaitReady(ctx context.Context) error {
	ended := false
	err := Await(ctx, func() bool {
		select {
		case <-c.done:
			ended = true
		default:
		}
		return ended || c.Ready(ctx)
	})
	switch {
	case err != nil:
		return fmt.Errorf("postern is not ready: %w", err)
	case ended:
		return fmt.Errorf("postern ended before it was ready: %w", orEnded(c.err))
	}
	return nil
}

// Stop asks the child to end, which it must do in good order and within the time.
func (c *Child) Stop(within time.Duration) error {
	c.asked.Store(true)
	if err := c.process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop postern: %w", err)
	}
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-c.done:
	case <-late.C:
		return fmt.Errorf("postern is still there %s after SIGTERM", within)
	}
	if c.err != nil {
		return fmt.Errorf("postern ended after SIGTERM with %w", c.err)
	}
	return nil
}

// Signal sends the process a signal, such as SIGSTOP and SIGCONT.
func (c *Child) Signal(s os.Signal) error { return c.process.Signal(s) }

// Kill ends the child with SIGKILL if it is still there, and waits for that.
func (c *Child) Kill() {
	c.asked.Store(true)
	_ = c.process.Kill()
	<-c.done
}

// CPU is how much time of a processor the process took in all, 0 while it runs.
func (c *Child) CPU() time.Duration {
	select {
	case <-c.done:
		return c.state.UserTime() + c.state.SystemTime()
	default:
		return 0
	}
}

// Tail is the end of the log, without the requests that went well: they are too many to see anything else.
func (c *Child) Tail() string {
	text, err := os.ReadFile(c.Place.Log())
	if err != nil {
		return err.Error()
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimRight(string(text), "\n"), "\n"), func(line string) bool {
		return strings.Contains(line, "level=INFO msg=request ")
	})
	return strings.Join(lines[max(0, len(lines)-tailSize):], "\n")
}
