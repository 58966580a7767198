-- +goose Up

-- Channels are looked at one by one: what waits for one that sends nothing must cost the others nothing.
DROP INDEX deliveries_planned;
CREATE INDEX deliveries_due ON deliveries (channel, due) WHERE state = 'planned';
CREATE INDEX deliveries_until ON deliveries (channel, until) WHERE state = 'planned';
