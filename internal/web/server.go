// Package web is the HTTP side of the house that belongs to no single door: the server with its limits, the log of
// requests, the answer when something broke, the health pages, and the entrance for events.
//
//	mux.Handle("/events", web.EventsHandler(bus, keys, logger))
//	mux.Handle("/healthz/", web.Health(ready))
//	err := web.Serve(ctx, listener, web.Log(logger, web.Recover(logger, mux)), logger)
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// headerBytes is the most that the headers of a request may have.
const headerBytes = 32 << 10

// limits of one connection. They hold for every door: all bodies and pages of ours are small.
type limits struct {
	header time.Duration // to send the request's headers
	read   time.Duration // to send the whole request
	write  time.Duration // from the end of the headers to the end of the answer
	idle   time.Duration // between two requests
	end    time.Duration // for requests under way when the server ends: more than read, which is what a slow one has
}

func usual() limits {
	return limits{
		header: 5 * time.Second, read: 15 * time.Second, write: 30 * time.Second, idle: time.Minute,
		end: 20 * time.Second,
	}
}

// Serve answers requests until ctx ends, then takes no new ones and lets those under way finish, at most 20 s; what has
// not finished then is cut off, which the log tells. It returns nil after that and closes listener in any case.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger) error {
	return serveWithin(ctx, listener, handler, logger, usual())
}

func serveWithin(
	ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger, limit limits,
) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: limit.header,
		ReadTimeout:       limit.read,
		WriteTimeout:      limit.write,
		IdleTimeout:       limit.idle,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		// A request under way is not cut off by the signal that ends the server; its own deadlines hold.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve HTTP on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit.end)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		// Nobody may keep the process from an orderly end by reading or writing slowly.
		logger.Warn("http requests cut off at the end", "address", listener.Addr().String(), "after", limit.end)
		err = server.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("end HTTP on %s: %w", listener.Addr(), err)
	}
	return nil
}
