package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"postern/internal/webpush"
)

func keysWebPushCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "webpush FILE",
		Short: "Make the key pair that browsers subscribe to, or show it",
		Long: `Webpush writes a new private key into a file that only its owner reads, and prints the public key, which
pages hand to pushManager.subscribe. A file that holds a key already is left as it is. Keep a copy of it: with
another key every subscription that browsers made for this one is dead.`,
		Example: `  postern keys webpush webpush.key`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("name a file, such as `%s webpush.key`", cmd.CommandPath())
			}
			return oneArgument("file")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			key, made, err := webPushKey(args[0])
			if err != nil {
				return fmt.Errorf("key of web push: %w", err)
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"public": key.Public(), "made": made})
			}
			state := "was there already and is as it was"
			if made {
				state = "is new; keep a copy of it"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "private key  %s %s\npublic key   %s\n",
				args[0], state, key.Public())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

// webPushKey reads the key of a file, or makes one in a file that is not there.
func webPushKey(path string) (key webpush.Key, made bool, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		if key, err = webpush.ParseKey(string(text)); err != nil {
			err = fmt.Errorf("%s %w", path, err)
		}
		return key, false, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if key, err = webpush.NewKey(rand.Reader); err != nil {
		return key, false, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return key, false, err
	}
	_, err = file.WriteString(key.Private() + "\n")
	return key, true, errors.Join(err, file.Sync(), file.Close())
}
