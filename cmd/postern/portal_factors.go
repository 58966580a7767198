package main

import (
	"github.com/spf13/cobra"

	"postern/portal"
)

func portalDeleteFactorsCommand() *cobra.Command {
	return whoCommand(portalGovern, portal.OrderDeleteFactors, &cobra.Command{
		Use:   "delete-factors PORTAL WHO",
		Short: "Delete somebody's second factors, for who has lost them",
		Long: `Delete-factors removes the passkeys, the authenticator and the recovery codes of somebody, and signs them
out everywhere. They are told of it at the address of their record. From then on a password alone signs them
in, or a link by mail; a portal that requires a second factor has them set one up then. Make sure first that
it is they who ask: whoever can read their mail has their account afterwards.`,
		Example: `  postern portal delete-factors customers zoe@acme.example --reason "lost her telephone"`,
	})
}
