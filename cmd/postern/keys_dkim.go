package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern/internal/mail"
)

func keysDKIMCommand() *cobra.Command {
	var domain, selector, kind string
	cmd := &cobra.Command{
		Use:   "dkim FILE",
		Short: "Make a key that signs mails, and the DNS record for it",
		Long: `Dkim makes a private key in a file that only you can read, and prints the DNS record by which recipients
see that a mail signed with it is yours. If the file is there, its record is printed and the file stays.
An RSA key is understood everywhere; a second one of kind ed25519 may stand beside it, under a selector
of its own. It needs no configuration and no running Postern.`,
		Example: `  postern keys dkim --domain acme.example --selector postern1 dkim.pem`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return fmt.Errorf("%s needs one file, found %d; see `%[1]s --help`", cmd.CommandPath(), len(args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if domain == "" || selector == "" {
				return errors.New("a key needs the --domain of the sender's address and a --selector, such as postern1")
			}
			text, err := dkimKey(args[0], kind)
			if err != nil {
				return err
			}
			signer, err := mail.NewSigner(domain, selector, text)
			if err != nil {
				return err
			}
			name, record := signer.Record()
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s. IN TXT %s\n", name, strings.Join(dnsStrings(record), " "))
			return err
		},
	}
	cmd.Flags().StringVar(&domain, "domain", "", "the domain that signs: that of the sender's address")
	cmd.Flags().StringVar(&selector, "selector", "", "the name of this key in the DNS, such as postern1")
	cmd.Flags().StringVar(&kind, "kind", "rsa", "rsa or ed25519, for a new key")
	return cmd
}

// dkimKey is the key in a file, which is made if it is not there.
func dkimKey(path, kind string) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return string(text), err
	}
	if text, err = mail.NewKey(kind); err != nil {
		return "", fmt.Errorf("--kind: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	return string(text), errors.Join(err, file.Close())
}

// dnsStrings puts a record into quotes, in pieces of the 255 characters that one may have (RFC 1035, section 3.3).
func dnsStrings(text string) []string {
	var quoted []string
	for len(text) > 255 {
		quoted = append(quoted, `"`+text[:255]+`"`)
		text = text[255:]
	}
	return append(quoted, `"`+text+`"`)
}
