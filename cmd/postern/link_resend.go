package main

import (
	"context"

	"github.com/spf13/cobra"

	"postern/engine"
)

var linkResend = operation[changeOrder, linkLine]{"links/resend", needsEngine, (*house).resendLink}

func linkResendCommand() *cobra.Command {
	return linkChange(linkResend, "%s is sent again; it is %s", &cobra.Command{
		Use:   "resend ID",
		Short: "Send the message of a link again, with new addresses",
		Long: `Resend sends the message that carries a link once more to the address it went to, with all links in it
under new addresses and with their whole life before them. The addresses sent before open nothing any more.
Uses that were counted stay counted. A link that was made by hand has no message: make another one.`,
		Example: `  postern link resend 8f22937a --reason "the mail was deleted"`,
	})
}

func (h *house) resendLink(ctx context.Context, order changeOrder) (linkLine, error) {
	id, err := h.idOf(ctx, engine.ThingLink, order.ID)
	if err != nil {
		return linkLine{}, err
	}
	asked := order.order()
	link, err := h.door.Resend(ctx, id, asked)
	if err != nil {
		return linkLine{}, plainly(err)
	}
	return lineOfLink(link, asked.At), nil
}
