package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

func serveCommand() *cobra.Command {
	var path, book, data string
	var watch bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run Postern",
		Long: `Serve takes events in, runs workflows, sends messages and opens the door for links, until it
gets SIGTERM or SIGINT; then it finishes what is in flight and exits with 0. On SIGHUP, by
postern reload, or with --watch whenever its files change, it takes the book over again;
one with a mistake is told in the log, and the book in use stays.`,
		Example: `  postern serve --config postern.yaml
  postern serve --config postern.yaml --book ./book --watch`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			if book != "" {
				c.Book = book
			}
			if data != "" {
				c.Data = data
			}
			return serve(cmd.Context(), cmd.ErrOrStderr(), c, watch)
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration file")
	cmd.Flags().StringVar(&book, "book", "", "folder of the book, in place of the configured one")
	cmd.Flags().StringVar(&data, "data", "", "data folder, in place of the configured one")
	cmd.Flags().BoolVar(&watch, "watch", false, "take the book over again when its files change")
	return cmd
}

func serve(ctx context.Context, out io.Writer, c config, watch bool) error {
	if len(c.Channels) == 0 {
		return errors.New("serve needs at least one channel in its configuration, such as\n" +
			"  channels:\n    email: { host: smtp.example.com, from: \"Acme <help@example.com>\" }")
	}
	logger := newLogger(out, c.Log, slog.LevelInfo)
	h, err := openHouse(ctx, c, logger)
	if err != nil {
		return err
	}
	listener, err := h.listen(ctx)
	if err != nil {
		return errors.Join(err, h.close())
	}
	logger.Info("postern serves", "version", version,
		"web", listener.Addr().String(), "links", h.base.String(), "nats", h.bus.Address(), "book", bookSummary(h.book))
	h.tellPortals()
	warnOfDiversion(h.diversion, logger)
	if needs := leftOut(h.book); needs != "" {
		logger.Info("workflows of the shipped book are left out: they need channels that are not configured",
			"needs", needs)
	}
	h.watching = watch
	err = errors.Join(h.work(ctx, listener, h.handler()), h.close())
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	logger.Info("postern ended in good order")
	return nil
}
