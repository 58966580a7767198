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

// Limits of one connection. They hold for every door: all bodies and pages of ours are small. Whoever sends a request
// slowly has readTime for it, so shutdownTime is longer.
const (
	headerTime  = 5 * time.Second  // to send the request's headers
	readTime    = 15 * time.Second // to send the whole request
	writeTime   = 30 * time.Second // from the end of the headers to the end of the answer
	idleTime    = time.Minute      // between two requests
	headerBytes = 32 << 10

	shutdownTime = readTime + 5*time.Second // for requests under way when the server ends
)

// Serve answers requests until ctx ends, then takes no new ones and lets those under way finish, at most 20 s; what has
// not finished then is cut off, which the log tells. It returns nil after that and closes listener in any case.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger) error {
	return serveUntil(ctx, listener, handler, logger, shutdownTime)
}

func serveUntil(
	ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger, limit time.Duration,
) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
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
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		// Nobody may keep the process from an orderly end by reading or writing slowly.
		logger.Warn("http requests cut off at the end", "address", listener.Addr().String(), "after", limit)
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
