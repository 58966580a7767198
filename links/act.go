package links

import (
	"cmp"
	"fmt"

	"postern/engine"
)

// land commits a wish of the visitor and leads on.
func (d *Door) land(c *call, p passage, w wish) (answer, error) {
	act, err := d.act(c, p, w)
	if err != nil {
		return answer{}, err
	}
	if _, err := d.with.Store.Land(c.Context(), act); err != nil {
		return answer{}, fmt.Errorf("land: %w", err)
	}
	return answer{goTo: d.afterwards(c, p, act)}, nil
}

// act is a wish as the store takes it.
func (d *Door) act(c *call, p passage, w wish) (Act, error) {
	ids, err := d.newIDs(c, 3) // of the visit, of link.used and of the record's change
	if err != nil {
		return Act{}, err
	}
	key, err := w.key(p.link.ID)
	if err != nil {
		return Act{}, err
	}
	used, err := engine.NewLinkEvent(p.link, engine.LinkUsed, ids[1], c.now, map[string]any{"action": w.name})
	if err != nil {
		return Act{}, err
	}
	act := Act{
		ID: ids[0], Flow: p.flow.ID, Link: p.link.ID, Name: w.name, Key: key, Used: used, At: c.now, Files: w.files(),
		Entries: w.entries(), Before: w.before(), Write: engine.Write{
			Ref: p.link.Record, Patch: engine.Patch{Set: w.set, Expect: w.expect},
			Unique: p.landing.Module.UniqueAmong(w.set), Origin: d.origin(c, p, ids[2], used),
		},
	}
	for _, m := range w.made {
		key, err := engine.RandomID(d.with.Random) // it may be the external id of the new record: nobody can guess it
		if err != nil {
			return Act{}, err
		}
		origin := d.origin(c, p, engine.DerivedID(act.ID, "create", m.Entry), used)
		act.Creates = append(act.Creates, creation(m, p.link.Record, key, origin))
	}
	if !d.with.CRM.Traits().Local {
		act.Effects = effectsOf(p, act)
	}
	return act, nil
}

// effectsOf asks another CRM for what an act does to records.
func effectsOf(p passage, act Act) []*engine.Effect {
	var asks []engine.Ask
	if len(act.Write.Patch.Set) > 0 {
		asks = append(asks, engine.Ask{Write: &act.Write})
	}
	for i := range act.Creates {
		asks = append(asks, engine.Ask{Create: &act.Creates[i]})
	}
	effects := make([]*engine.Effect, len(asks))
	for i, ask := range asks {
		id := engine.DerivedID(act.ID, "effect", fmt.Sprint(i))
		effects[i] = engine.NewEffect(id, act.ID, ask, engine.DefaultRetry(), act.At)
		effects[i].Workflow = p.link.Workflow
	}
	return effects
}

// origin is where a change of a record comes from: the event of the link is its cause.
func (d *Door) origin(c *call, p passage, id engine.ID, cause *engine.Event) engine.Origin {
	return engine.Origin{
		EventID: id, Source: engine.Source, Cause: cause.ID, Depth: cause.Depth + 1, Actor: actor(p.link), At: c.now,
	}
}

// newIDs are fresh ids.
func (d *Door) newIDs(c *call, n int) ([]engine.ID, error) {
	ids := make([]engine.ID, n)
	for i := range ids {
		id, err := engine.NewID(c.now, d.with.Random)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

// actor is who did it, as far as the door knows: whoever the link was sent to.
func actor(link engine.Link) string { return "link:" + cmp.Or(link.Masked, link.Landing) }
