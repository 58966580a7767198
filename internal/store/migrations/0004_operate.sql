-- +goose Up

ALTER TABLE dead_letters ADD COLUMN header TEXT NOT NULL DEFAULT 'null'; -- ce- headers of one in binary mode
ALTER TABLE dead_letters ADD COLUMN fate TEXT NOT NULL DEFAULT '';       -- what an operator made of it

-- What operators look for among many that need no look. Each holds the ids of the rare states alone.
CREATE INDEX dead_letters_open ON dead_letters (id) WHERE fate = '';
CREATE INDEX runs_failed ON runs (id) WHERE state = 'failed';
CREATE INDEX deliveries_unknown ON deliveries (id) WHERE state = 'unknown';
CREATE INDEX deliveries_rejected ON deliveries (id) WHERE state = 'rejected';

CREATE INDEX flows_link ON flows (link);
CREATE INDEX visits_link ON visits (link);
