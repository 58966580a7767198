package main

import (
	"context"
	"errors"
	"fmt"

	"postern/engine"
	"postern/internal/web"
	"postern/links"
)

// linkOffice does for clients of the API what commands do for operators.
type linkOffice struct{ house *house }

var _ web.Links = linkOffice{}

// New implements web.Links.
func (o linkOffice) New(
	ctx context.Context, order web.LinkOrder, id engine.ID, by engine.Order,
) (web.LinkMade, error) {
	ref, err := engine.ParseRef(order.Record)
	if err != nil {
		return web.LinkMade{}, engine.Permanent(fmt.Errorf("record: %w", err))
	}
	made, err := o.house.newLink(ctx, linkOrder{
		Landing: order.Landing, Preset: order.Preset, Record: ref, Language: order.Language, Expires: order.Expires,
		opOrder: opOrder{By: by.By, Reason: by.Reason}, id: id,
	})
	return web.LinkMade{ID: made.ID, URL: made.URL, Expires: made.Expires, Uses: made.Uses}, err
}

// Check implements web.Links.
func (o linkOffice) Check(ctx context.Context, question web.LinkQuestion) (*web.LinkStanding, error) {
	check := func() (links.Standing, error) { return o.house.door.Check(ctx, question.Token) }
	if question.ExternalID != "" {
		check = func() (links.Standing, error) {
			return o.house.door.CheckExternal(ctx, question.Landing, question.ExternalID)
		}
	}
	found, err := check()
	switch {
	case errors.Is(err, links.ErrNoLink):
		return nil, nil //nolint:nilnil // that it opens nothing is the answer
	case err != nil:
		return nil, err
	}
	return &web.LinkStanding{
		Active: true, Record: found.Record.String(), Landing: found.Landing, FactorOwed: found.Factor,
		Fields:  web.LinkFields{Show: orEmpty(found.Show), Edit: orEmpty(found.Edit)},
		Actions: orEmpty(found.Actions), Expires: found.Expires, UsesLeft: found.UsesLeft,
	}, nil
}

// orEmpty is a list that JSON writes as one, also where there is nothing in it.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Revoke implements web.Links.
func (o linkOffice) Revoke(ctx context.Context, choice web.LinkChoice, by engine.Order) (int, error) {
	sel := engine.LinkSelection{Workflow: choice.Workflow, At: by.At}
	var err error
	switch {
	case choice.ID != "":
		var id engine.ID
		id, err = engine.ParseID(choice.ID)
		sel.IDs = []engine.ID{id}
	case choice.Record != "":
		sel.Record, err = engine.ParseRef(choice.Record)
	case choice.Recipient != "":
		sel.Recipient, err = engine.ParseRef(choice.Recipient)
	case choice.Token != "":
		var id engine.ID
		if id, err = o.house.door.Known(ctx, choice.Token); errors.Is(err, links.ErrNoLink) {
			return 0, nil // what is not there needs no end
		} else if err != nil {
			return 0, err
		}
		sel.IDs = []engine.ID{id}
	}
	if err != nil {
		return 0, engine.Permanent(err)
	}
	check := opOrder{Reason: by.Reason}
	if check.check() != nil {
		return 0, engine.Permanent(fmt.Errorf("reason is one line of at most %d bytes", maxReason))
	}
	return o.house.store.RevokeLinks(ctx, sel, by)
}
